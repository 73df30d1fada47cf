// SPDX-License-Identifier: BSD-3-Clause
// What a page of the measurement does by itself; `fetches` is set by the page before. `acted` is a promise.
'use strict';

const loaded = new Promise((resolve) => addEventListener('load', resolve));
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const take = (body) => fetch('/take', {method: 'POST', body}).then((r) => r.text());

async function act() {
  await Promise.all(fetches.map((url) => fetch(url).then((r) => r.arrayBuffer())));
  await loaded;
  for (let n = 0; n < 4; n++) {
    await fetch(`/item/${n}?t=${performance.now()}`).then((r) => r.text());
    await wait(40);
  }
  for (let n = 0; n < 3; n++) await take(new URLSearchParams({name: `value${n}`, text: 'x'.repeat(30 * n)}));
  for (const what of ['seen', 'left']) navigator.sendBeacon('/take', JSON.stringify({what, at: performance.now()}));
  const octets = new Uint8Array(300_000);
  for (let at = 0; at < octets.length; at += 50_000) crypto.getRandomValues(octets.subarray(at, at + 50_000));
  await take(octets);
  await wait(200); // the beacons
  return true;
}

const upAndDown = () =>
    Promise.all([fetch('/large.bin', {cache: 'no-store'}).then((r) => r.arrayBuffer()), take(new Uint8Array(3_000_000))]);

// Messages of 5 to 1,208 octets, each asked for when the one before has come back.
async function chat(url, messages) {
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  let answered;
  socket.onmessage = ({data}) => data instanceof ArrayBuffer && answered(data.byteLength);
  await new Promise((resolve, reject) => { socket.onopen = resolve; socket.onerror = () => reject(new Error('no WebSocket')); });
  let octets = 0;
  for (let n = 0; n < messages; n++) {
    const answer = new Promise((resolve) => answered = resolve);
    socket.send(new Uint8Array(5 + n * 1203 / (messages - 1)));
    octets += await answer;
  }
  const closed = new Promise((resolve) => socket.onclose = resolve);
  socket.close(1000);
  await closed;
  return octets;
}

const acted = typeof fetches === 'undefined' ? true : act(); // a page that waits to be told
