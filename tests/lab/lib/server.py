# SPDX-License-Identifier: BSD-3-Clause
"""A TCP server that reads the PROXY header from one recv, as nginx does, and hands the connection to
the test that waits for that client."""
import socket
import threading
import time

from . import proxy
from .stream import Stream


class LabServer:
    """Listens on its addresses in a namespace from start() to stop()."""

    def __init__(self, namespace, addresses, port, proxied=True, receive_buffer=None):
        self.namespace, self.addresses, self.port = namespace, addresses, port
        self.proxied, self.receive_buffer = proxied, receive_buffer
        self.errors = []       # bad headers; a test with any of them has failed
        self.headers = []      # every header ever read
        self.accepted = 0
        self._arrived = {}     # client (address, port) → Stream
        self._changed = threading.Condition()
        self._listeners = []

    def start(self):
        for address in self.addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            with self.namespace:
                listener = socket.socket(family, socket.SOCK_STREAM)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if self.receive_buffer:  # before listen(): the window scale hangs on it
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_buffer)
            listener.bind((address, self.port))
            listener.listen(1024)
            self._listeners.append(listener)
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return self

    def stop(self):
        for listener in self._listeners:
            listener.shutdown(socket.SHUT_RDWR)  # wakes the accept
            listener.close()
        self._listeners = []
        self.forget()

    def forget(self):
        """Closes connections that nobody took."""
        with self._changed:
            for stream in self._arrived.values():
                stream.drop()
            self._arrived = {}

    def take(self, client, timeout=5):
        """The connection of that client (address, port), once its header was read."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while client not in self._arrived:
                left = deadline - time.monotonic()
                if left <= 0 or self.errors:
                    raise AssertionError(f"no connection of {client} came within {timeout} s; "
                                         f"bad headers: {self.errors}")
                self._changed.wait(left)
            return self._arrived.pop(client)

    def has(self, client):
        with self._changed:
            return client in self._arrived

    def take_any(self):
        """Any connection that waits, or None."""
        with self._changed:
            return self._arrived.popitem()[1] if self._arrived else None

    def _accept(self, listener):
        while True:
            try:
                sock, peer = listener.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self._greet, args=(sock, peer[:2]), daemon=True).start()

    def _greet(self, sock, peer):
        header = None
        if self.proxied:
            try:
                header = self._header(sock, peer)
            except OSError:
                header = None
            if header is None:
                sock.close()
                return
        with self._changed:
            self._arrived[header.source if header else peer] = Stream(sock, header)
            self._changed.notify_all()

    def _header(self, sock, peer):
        """None for connections that bring no client: probes, and those whose header is bad."""
        sock.settimeout(20)
        first = sock.recv(65536, socket.MSG_PEEK)
        if not first:
            return None
        try:
            header = proxy.parse(first)
        except (proxy.BadHeader, ValueError, OSError) as error:
            with self._changed:
                self.errors.append(f"from {peer}: {error}")
                self._changed.notify_all()
            return None
        sock.recv(header.size)
        self.headers.append(header)
        return None if header.local else header
