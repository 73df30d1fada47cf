# SPDX-License-Identifier: BSD-3-Clause
"""A cable that is pulled out and put back: what status, metrics and events say of it, and that the dam goes on."""
import json

from lib import suite
from lib.plan import plan
from lib.stream import both_ways

PLAN = plan(queues=2, workers=2)
DAM_ONLY = True
COST = 10
MIB = 1 << 20


def _interfaces(front):
    return {one["name"]: one for one in json.loads(front.damctl("status", "--json"))["interfaces"]}


def _metric(front, name, interface):
    wanted = f'{name}{{interface="{interface}"}} '
    return [float(line.split()[-1]) for line in front.metrics().splitlines() if line.startswith(wanted)]


def test_shown(site):
    """status and metrics show each interface's link, MTU, queues, and what brings frames to their worker"""
    front = site.front
    suite.eventually(lambda: all(one["link_up"] for one in _interfaces(front).values()), 5, "links that are up")
    interfaces = _interfaces(front)
    assert set(interfaces) == {"front", "service", "management"}, interfaces
    steering = "kernel" if site.front.on_xdp else "handoff"
    for name, one in interfaces.items():
        assert (one["device"], one["vlan"], one["mtu"], one["queues"], one["steering"]) == (name, 0, 1500, 2, steering), one
        assert _metric(front, "dam_interface_link_up", name) == [1], front.metrics()
        assert _metric(front, "dam_interface_mtu_bytes", name) == [1500]
    assert "steering" in front.damctl("status") and steering in front.damctl("status")


def _events(front):
    lines = front.damctl("events", "--json", "-n", "1000", "--kind", "link").splitlines()
    return [json.loads(line)["text"] for line in lines]


def test_pulled_and_put_back(site):
    """a link that goes and comes back is told by log, events and metrics, and a standing connection goes on"""
    front = site.front
    site.management.sysctl("net.ipv6.conf.eth0.keep_addr_on_down", 1)
    client, server = site.connect("management.example")
    both_ways(client, server, MIB)
    before = _interfaces(front)["management"]["link_changes"]
    site.management.ip("link", "set", "eth0", "down")
    try:
        suite.eventually(lambda: not _interfaces(front)["management"]["link_up"], 5, "a link that is down")
        assert _metric(front, "dam_interface_link_up", "management") == [0]
        assert _interfaces(front)["service"]["link_up"]
        suite.eventually(lambda: "the link of management is down" in _events(front), 5, "an event")
    finally:
        site.management.ip("link", "set", "eth0", "up")
    suite.eventually(lambda: _interfaces(front)["management"]["link_up"], 5, "a link that is up again")
    suite.eventually(lambda: "the link of management is up" in _events(front), 5, "an event")
    assert _interfaces(front)["management"]["link_changes"] == before + 2
    said = front.said()
    assert "management link down." in said and said.count("management link up") >= 2, said
    both_ways(client, server, MIB)
    site.finish(client, server)
    suite.eventually(lambda: front.counters().servers()["management"], 10, "a server that answers again")
    site.finish(*site.connect("management.example"))
