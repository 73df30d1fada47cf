# SPDX-License-Identifier: BSD-3-Clause
"""One cable to a switch: what comes in by it leaves by it. Clients and servers are on one link."""
from lib import hello, suite
from lib.plan import plan
from lib.stream import both_ways

PLAN = plan(one_arm=True, interface_service=None, interface_management=None)
DAM_ONLY = True
COST = 8
MIB = 1 << 20


def setup(site):
    """The servers reach the dam's first address, which it takes towards them, on the link."""
    for server in (site.service, site.management):
        server.ip("route", "add", "198.18.0.0/24", "dev", "eth0")
        server.ip("-6", "route", "add", "2001:db8::/64", "dev", "eth0")


@suite.each(family=[4, 6])
def test_one_arm(site, family):
    """a connection goes in and out by the same device: handshake, hello, bulk both ways, closing"""
    text = hello.client_hello("service.example", post_quantum=True)
    client, server = site.connect(text=text, family=family)
    both_ways(client, server, 8 * MIB)
    site.finish(client, server)


@suite.each(family=[4, 6])
def test_management(site, family):
    """and so does one to the management server"""
    site.finish(*site.connect("management.example", family=family))


def test_refused(site):
    """refusals come back the same way"""
    with site.counted("no_route"):
        client = site.open()
        client.send(hello.client_hello("nobody.example"))
        client.expect_closed(2)
