# SPDX-License-Identifier: BSD-3-Clause
"""Logs: what operators and servers cause is a line by the schema, over a kill too; a full disk costs lines alone."""
import json
import os
import signal
import subprocess

from lib import hello, log_lines, suite
from lib.plan import plan
from lib.site import SOURCES

PLAN = plan(zones={"service": {}, "management": {"management": True}}, timeouts={"probe_interval": "500ms"},
            logs={"file": {"size": "64KiB", "keep": 1}})
DAM_ONLY = True


def _lines(site, kind=None):
    lines = []
    for name in ("dam.jsonl.1", "dam.jsonl"):
        path = os.path.join(site.front.log_folder, name)
        if os.path.exists(path):
            with open(path) as handle:
                lines += [json.loads(one) for one in handle if one.endswith("\n")]
    for line in lines:
        log_lines.judge(line)
    return [line for line in lines if kind in (None, line["kind"])]


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


def test_refusals(site):
    """five connections without a route are told with their zone, reason and number"""
    def counted():
        return sum(line["count"] for line in _lines(site, "refusal") if line["reason"] == "no_route")
    before = counted()
    for _ in range(5):
        stranger = site.open()
        stranger.send(hello.client_hello("nobody.example"))
        stranger.expect_closed(2)
    suite.eventually(lambda: counted() == before + 5, 30, "five refusals")


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
        suite.eventually(lambda: _lines(site, "log"), 10, "the line that says so")
        assert sum(line["lost"] for line in _lines(site, "log")) > 3
    finally:
        front.end(front.controlplane)
        subprocess.run(["umount", "-l", folder], check=True)
        front.start_controlplane()
        suite.eventually(lambda: front.try_damctl("status").returncode == 0, 10, "the control plane back")
