# SPDX-License-Identifier: BSD-3-Clause
"""Logs: what operators and servers cause is a line by the schema, over a kill too; a full disk costs lines alone."""
import os
import signal
import subprocess

from lib import hello, log_lines, stream, suite
from lib.plan import plan
from lib.site import CLIENT, SOURCES

PLAN = plan(zones={"service": {}, "management": {"management": True}}, timeouts={"probe_interval": "500ms", "closing": "1s"},
            logs={"file": {"size": "64KiB", "keep": 1}})
DAM_ONLY = True


def _lines(site, kind=None):
    return log_lines.lines_in(site.front.log_folder, kind)


def _metric(site, name):
    return next(float(line.rsplit(" ", 1)[1]) for line in site.front.metrics().splitlines() if line.startswith(name))


def test_what_operators_do(site):
    """a change of the policy and a ban are lines, and stay where the control plane is killed then"""
    front = site.front
    front.damctl("zone", "set", "service", "mode=shadow")
    front.damctl("ban", SOURCES[4][30], "--for", "1m", "--reason", "scans us")
    suite.eventually(lambda: any("zone service changed" in line["text"] for line in _lines(site, "policy")) and
                     any(line["subject"] == SOURCES[4][30] + "/32" for line in _lines(site, "ban")), 10, lambda: f"both lines: {_lines(site)}")
    before = _lines(site)
    front.end(front.controlplane, signal.SIGKILL)
    front.start_controlplane()
    suite.eventually(lambda: len(_lines(site)) > len(before), 10, "lines of the next one")
    assert _lines(site)[:len(before)] == before
    front.damctl("unban", SOURCES[4][30])


def _told(site, port):
    """The line of the connection from that port."""
    lines = []

    def told():
        lines[:] = [line for line in _lines(site, "connection") if line["client_port"] == port]
        return lines
    suite.eventually(told, 20, lambda: f"its line: {_lines(site, 'connection')[-5:]}")
    assert len(lines) == 1, lines
    return lines[0]


def test_connection(site):
    """a connection that is over is told with who, where to, how much and how it ended"""
    text, up, down = hello.client_hello("service.example"), stream.noise(5000), stream.noise(70000)
    client, server = site.connect(text=text)
    address, port = client.local
    for one, other, data in ((client, server, up), (server, client, down)):
        one.send(data)
        other.expect(data)
    site.finish(client, server)
    line = _told(site, port)
    wanted = {"client": address, "zone": "service", "server": "service", "listener": "https", "end": "closed",
              "bytes_up": len(text) + 5000 + len("up"), "bytes_down": 70000 + len("down"), "sampled": 1}
    assert {name: line[name] for name in wanted} == wanted, line
    assert line["duration_ms"] < 5000 and "reason" not in line, line


def test_resets(site):
    """who reset a connection is told"""
    for end in ("client_reset", "server_reset"):
        client, server = site.connect()
        port = client.local[1]
        (client if end == "client_reset" else server).reset()
        assert _told(site, port)["end"] == end


def test_ended(site):
    """a connection that an operator ends is told with the reason"""
    client, _ = site.connect()
    address, port = client.local
    site.front.damctl("kill", "--client", address)
    line = _told(site, port)
    assert (line["end"], line["reason"]) == ("refused", "ended"), line


def test_sampling(site):
    """of connections one in so many is told, and stands for them"""
    before = len(_lines(site, "connection"))
    site.front.apply({**PLAN, "logs": {**PLAN["logs"], "connections": 5}})
    for _ in range(150):
        client, server = site.connect()
        client.reset()
        site.forget(client, server)
    suite.eventually(lambda: site.front.table("flows") == 0, 20, "no connection left")
    suite.eventually(lambda: len(_lines(site, "connection")) > before, 10, "a line")
    told = _lines(site, "connection")[before:]
    assert 8 < len(told) < 75 and all(line["sampled"] == 5 for line in told), told
    site.front.apply(PLAN)


def test_refusals(site):
    """five connections without a route are told with their source, zone, reason and number"""
    def counted():
        return sum(line["count"] for line in _lines(site, "refusal") if line["reason"] == "no_route" and
                   line["client"] == CLIENT[4] and line["zone"] == "front" and line["proven"])
    for _ in range(5):
        stranger = site.open()
        stranger.send(hello.client_hello("nobody.example"))
        stranger.expect_closed(2)
    suite.eventually(lambda: counted() == 5, 30, lambda: f"five refusals: {_lines(site, 'refusal')}")


def test_server_goes(site):
    """a server that goes and comes is a line each time"""
    def told(word):
        return [line for line in _lines(site, "server") if line["name"] == "service" and word in line["text"]]
    known = len(told("down"))
    site.servers["service"].stop()
    suite.eventually(lambda: len(told("down")) > known, 15, "the line that it is down")
    known = len(told("up"))
    site.start_server("service", PLAN["servers"]["service"])
    suite.eventually(lambda: len(told("up")) > known, 15, "the line that it is up")


def test_full_disk(site):
    """while the disk is full connections go on, lines are counted, and the next that fits says how many are missing"""
    front = site.front
    folder = front.log_folder
    front.end(front.controlplane)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], check=True)
    try:
        with open(os.path.join(folder, "filler"), "wb") as filler:
            filler.write(b"x" * (60 << 10))
        front.start_controlplane()
        suite.eventually(lambda: front.try_damctl("status").returncode == 0, 10, "the control plane back")

        def another():
            front.damctl("zone", "set", "service", "mode=shadow")
            front.damctl("zone", "set", "service", "mode=enforce")
            site.finish(*site.connect())
            return _metric(site, 'dam_log_dropped_lines_total{sink="file",reason="not_written"}') > 3
        suite.eventually(another, 60, "lines that are missing")
        assert _lines(site), "some were written"
        os.remove(os.path.join(folder, "filler"))
        front.damctl("zone", "set", "service", "mode=shadow")
        suite.eventually(lambda: sum(line["lost"] for line in _lines(site, "log")) > 3, 10,
                         lambda: f"the lines that say so: {_lines(site, 'log')}")
    finally:
        front.end(front.controlplane)
        subprocess.run(["umount", "-l", folder], check=True)
        front.start_controlplane()
        suite.eventually(lambda: front.try_damctl("status").returncode == 0, 10, "the control plane back")
