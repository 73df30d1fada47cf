#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A server that speaks first, as SMTP does: reads the PROXY header (v1 or v2), greets with the
client's address at once, then echoes what it gets until the client closes."""
import socket
import socketserver
import struct

V2_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def read_exactly(stream, count):
    data = stream.read(count)
    if len(data) != count:
        raise ConnectionError("closed inside the PROXY header")
    return data


def client_address(stream):
    start = read_exactly(stream, 12)
    if start.startswith(b"PROXY "):
        words = (start + stream.readline(107)).decode().split()
        return words[2] if len(words) > 2 else "local"
    if start != V2_SIGNATURE:
        raise ConnectionError("no PROXY header")
    command, family, size = struct.unpack("!BBH", read_exactly(stream, 4))
    body = read_exactly(stream, size)
    if command == 0x20:
        return "local"
    if family >> 4 == 1:
        return socket.inet_ntop(socket.AF_INET, body[:4])
    return socket.inet_ntop(socket.AF_INET6, body[:16])


class Greeter(socketserver.StreamRequestHandler):
    def handle(self):
        try:
            self.wfile.write(f"220 hello {client_address(self.rfile)}\r\n".encode())
            while data := self.rfile.read1(65536):
                self.wfile.write(data)
        except (ConnectionError, TimeoutError):
            pass  # a probe, or a client that went away


class Server(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6  # both families: V6ONLY is off on Linux
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 256


Server(("::", 2525), Greeter).serve_forever()
