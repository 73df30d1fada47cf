# SPDX-License-Identifier: BSD-3-Clause
"""The front on a tagged VLAN, and a service network with a smaller MTU than the client's."""
import struct

from lib import hello, packet, raw, suite
from lib.plan import plan
from lib.stream import both_ways, transfer

PLAN = plan(vlan=5, interface_service={"mtu": 1400})
WIRES = {"client": ["--vlan", 5]}
DAM_ONLY = True
COST = 12
MIB = 1 << 20


@suite.each(family=[4, 6])
def test_vlan(site, family):
    """a client behind a tagged interface is served: handshake, hello, bulk both ways, closing"""
    text = hello.client_hello("service.example", post_quantum=True)
    client, server = site.connect(text=text, family=family)
    both_ways(client, server, 8 * MIB)
    site.finish(client, server)


def test_mss_is_clamped(site):
    """neither end is promised more than the narrower interface carries"""
    client, server = site.connect()
    link = site.keep(site.link("service"))
    transfer(client, server, MIB)
    transfer(server, client, MIB)
    largest = 0
    while (segment := link.receive(0.05)) is not None:
        largest = max(largest, len(segment.raw))
    assert 1300 < largest <= 1400, f"an IP packet of {largest} bytes on a link of MTU 1400"
    site.finish(client, server)


def test_reset_and_refusal(site):
    """resets and refusals come back tagged as well"""
    client, server = site.connect()
    server.reset()
    client.expect_reset(2)
    with site.counted("no_route"):
        client = site.open()
        client.send(hello.client_hello("nobody.example"))
        client.expect_closed(2)


def test_other_vlans(site):
    """frames without the tag are not for the dam"""
    # The wire tags everything that the client sends; what it sends untagged is tried from its middle.
    link = raw.link_socket(site.wire_client, "far")
    frame = packet.tcp_packet("203.0.113.140", site.public[4], 5555, 443, 1, 0, packet.SYN)
    mac = site.edge.mac("front")
    before = site.front.counters().worker(0)["cookies_sent"]
    for vlan in (None, 6):
        for _ in range(5):
            link.send(packet.ethernet(mac, b"\x02\0\0\0\0\1", frame, vlan))
    site.finish(*site.connect())
    assert site.front.counters().worker(0)["cookies_sent"] - before <= 2


@suite.each(family=[4, 6])
def test_ping(site, family):
    """the public address is found by ARP or NDP on the VLAN, and answers ping there"""
    site.client.ip("neigh", "flush", "dev", "eth0")
    site.client.run("ping", "-c", "3", "-i", "0.1", "-W", "2", site.public[family])


@suite.only_on("xdp", "the dpdk driver's workers look at each frame anyway")
def test_ping_flood(site):
    """only so many echo requests a second wake the dataplane; connections go on beside"""
    if site.machine:
        raise suite.Skipped("the host has that VLAN, and answers")
    link = raw.link_socket(site.wire_client, "far")
    body = struct.pack("!BBHHH", 8, 0, 0, 7, 7) + bytes(24)
    body = body[:2] + struct.pack("!H", packet.checksum(body)) + body[4:]
    echo = packet.ethernet(site.edge.mac("front"), site.client.mac("eth0"),
                           packet.ip_packet("203.0.113.140", site.public[4], 1, body), 5)
    with site.counted("link_limited", 1000):
        for _ in range(5000):
            link.send(echo)
    site.finish(*site.connect())
