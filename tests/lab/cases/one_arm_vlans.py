# SPDX-License-Identifier: BSD-3-Clause
"""One cable to a switch, the servers on VLANs of it: what comes in without a tag leaves with one, and
back. The edge's kernel has no device on these VLANs: the dam answers and asks there itself."""
from lib import suite
from lib.plan import plan
from lib.site import DAM, service_address
from lib.stream import both_ways

PLAN = plan(one_arm=True, interface_service={"device": "front", "vlan": 6},
            interface_management={"device": "front", "vlan": 7})
WIRES = {"service": ["--vlan", 6], "management": ["--vlan", 7]}
DAM_ONLY = True
COST = 12
MIB = 1 << 20


@suite.each(family=[4, 6])
def test_tags_come_and_go(site, family):
    """frames get the tag of the way out, and lose it on the way back"""
    client, server = site.connect(family=family)
    both_ways(client, server, 4 * MIB)
    site.finish(client, server)
    site.finish(*site.connect("management.example", family=family))


@suite.each(family=[4, 6])
def test_ping_on_the_vlan(site, family):
    """who is on the VLAN finds the dam's address there by ARP or NDP, and it answers ping"""
    site.service.ip("neigh", "flush", "dev", "eth0")
    site.service.run("ping", "-c", "2", "-i", "0.2", "-W", "2", "-I", service_address(10)[family],
                     DAM["service"][family])


def test_new_mac_of_server(site):
    """a server's new link address on the VLAN takes effect: its connection goes on"""
    client, server = site.connect()
    old = site.service.mac("eth0").hex(":")
    for mac in ("02:00:00:00:07:07", old):
        site.service.ip("link", "set", "dev", "eth0", "address", mac)
        site.service.ip("neigh", "flush", "dev", "eth0")
        site.service.run("ping", "-c", "1", "-W", "2", "-I", service_address(10)[4], DAM["service"][4])
        client.send(mac.encode())
        server.expect(mac.encode())
        server.send(mac.encode())
        client.expect(mac.encode())
    site.finish(client, server)
