# SPDX-License-Identifier: BSD-3-Clause
"""One server of the load, a process of its own: the lab's server (PROXY header from one recv, strictly), which answers by
itself. Run inside its namespace as: server.py PORT ADDRESS… It says "ready", and a line for each bad header."""
import os
import socket
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.dirname(HERE), os.path.join(os.path.dirname(os.path.dirname(HERE)), "lab")]

from lib.server import LabServer  # noqa: E402
from lib.stream import Stream  # noqa: E402
from fault import talk  # noqa: E402

IDLE_SECONDS = 120


class Here:
    """The namespace that this process is in."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


class AnsweringServer(LabServer):
    def _greet(self, sock, peer):
        try:
            header = self._header(sock, peer)
            if header is None:
                return
            self.headers.clear()
            sock.settimeout(IDLE_SECONDS)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream = Stream(sock, header, IDLE_SECONDS)
            stream.read(talk.hello_length(stream.read(5)))
            while True:
                talk.answer(stream.read, stream.send)
        except (OSError, AssertionError, ValueError):
            pass  # the client sees it, and counts
        finally:
            sock.close()


def main():
    server = AnsweringServer(Here(), sys.argv[2:], int(sys.argv[1])).start()
    print("ready", flush=True)
    told, stop = 0, threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    while not stop.wait(0.2):
        for error in server.errors[told:]:
            print(error, flush=True)
            told += 1


if __name__ == "__main__":
    main()
