// SPDX-License-Identifier: BSD-3-Clause
// What the page does and says of itself; `plan` and `ran` are set before by the page. report is a promise.
'use strict';

const loaded = new Promise((resolve) => addEventListener('load', resolve));

// A fetch with `integrity` fails when the bytes are not those of the digest.
const took = (promise) => promise.then(() => true, () => false);
const fetchPart = ({url, integrity}) => took(fetch(url, {integrity}).then((r) => r.arrayBuffer()));
const callHeavy = ({url, credentials}) => took(fetch(url, {mode: 'no-cors', credentials}));
const count = async (promises) => (await Promise.all(promises)).filter(Boolean).length;

const hex = (buffer) => [...new Uint8Array(buffer)].map((b) => b.toString(16).padStart(2, '0')).join('');
const sha256 = async (data) => hex(await crypto.subtle.digest('SHA-256', data));

// A broken image is shown as far as it came: only its pixels say whether it is whole.
async function shown(image, number) {
  if (!await took(image.decode())) return false;
  const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight).getContext('2d');
  canvas.drawImage(image, 0, 0);
  const {data} = canvas.getImageData(0, 0, image.naturalWidth, image.naturalHeight);
  return await sha256(data) === plan.pixels[number];
}

async function lookAtPage() {
  const fetches = count(plan.fetches.map(fetchPart));
  const heavy = count(plan.heavy.map(callHeavy));
  const whoami = fetch('/whoami').then((r) => r.json());
  await loaded;
  await new Promise((resolve) => setTimeout(resolve));  // loadEventEnd is known after the event
  const images = await count([...document.images].map(shown));
  const result = {
    images, scripts: new Set(ran).size, fetches: await fetches, heavy: await heavy,
    wanted: plan.pixels.length + plan.scripts + plan.fetches.length, whoami: await whoami,
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
  return {size: whole.byteLength, pieces: pieces.length, ms, sha256: await sha256(whole)};
}

async function upload(url, size) {
  const body = new Uint8Array(size);
  for (let at = 0; at < size; at += 65536) crypto.getRandomValues(body.subarray(at, at + 65536));
  const digest = await sha256(body), start = performance.now();
  const answer = await (await fetch(url, {method: 'POST', body})).json();
  return {answer, ms: performance.now() - start, sha256: digest};
}

// A WebSocket that is opened once and never again.
class Chat {
  constructor(url) {
    this.unasked = 0;
    this.waiting = [];
    this.socket = new WebSocket(url);
    this.socket.binaryType = 'arraybuffer';
    this.socket.onmessage = ({data}) => this.take(data);
    this.closed = new Promise((resolve) => this.socket.onclose = resolve);
    this.opened = new Promise((resolve, reject) => {
      this.socket.onopen = resolve;
      this.socket.onerror = () => reject(new Error('the WebSocket broke'));
    });
  }

  take(data) {
    if (data instanceof ArrayBuffer) return this.waiting.shift()(data);
    const said = JSON.parse(data);
    this.client ??= said.client;
    // The numbers tell whether anything was lost: TCP's order is the WebSocket's.
    if (said.unasked) this.unasked = said.unasked === this.unasked + 1 ? said.unasked : NaN;
  }

  // Sends so many messages of 1 to 65,536 bytes at once; counts the echoes that are the same, in order.
  async talk(messages) {
    await this.opened;
    const echoes = Array.from({length: messages}, (_, number) => {
      const message = crypto.getRandomValues(new Uint8Array(1 << (number % 17)));
      const echo = new Promise((resolve) => this.waiting.push(resolve));
      this.socket.send(message);
      return Promise.all([sha256(message), Promise.race([echo, this.closed]).then((e) => sha256(e))])
          .then(([sent, got]) => sent === got, () => false);
    });
    return {same: await count(echoes), unasked: this.unasked, client: this.client};
  }

  async end() {
    this.socket.close(1000, 'done');
    const {code, wasClean} = await this.closed;
    return {code, wasClean, unasked: this.unasked};
  }
}

const report = lookAtPage();
