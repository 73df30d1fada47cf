# SPDX-License-Identifier: BSD-3-Clause
"""The API as programs use it: over the Unix socket, and from the management network over TLS with a client's
certificate."""
import http.client
import json
import os
import signal
import socket
import ssl
import tempfile
import time

from . import netns, suite

HOST, PORT = "198.18.5.1", 9443  # of the edge, on a cable of its own to the management server


def folder(front):
    return os.path.join(front.directory, "tls")


def profile(front, name):
    return os.path.join(front.directory, name + ".json")


def restart(front, how=signal.SIGTERM, more=()):
    front.end(front.controlplane, how)
    front.start_controlplane(more=("--https-address", f"{HOST}:{PORT}", "--tls", folder(front), *more))
    suite.eventually(lambda: front.try_damctl("status").returncode == 0, 15, "the control plane")


def open_office(site, people, more=()):
    """The control plane with HTTPS on a management cable, and everybody (name: role) enrolled, once; more: words of
    its command line."""
    front = site.front
    if os.path.exists(folder(front)):
        return front
    netns.veth(site.management, "office", site.edge, "office")
    site.management.ip("addr", "add", "198.18.5.2/24", "dev", "office")
    site.edge.ip("addr", "add", f"{HOST}/24", "dev", "office")
    restart(front, more=more)
    for name, role in people.items():
        said = front.damctl("enroll", name, "--role", role, "-o", profile(front, name))
        assert f"damctl --profile {name}" in said, said
    return front


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _context(front, name):
    with open(profile(front, name)) as handle:
        known = json.load(handle)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=known["authority"])
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as both:
        both.write(known["certificate"] + known["key"])
        both.flush()
        context.load_cert_chain(both.name)
    return context


class Caller:
    """Requests on one connection that is kept; a 429 is waited for as it asks."""

    def __init__(self, site, name=None):
        self.site, self.name, self.slowest = site, name, 0.0
        self._context = _context(site.front, name) if name else None
        self._connection = None

    def _connect(self):
        if self.name is None:
            return _UnixConnection(self.site.front.api)
        connection = http.client.HTTPSConnection(HOST, PORT, timeout=30, context=self._context)
        connection.auto_open = 0  # it would open the next one wherever this thread stands
        with self.site.management:
            connection.connect()
        return connection

    def __call__(self, method, path, body=None, **headers):
        """(status, JSON, ETag)"""
        text = None if body is None else body if isinstance(body, str) else json.dumps(body)
        if text is not None:
            headers.setdefault("Content-Type", "application/yaml" if isinstance(body, str) else "application/json")
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        while True:
            begun = time.monotonic()
            answer, data = self._once(method, path, text, headers)
            if answer.status != 429:
                break
            time.sleep(float(answer.getheader("Retry-After", "1")))
        self.slowest = max(self.slowest, time.monotonic() - begun)
        json_answer = "json" in answer.getheader("Content-Type", "")
        return answer.status, json.loads(data) if json_answer else data.decode(), answer.getheader("ETag")

    def _once(self, method, path, text, headers):
        for attempt in (0, 1):  # the server ends connections that were silent, or had many requests
            kept = self._connection is not None
            self._connection = self._connection or self._connect()
            try:
                self._connection.request(method, path, text, headers)
                answer = self._connection.getresponse()
                data = answer.read()
                if answer.will_close:
                    self._connection = None
                return answer, data
            except (http.client.RemoteDisconnected, http.client.NotConnected, ConnectionError):
                self._connection.close()
                self._connection = None
                if not kept or attempt:
                    raise
