# SPDX-License-Identifier: BSD-3-Clause
"""Events of the control plane: what strangers, servers and operators cause is told while it happens."""
import json
import subprocess

from lib import hello
from lib.plan import plan
from lib.suite import eventually

PLAN = plan(zones={"service": {}, "management": {"management": True}}, timeouts={"probe_interval": "500ms"})
DAM_ONLY = True


def _events(front):
    return [json.loads(line) for line in front.damctl("events", "--json", "-n", "1000").splitlines()]


def _change_until(front, done):
    """Changes the policy again and again; a listener hears only what comes after it has begun to listen."""
    modes = ["shadow", "enforce"]

    def changed():
        modes.reverse()
        front.damctl("zone", "set", "service", f"mode={modes[0]}")
        return done()
    eventually(changed, timeout=20, what="two events")


def test_told_while_it_happens(site):
    """whoever follows the events hears of a change of the policy and who made it"""
    front = site.front
    listener = subprocess.Popen([front.programs["damctl"], "-s", front.api, "events", "--follow", "--json", "-n", "2"],
                                stdout=subprocess.PIPE, text=True)
    try:
        _change_until(front, lambda: listener.poll() is not None)
    finally:
        listener.kill()
    heard = [json.loads(line) for line in listener.communicate()[0].splitlines()]
    assert len(heard) == 2 and {one["kind"] for one in heard} == {"policy"}, heard
    assert "root: zone service changed" in heard[0]["text"], heard


def test_refusals_are_counted(site):
    """five connections without a route are told with their zone, reason and number"""
    front = site.front

    def told():
        return [one for one in _events(front) if one["kind"] == "route"]
    before = sum(one["count"] for one in told())
    for _ in range(5):
        stranger = site.open()
        stranger.send(hello.client_hello("nobody.example"))
        stranger.expect_closed(2)
    eventually(lambda: sum(one["count"] for one in told()) == before + 5, timeout=30, what="five refusals")
    assert {one["reason"] for one in told()} == {"no_route"}
    assert "no_route" in front.damctl("events", "--kind", "route")
