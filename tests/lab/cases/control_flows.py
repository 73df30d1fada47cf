# SPDX-License-Identifier: BSD-3-Clause
"""Connections as operators see and end them."""
import json

from lib.plan import plan
from lib.suite import eventually

PLAN = plan(zones={"service": {}, "management": {"management": True}}, timeouts={"probe_interval": "500ms"})
DAM_ONLY = True


def _flows(front, *words):
    return json.loads(front.damctl("flows", "--json", *words))


def test_seen(site):
    """a standing connection is listed with its client, zone, server and state, and found by each of them"""
    front = site.front
    client, server = site.connect()
    address, port = client.sock.getsockname()[:2]
    found = _flows(front, "--client", address, "--state", "established")
    assert found["matched"] == 1, found
    flow = found["flows"][0]
    assert (flow["client"], flow["client_port"], flow["zone"]) == (address, port, "service"), flow
    assert flow["server"] and flow["silent_ms"] < 10_000, flow
    for which in ("--zone", "service"), ("--server", flow["server"]), ("--listener", flow["listener"]):
        assert flow["id"] in [one["id"] for one in _flows(front, "--client", address, *which)["flows"]]
    assert _flows(front, "--client", address, "--zone", "management")["matched"] == 0
    assert _flows(front, "--client", "203.0.113.250")["matched"] == 0
    site.finish(client, server)


def test_ended_by_id(site):
    """a connection that an operator ends is reset at both its ends; another one goes on"""
    front = site.front
    client, server = site.connect()
    other = site.connect()
    port = client.sock.getsockname()[1]
    flow = next(one for one in _flows(front)["flows"] if one["client_port"] == port)
    with site.counted("ended"):
        front.damctl("kill", flow["id"])
        client.expect_reset(2)
        server.expect_reset(2)
    assert flow["id"] not in [one["id"] for one in _flows(front)["flows"]]
    assert "no such connection" in front.try_damctl("kill", flow["id"]).stderr
    site.finish(*other)


def test_ended_by_client(site):
    """all connections of a client end by one command, and nobody's by a command that names nobody"""
    front = site.front
    pairs = [site.connect() for _ in range(20)]
    address = pairs[0][0].sock.getsockname()[0]
    refused = front.try_damctl("kill")
    assert refused.returncode == 1 and "which connections?" in refused.stderr, refused
    assert _flows(front, "--client", address)["matched"] >= 20
    with site.counted("ended"):
        front.damctl("kill", "--client", address)
        for client, server in pairs:
            client.expect_reset(2)
            server.expect_reset(2)
    eventually(lambda: _flows(front, "--client", address)["matched"] == 0, what="none is left")
