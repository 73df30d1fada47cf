# SPDX-License-Identifier: BSD-3-Clause
"""Events of the control plane: what strangers, servers and operators cause is told while it happens."""
import json
import os
import signal
import subprocess
import tempfile

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


def _restart(front, number):
    front.end(front.controlplane, number)
    front.start_controlplane()
    eventually(lambda: front.try_damctl("status").returncode == 0, 10, "the control plane is back")


def test_broken_stream(site):
    """who follows the events is told when the stream breaks, by words and by exit status 3, and how to go on"""
    front = site.front
    for number, why in ((signal.SIGKILL, "the connection broke"), (signal.SIGTERM, "the control plane ends")):
        front.damctl("zone", "set", "service", "mode=enforce")
        eventually(lambda: _events(front), 10, "an event")
        with tempfile.TemporaryFile("w+") as heard:
            listener = subprocess.Popen([front.programs["damctl"], "-s", front.api, "events", "--follow", "--json",
                                         "--after", "0"], stdout=heard, stderr=subprocess.PIPE, text=True)
            try:
                eventually(lambda: os.fstat(heard.fileno()).st_size > 0, 10, "an event is heard")
                _restart(front, number)
                words = listener.communicate(timeout=20)[1]
            finally:
                listener.kill()
            heard.seek(0)
            last = json.loads(heard.read().splitlines()[-1])
        assert listener.returncode == 3, (listener.returncode, words)
        assert f"the stream of events has ended: {why}" in words, words
        assert f"damctl events --follow --after {last['number']}" in words, words


def test_nobody_to_follow(site):
    """where nothing answers from the first, it is exit status 3 too"""
    listener = subprocess.run([site.front.programs["damctl"], "-s", site.front.api + ".not", "events", "--follow"],
                              capture_output=True, text=True, timeout=20)
    assert listener.returncode == 3 and "no control plane answers" in listener.stderr, listener
