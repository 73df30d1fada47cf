// SPDX-License-Identifier: BSD-3-Clause
// A server whose answers come in two records, head and body, as Node writes them; the files of nginx, and a line in its log for
// each request. Run as: node node_server.js ADDRESS PORT HOME.
'use strict';
const fs = require('node:fs');
const http2 = require('node:http2');
const path = require('node:path');

const [address, port, home] = process.argv.slice(2);
const log = fs.openSync(`${home}/node.log`, 'a');
const types = {'.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.png': 'image/png'};

function answer(request, response) {
  const name = path.normalize(new URL(request.url, 'https://here').pathname), file = `${home}/www${name}`;
  response.on('close', () => fs.writeSync(log, `${Date.now() / 1000} ${request.headers[':authority']} HTTP/${request.httpVersion} ${request.method} ${name}\n`));
  if (name.startsWith('/item')) {
    response.end('an answer of some length, as answers are\n');
  } else if (name.startsWith('/take')) {
    request.resume().on('end', () => response.end('taken, all of it\n'));
  } else if (fs.existsSync(file)) {
    response.setHeader('Content-Type', types[path.extname(name)] ?? 'application/octet-stream');
    response.end(fs.readFileSync(file));
  } else {
    response.statusCode = 404;
    response.end();
  }
}

http2.createSecureServer({key: fs.readFileSync(`${home}/node.key`), cert: fs.readFileSync(`${home}/node.pem`)}, answer)
    .listen(Number(port), address);
