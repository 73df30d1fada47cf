# SPDX-License-Identifier: BSD-3-Clause
"""Versions of the policy: they outlive the control plane, go where nobody confirms them, and come back. Connections
that stand meanwhile notice nothing."""
import copy
import json
import os
import signal
import time

from lib.plan import plan

PLAN = plan(zones={"service": {}, "management": {"management": True}}, timeouts={"probe_interval": "500ms"})
DAM_ONLY = True


def _other():
    changed = copy.deepcopy(PLAN)
    changed["zones"]["service"] = {"per_source": {"connections": "7r/s burst=70"}}
    return changed


def _connections(front):
    """The limit in force, as the control plane says it."""
    zones = json.loads(front.damctl("zones", "--json"))["zones"]
    return next(zone for zone in zones if zone["name"] == "service")["per_source"]["connections"]


def _apply(front, what, *words):
    """From another file than dam.yaml."""
    path = os.path.join(front.directory, "other.yaml")
    front.write(what)
    os.rename(front.yaml, path)
    front.write(PLAN)
    return front.damctl("apply", "-f", path, *words)


def _restart(front, how):
    front.end(front.controlplane, how)
    front.start_controlplane()
    _until(lambda: front.try_damctl("status").returncode == 0, "the control plane is back")


def _until(holds, what, seconds=10):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not after {seconds} s: {what}"
        time.sleep(0.1)


def test_unconfirmed_goes(site):
    """a policy that nobody confirms goes by itself, and no connection is lost by either change"""
    front = site.front
    client, server = site.connect()
    before = _connections(front)
    said = _apply(front, _other(), "--confirm-within", "2s")
    assert "damctl confirm" in said, said
    assert _connections(front) == "7r/s burst=70"
    assert front.try_damctl("zone", "set", "service", "mode=shadow").returncode == 1
    _until(lambda: _connections(front) == before, "the one before is back")
    assert "was not confirmed" in front.damctl("history")
    client.send(b"still here")
    server.expect(b"still here")


def test_confirmed_outlives(site):
    """a confirmed policy outlives kill -9 of the control plane, though dam.yaml says something else"""
    front = site.front
    before = _connections(front)
    _apply(front, _other(), "--confirm-within", "3s")
    front.damctl("confirm")
    front.damctl("zone", "set", "service", "mode=shadow")
    _restart(front, signal.SIGKILL)
    _until(lambda: _connections(front) == "7r/s burst=70", "the applied one is in force")
    assert '"shadow"' in front.damctl("zones", "--json")
    time.sleep(3)
    assert _connections(front) == "7r/s burst=70"
    front.damctl("rollback", "1")
    assert _connections(front) == before


def test_deadline_outlives(site):
    """the time to confirm goes on while the control plane is away"""
    front = site.front
    before = _connections(front)
    _apply(front, _other(), "--confirm-within", "4s")
    _restart(front, signal.SIGKILL)
    assert _connections(front) == "7r/s burst=70"
    _until(lambda: _connections(front) == before, "the one before is back")


def test_two_at_once(site):
    """of two who change the policy that they both have seen, the second is told, and nothing is lost"""
    front = site.front
    seen = json.loads(front.damctl("policy", "--json"))["version"]
    front.damctl("zone", "set", "service", "mode=shadow")
    answer = site.edge.run("curl", "-s", "-d", "", "-H", f'If-Match: "{seen}"', "--unix-socket", front.api,
                           "http://dam/v1/policy/rollback?to=1")
    assert f"damctl diff {seen}" in answer, answer
    assert "mode: shadow" in front.damctl("diff")
    front.damctl("rollback", "1")
