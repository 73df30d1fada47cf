# SPDX-License-Identifier: BSD-3-Clause
"""A device whose driver knows no XDP (a macvlan): the kernel's generic mode does it there, and the dam
says so."""
import json

from lib import hello, suite
from lib.plan import plan
from lib.stream import both_ways

PLAN = plan()
DAM_ONLY = True
ONLY_ON = "xdp", "only driver: xdp does this"
COST = 10
MIB = 1 << 20


def setup(site):
    """The front becomes a macvlan on the cable's own device."""
    edge = site.edge
    edge.ip("link", "set", "front", "down")
    edge.ip("link", "set", "front", "name", "below")
    edge.ip("link", "set", "below", "up")
    edge.ip("link", "add", "front", "link", "below", "type", "macvlan", "mode", "bridge")
    edge.ip("link", "set", "front", "up")


def test_says_so(site):
    """the log names the device and the mode, and so do status and metrics"""
    said = site.front.said()
    assert "front: its driver takes no XDP program" in said and "all devices are in the kernel's generic" in said, said
    for device in ("front", "service", "management"):
        assert f"{device} by XDP, generic" in said, said
    assert json.loads(site.front.damctl("status", "--json"))["dataplane"]["driver"] == "xdp (generic)"
    assert 'driver="xdp (generic)"' in site.front.metrics()


@suite.each(family=[4, 6])
def test_serves(site, family):
    """connections pass as in native mode: handshake, hello, bulk both ways, closing"""
    text = hello.client_hello("service.example", post_quantum=True)
    client, server = site.connect(text=text, family=family)
    both_ways(client, server, 2 * MIB)
    site.finish(client, server)
    site.finish(*site.connect("management.example", family=family))
