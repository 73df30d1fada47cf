#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Passes connections of this machine's own loopback on to an address inside a network namespace, until it is
interrupted or the namespace goes. Nobody else reaches it; at most 64 at a time."""
import argparse
import ctypes
import os
import signal
import socket
import socketserver
import sys
import threading

CLONE_NEWNET = 0x40000000
MOST = 64


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="on 127.0.0.1")
    parser.add_argument("--netns", required=True, help="its file")
    parser.add_argument("--to", required=True, help="ADDRESS:PORT")
    return parser.parse_args()


def pour(source, sink):
    try:
        while data := source.recv(1 << 16):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:  # either side has gone: so does the other
        for one in (source, sink):
            one.close()


class Passed(socketserver.BaseRequestHandler):
    def handle(self):
        with self.server.places, socket.create_connection(self.server.to, timeout=5) as inner:
            inner.settimeout(None)
            up = threading.Thread(target=pour, args=(self.request, inner), daemon=True)
            up.start()
            pour(inner, self.request)
            up.join(5)


class Door(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True

    def service_actions(self):  # called twice a second
        if not os.path.exists(self.netns):
            sys.exit("The lab is down.")


def enter(path):
    """From here on this program's new sockets are in that namespace; those that it has stay where they are."""
    with open(path, "rb") as file:
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns: " + os.strerror(ctypes.get_errno()))


def main():
    options = arguments()
    host, port = options.to.rsplit(":", 1)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        door = Door(("127.0.0.1", options.port), Passed)
    except OSError as error:
        sys.exit(f"Port {options.port} of 127.0.0.1: {error.strerror}. Another one: tools/lab page PORT")
    door.to, door.netns, door.places = (host, int(port)), options.netns, threading.BoundedSemaphore(MOST)
    enter(options.netns)
    print(f"    https://localhost:{options.port}/   until Ctrl-C", flush=True)
    door.serve_forever()


if __name__ == "__main__":
    main()
