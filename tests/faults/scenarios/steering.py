# SPDX-License-Identifier: BSD-3-Clause
"""The control plane under load: 500 policies, a clock that jumps."""
import copy
import json
import os
import time

from lib import suite
from lib.dam import configuration
from lib.office import Caller

from fault.outcome import Promise, Scenario
from fault.plan import PLAN

CHANGES = 500
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"


def _variant(number):
    changed = copy.deepcopy(PLAN)
    changed["zones"]["strict"]["per_source"]["bytes_down"] = f"{2000 + number}kB/s"
    if number % 2:
        changed["zones"]["more"] = {}
        changed["routes"].append({"name": "more", "listener": "https", "names": [f"more{number}.example"], "zone": "more",
                                  "servers": ["spare"]})
    return changed


def policies(world):
    """Each changes a bucket, and adds or removes a route and a zone."""
    caller, front, took = Caller(world.site), world.front, []
    for number in range(CHANGES):
        begun = time.monotonic()
        status, said, _ = caller("POST", "/v1/policy", json.dumps(configuration(_variant(number), front.driver_name)))
        assert status in (200, 202), (number, status, said)
        took.append(time.monotonic() - begun)
    suite.eventually(lambda: f"Policy version {json.loads(front.damctl('status', '--json'))['policy']['version']} is in force."
                     in front.said(), 5, "the last one in force")
    status, said, _ = caller("POST", "/v1/policy", json.dumps(configuration(PLAN, front.driver_name)))
    assert status in (200, 202), said
    took.sort()
    return f"{CHANGES} policies, median {took[CHANGES // 2] * 1000:.0f} ms, slowest {took[-1] * 1000:.0f} ms"


class Clock:
    """What the control plane takes for the time of day; the machine's own is left alone."""

    def __init__(self, world):
        self.path = os.path.join(world.directory, "clock")
        self.set("+0")
        self.words = ("env", f"LD_PRELOAD={FAKETIME}", f"FAKETIME_TIMESTAMP_FILE={self.path}", "FAKETIME_NO_CACHE=1",
                      "DONT_FAKE_MONOTONIC=1")

    def set(self, offset):
        with open(self.path + ".new", "w", encoding="ascii") as handle:
            handle.write(offset)
        os.rename(self.path + ".new", self.path)


def _version(front):
    return json.loads(front.damctl("status", "--json"))["policy"]["version"]


def clock_jumps(world):
    """The control plane's clock jumps forth and back by up to a day; the dataplane has a monotonic one of its own."""
    if not os.path.exists(FAKETIME):
        return "left out: Debian's package faketime is not here"
    front, clock, banned = world.front, Clock(world), "198.51.100.251"
    front.end(front.controlplane)
    front.start_controlplane(under=clock.words)
    world.wait_well()
    try:
        front.damctl("ban", banned, "--for", "3h", "--reason", "a test")
        for offset in ("+3600", "-3600", "+5", "-86400", "+0"):
            clock.set(offset)
            time.sleep(1.2)
            assert json.loads(front.damctl("status", "--json")), "no status"
            assert banned + "/32" in world.bans(), f"at {offset} s the ban for 3 hours is gone"
        return _confirmation(world, clock)
    finally:
        front.end(front.controlplane)
        front.start_controlplane()
        world.wait_well()


def _confirmation(world, clock):
    """A policy that waits for its confirmation comes back after that time, not earlier or later, whatever the clock says."""
    front, spent = world.front, []
    for offset in ("+7200", "-7200"):
        clock.set("+0")
        before, begun = _version(front), time.monotonic()
        front.write(_variant(1))
        front.damctl("apply", "-f", front.yaml, "--confirm-within", "4s")
        after = _version(front)
        assert after != before
        clock.set(offset)
        suite.eventually(lambda: _version(front) != after, 10, f"at {offset} s the policy that nobody confirmed undone")
        spent.append(time.monotonic() - begun)
        assert spent[-1] > 3.5, f"at {offset} s undone after {spent[-1]:.1f} s instead of 4"
    clock.set("+0")
    front.write(PLAN)
    return "unconfirmed policies (4 s) undone after " + ", ".join(f"{one:.1f}" for one in spent) + " s"


SCENARIOS = [
    Scenario(f"{CHANGES} policy changes", policies),
    Scenario("the control plane's clock jumps", clock_jumps, Promise(why="")),
]
