// SPDX-License-Identifier: BSD-3-Clause
// What the page does and says of itself; `plan` and `ran` are set before by the page. report is a promise.
'use strict';

const loaded = new Promise((resolve) => addEventListener('load', resolve));

// A fetch with `integrity` fails when the bytes are not those of the digest.
const took = (promise) => promise.then(() => true, () => false);
const fetchPart = ({url, integrity}) => took(fetch(url, {integrity}).then((r) => r.arrayBuffer()));
const callHeavy = ({url, credentials}) => took(fetch(url, {mode: 'no-cors', credentials}));
const count = async (promises) => (await Promise.all(promises)).filter(Boolean).length;

const shown = (image) => took(image.decode())
    .then((ok) => ok && image.naturalWidth === plan.side && image.naturalHeight === plan.side);

async function lookAtPage() {
  const fetches = count(plan.fetches.map(fetchPart));
  const heavy = count(plan.heavy.map(callHeavy));
  const whoami = fetch('/whoami').then((r) => r.json());
  await loaded;
  await new Promise((resolve) => setTimeout(resolve));  // loadEventEnd is known after the event
  const images = await count([...document.images].map(shown));
  const result = {
    images, scripts: new Set(ran).size, fetches: await fetches, heavy: await heavy,
    wanted: plan.images + plan.scripts + plan.fetches.length, whoami: await whoami,
  };
  const [navigation] = performance.getEntriesByType('navigation');
  const entries = [navigation, ...performance.getEntriesByType('resource')]
      .filter((entry) => entry.name.startsWith(location.origin));
  return {
    ...result, load_ms: navigation.loadEventEnd, all_ms: performance.now(),
    protocols: [...new Set(entries.map((entry) => entry.nextHopProtocol))],
    entries: entries.length, agent: navigator.userAgent,
  };
}

const hex = (buffer) => [...new Uint8Array(buffer)].map((b) => b.toString(16).padStart(2, '0')).join('');

// Takes a long body piece by piece, as it streams in.
async function download(url) {
  const start = performance.now(), response = await fetch(url, {cache: 'no-store'}), pieces = [];
  for (const reader = response.body.getReader();;) {
    const {done, value} = await reader.read();
    if (done) break;
    pieces.push(value);
  }
  const ms = performance.now() - start;
  const whole = await new Blob(pieces).arrayBuffer();
  const sha256 = hex(await crypto.subtle.digest('SHA-256', whole));
  return {size: whole.byteLength, pieces: pieces.length, ms, sha256};
}

async function upload(url, size) {
  const body = new Uint8Array(size);
  for (let at = 0; at < size; at += 65536) crypto.getRandomValues(body.subarray(at, at + 65536));
  const sha256 = hex(await crypto.subtle.digest('SHA-256', body));
  const start = performance.now();
  const answer = await (await fetch(url, {method: 'POST', body})).json();
  return {answer, ms: performance.now() - start, sha256};
}

const report = lookAtPage();
