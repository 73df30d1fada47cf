# SPDX-License-Identifier: BSD-3-Clause
"""Logs to the journal and to Loki: a real journald, and a receiver that takes what Loki's documentation says of its
API (Loki is in no Debian package). Outages cost no connection, and what was lost is told."""
import contextlib
import http.server
import json
import os
import subprocess
import tempfile
import threading

from lib import log_lines, suite
from lib.plan import plan
from lib.site import SOURCES

LOKI_PORT = 3100
PLAN = plan(zones={"service": {}, "management": {"management": True}}, timeouts={"probe_interval": "500ms"},
            logs={"journal": True, "loki": {"url": f"http://127.0.0.1:{LOKI_PORT}"}})
DAM_ONLY = True
JOURNALD = "/lib/systemd/systemd-journald"


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.moods.pop(0) if self.server.moods else 204
        if status == 204:
            try:
                self._take(json.loads(body))
            except (AssertionError, ValueError, KeyError) as wrong:
                self.server.objections.append(repr(wrong))
                status = 400
        self.send_response(status)
        self.send_header("Connection", "close")  # or the next test's lines would come here
        if status != 204:
            self.send_header("Content-Length", "0")
        self.end_headers()

    def _take(self, body):
        assert self.path == "/loki/api/v1/push" and self.headers["Content-Type"] == "application/json", self.headers
        assert set(body) == {"streams"} and body["streams"], body
        for stream in body["streams"]:
            assert set(stream) == {"stream", "values"} and stream["values"], stream
            times = [time for time, _ in stream["values"]]
            assert all(isinstance(time, str) and len(time) == 19 for time in times), times
            assert [int(time) for time in times] == sorted({int(time) for time in times}), times
            for _, text in stream["values"]:
                line = json.loads(text)
                log_lines.judge(line)
                labels = {"job": "dam", **{key: line[key] for key in ("kind", "zone") if key in line}}
                assert stream["stream"] == labels, stream
                self.server.lines.append(line)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def _loki(site, moods=()):
    """On the edge's loopback."""
    with site.edge:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", LOKI_PORT), Receiver)
    server.moods, server.lines, server.objections = list(moods), [], []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
        assert not server.objections, server.objections
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _ban(site, n):
    """Bans an address, so that there is a line of it; returns what the line says."""
    site.front.damctl("ban", SOURCES[4][n], "--for", "1m")
    return SOURCES[4][n] + "/32"


def _has(lines, subject):
    return sum(line["kind"] == "ban" and line["subject"] == subject for line in lines)


def test_loki(site):
    """what happens is pushed, waits while Loki is away or says so, and is there once"""
    waits = _ban(site, 20)
    with _loki(site, [503, 429, 500]) as loki:
        suite.eventually(lambda: _has(loki.lines, waits), 60, lambda: f"the line that waited: {loki.lines}")
        refused = _ban(site, 21)
        suite.eventually(lambda: _has(loki.lines, refused), 30, "another line")
        site.finish(*site.connect())
        assert _has(loki.lines, waits) == _has(loki.lines, refused) == 1, loki.lines


def test_loki_refuses(site):
    """a batch that Loki does not take is counted, and told by the next"""
    with _loki(site) as loki:
        _ban(site, 22)
        suite.eventually(lambda: loki.lines, 60, "the connection back")
        loki.moods.append(400)
        lost = _ban(site, 23)
        suite.eventually(lambda: not loki.moods, 30, "the refusal")
        _ban(site, 24)
        suite.eventually(lambda: [line for line in loki.lines if line["kind"] == "log" and line["of"] == "loki"], 30,
                         lambda: f"the line that says so: {loki.lines}")
        assert not _has(loki.lines, lost)
    assert 'dam_log_dropped_lines_total{sink="loki",reason="not_written"} 0\n' not in site.front.metrics()


@contextlib.contextmanager
def _journald(site):
    """With /run and /var/log of its own; its root."""
    words = "mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /var/log && exec " + JOURNALD + " damlab"
    process = site.edge.popen(["unshare", "-m", "--propagation", "private", "sh", "-c", words],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield f"/proc/{process.pid}/root"
    finally:
        process.terminate()
        process.wait(10)


def _entries(root):
    said = subprocess.run(f"journalctl -D {root}/var/log/journal/*.damlab -t dam -o json --no-pager", shell=True,
                          text=True, capture_output=True)
    return [json.loads(line) for line in said.stdout.splitlines() if line.startswith("{")]


def test_journal(site):
    """a real journald has each line with its fields"""
    if not os.path.exists(JOURNALD):
        raise suite.Skipped("no systemd-journald here")
    front = site.front
    front.end(front.controlplane)
    try:
        with _journald(site) as root:
            socket = f"{root}/run/systemd/journal.damlab/socket"
            suite.eventually(lambda: os.path.exists(socket), 10, "journald's socket")
            with tempfile.TemporaryDirectory() as folder:
                os.symlink(socket, f"{folder}/socket")
                words = f'mkdir -p /run/systemd/journal && mount --bind {folder} /run/systemd/journal && exec "$@"'
                front.start_controlplane(under=["unshare", "-m", "--propagation", "private", "sh", "-c",
                                                "mount -t tmpfs tmpfs /run && " + words, "sh"])
                suite.eventually(lambda: front.try_damctl("status").returncode == 0, 10, "the control plane")
                subject = _ban(site, 25)
                suite.eventually(lambda: any(subject in one["MESSAGE"] for one in _entries(root)), 30,
                                 lambda: f"the ban: {_entries(root)}")
                for entry in _entries(root):
                    line = json.loads(entry["MESSAGE"])
                    log_lines.judge(line)
                    assert entry["DAM_KIND"] == line["kind"] and entry.get("DAM_ZONE") == line.get("zone"), entry
                    assert entry["PRIORITY"] == ("4" if line["kind"] in ("refusal", "log") else "6"), entry
                front.end(front.controlplane)
    finally:
        front.end(front.controlplane)
        front.start_controlplane()
        suite.eventually(lambda: front.try_damctl("status").returncode == 0, 10, "the control plane back")
