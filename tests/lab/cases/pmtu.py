# SPDX-License-Identifier: BSD-3-Clause
"""The path's MTU shrinks while data flows: the router before the narrow place says so in an ICMP error
to the dam, and the endpoint that sent the packet has to hear of it (RFC 1191, RFC 8201)."""
import contextlib

from lib import hello, packet, suite
from lib.plan import plan
from lib.site import FAR_CLIENT, FAR_SERVER, PUBLIC
from lib.stream import transfer

# Probes would learn the MSS that a server announces while its path is narrow, and clients be promised it:
# then nobody would send what is too big.
PLAN = plan(timeouts={"hello": "3s", "connect": "2s", "probe_interval": "60s"},
            add_servers={"far": {"role": "far", "port": 443}},
            add_routes=[{"name": "far", "listener": "https", "names": ["far.example"],
                         "zone": "service", "servers": ["far"]}])
COST = 20
MIB = 1 << 20


@contextlib.contextmanager
def narrow(site, side, family, mtu):
    """The router on that side forwards nothing larger towards its far end."""
    router = getattr(site, side)
    address = {"client": FAR_CLIENT, "service": FAR_SERVER}[side][family]
    words = [f"-{family}", "route", "replace", address, "dev", "far"]
    router.ip(*words, "mtu", "lock", mtu)
    try:
        yield
    finally:
        router.ip(*words)
        for namespace in (site.client, site.service, site.far_client, site.far_server):
            namespace.ip(f"-{family}", "route", "flush", "cache")


def _pair(site, family):
    client, server = site.connect("far.example", site.servers["far"], family=family,
                                  namespace=site.far_client)
    transfer(client, server, MIB)
    transfer(server, client, MIB)
    return client, server


@suite.each(family=[4, 6], mtu=[1300, 1400])
def test_client_side(site, family, mtu):
    """when the path to the client shrinks, the server hears of it and the download goes on"""
    client, server = _pair(site, family)
    with narrow(site, "client", family, mtu):
        rate = transfer(server, client, 8 * MIB)
        assert rate > 5e6, f"{rate / 1e6:.1f} Mbit/s: it crawls"
        transfer(client, server, MIB)
        if site.front.is_dam:
            assert server.info()["pmtu"] == mtu, server.info()
        site.finish(client, server)


@suite.each(family=[4, 6], mtu=[1300, 1400])
def test_server_side(site, family, mtu):
    """when the path to the server shrinks, the client hears of it and the upload goes on"""
    client, server = _pair(site, family)
    with narrow(site, "service", family, mtu):
        rate = transfer(client, server, 8 * MIB)
        assert rate > 5e6, f"{rate / 1e6:.1f} Mbit/s: it crawls"
        transfer(server, client, MIB)
        if site.front.is_dam:
            assert client.info()["pmtu"] == mtu, client.info()
        site.finish(client, server)


@suite.each(family=[4, 6])
def test_both_sides(site, family):
    """both paths may shrink, one after the other, below each other"""
    client, server = _pair(site, family)
    with narrow(site, "client", family, 1400), narrow(site, "service", family, 1340):
        transfer(client, server, 2 * MIB)
        transfer(server, client, 2 * MIB)
        with narrow(site, "client", family, 1290):
            transfer(server, client, 2 * MIB)
            transfer(client, server, 2 * MIB)
            site.finish(client, server)


@suite.each(family=[4, 6])
def test_narrow_from_the_start(site, family):
    """a path that was always narrow serves a new connection, post-quantum hello and all"""
    with narrow(site, "client", family, 1300), narrow(site, "service", family, 1300):
        text = hello.client_hello("far.example", post_quantum=True, padding=600)
        client, server = site.connect(text=text, server=site.servers["far"], family=family,
                                      namespace=site.far_client, server_timeout=10)
        transfer(server, client, 2 * MIB)
        transfer(client, server, 2 * MIB)
        site.finish(client, server)


@suite.dam_only
@suite.each(family=[4, 6])
def test_quote(site, family):
    """an ICMP error reaches the server with the quoted packet in the server's own numbers"""
    client, server = site.raw_connect(1 + family, family)
    server.send(bytes(1200))
    segment = client.wait(lambda s: len(s.payload) > 1000, 3, "data")
    client.link.send(packet.icmp_too_big(client.src, client.dst, 1280, segment.raw))
    # The kernel heeds it only when the quoted sequence number is one that it sent (and did not yet see
    # acknowledged).
    suite.eventually(lambda: server.info()["pmtu"] == 1280, 2, "the server's lower path MTU")


@suite.dam_only
def test_unmatched(site):
    """an ICMP error about no known connection is dropped and counted, or on xdp left to the host; it changes
    nothing for a connection that lives"""
    client, server = site.connect()
    before = client.info()["pmtu"], server.info()["pmtu"]
    link = site.keep(site.link())
    about = packet.tcp_packet(PUBLIC[4], "203.0.113.149", 443, 7777, 1, 1, packet.ACK, payload=bytes(900))
    site.expect_not_ours(link, [packet.icmp_too_big("203.0.113.149", PUBLIC[4], 600, about)], "icmp_unmatched")
    transfer(client, server, MIB)
    transfer(server, client, MIB)
    assert (client.info()["pmtu"], server.info()["pmtu"]) == before, before
    site.finish(client, server)


def test_forged_too_small(site):
    """a forged error with an absurd MTU does not stall the connection"""
    client, server = site.raw_connect(9)
    server.send(bytes(1200))
    segment = client.wait(lambda s: len(s.payload) > 1000, 3, "data")
    client.link.send(packet.icmp_too_big(client.src, client.dst, 40, segment.raw))
    client.received = 1200
    client.segment()
    server.send(bytes(3000))
    client.read(4200 - 1200, 8)
