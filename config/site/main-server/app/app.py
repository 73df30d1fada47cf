#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A small app behind nginx, where yours goes: says who asked, as JSON. Uploads are answered with size and SHA-256.
app.py NAME [ADDRESS]: what it calls itself, where it listens (127.0.0.1 unless said), port 8080."""
import hashlib
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class App(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer({})

    def do_POST(self):
        left, digest = int(self.headers.get("Content-Length", 0)), hashlib.sha256()
        size = left
        while left and (piece := self.rfile.read(min(left, 65536))):
            digest.update(piece)
            left -= len(piece)
        self.answer({"size": size - left, "sha256": digest.hexdigest()})

    do_PUT = do_POST

    def answer(self, more):
        who = {"client": self.headers.get("X-Real-IP"), "forwarded": self.headers.get("X-Forwarded-For"), "host": self.headers.get("Host"),
               "path": self.path, "server": sys.argv[1]}
        body = (json.dumps(who | more) + "\n").encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass  # nginx keeps the access log


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024


Server((sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1", 8080), App).serve_forever()
