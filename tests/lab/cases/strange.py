# SPDX-License-Identifier: BSD-3-Clause
"""Packets that no kernel sends: dropped and counted, or harmless."""
import socket

from lib import hello, packet, suite
from lib.packet import FIN, RST, SYN
from lib.plan import plan

PLAN = plan()
COST = 8

def test_bad_checksum_in_stream(site):
    """a segment with a bad TCP checksum does not get into the stream: it stays bad on its way"""
    client, server = site.raw_connect(6)
    for _ in range(5):
        client.segment(b"xxxxx", bad_checksum=True)
    server.expect_silence(0.2)
    client.send(b"right")
    server.expect(b"right")


@suite.dam_only
@suite.each(family=[4, 6])
def test_bad_checksum_in_handshake(site, family):
    """until the server takes over, the dam itself checks, drops and counts: SYN, ACK and hello"""
    client = site.raw(6, family)
    text = hello.client_hello("service.example")
    with site.counted("bad_checksum"):
        client.raw(SYN, client.iss, options=packet.option_mss(1460), bad_checksum=True)
        client.none(lambda s: True, 0.2, "answer to a bad SYN")
    client.open()
    with site.counted("bad_checksum"):
        client.segment(bad_checksum=True)
    client.segment()
    with site.counted("bad_checksum", 2):
        client.segment(hello.client_hello("managem.example"), bad_checksum=True)
        client.segment(b"other", seq=len(text) - 5, bad_checksum=True)
    client.send(text)
    site.keep(site.servers["service"].take(client.address)).expect(text)


@suite.dam_only
@suite.each(family=[4, 6])
def test_odd_flags(site, family):
    """SYN-FIN, SYN-RST and segments without any flag are dropped and counted"""
    client = site.raw(7, family)
    with site.counted(("bad_flags", "no_flow"), 4):
        for flags in (0, SYN | FIN, SYN | RST, FIN | packet.PSH | packet.URG):
            client.raw(flags, 1)
        client.none(lambda s: True, 0.3, "answer")


@suite.dam_only
def test_malformed(site):
    """truncated and contradictory headers are dropped and counted; on xdp those without an address are the
    host's"""
    link = site.keep(site.link())
    good = packet.tcp_packet("203.0.113.140", site.public[4], 5555, 443, 1, 0, SYN)
    bad = [good[:30],                                                 # cut in the TCP header
           good[:20],                                                 # no TCP header at all
           good[:30] + bytes(16), good[:20] + bytes(26),              # the same, as a NIC pads them
           good[:2] + b"\xff\xff" + good[4:],                         # longer than the frame
           b"\x44" + good[1:],                                        # IPv4 header of 16 bytes
           good[:32] + b"\x40" + good[33:],                           # TCP header of 16 bytes
           good[:32] + b"\xf0" + good[33:]]                           # TCP header beyond the end
    for number, one in enumerate(bad):
        if number == 5 and site.front.on_xdp:  # whose it is cannot be read
            site.expect_not_ours(link, [one], "malformed")
            continue
        with site.counted("malformed"):
            link.send(one)


@suite.dam_only
@suite.each(family=[4, 6])
def test_fragments(site, family):
    """IP fragments are dropped and counted"""
    link = site.keep(site.link())
    source = {4: "203.0.113.141", 6: "2001:db8:f::41"}[family]
    whole = packet.tcp_packet(source, site.public[family], 5555, 443, 1, 0, SYN)
    if family == 4:
        first = packet.ip_packet(source, site.public[4], 6, whole[20:], flags=0x2000)
        later = packet.ip_packet(source, site.public[4], 6, whole[20:], flags=0x0010)
    else:
        def fragment(offset_more):
            head = bytes([6, 0]) + offset_more.to_bytes(2, "big") + bytes(4)
            return packet.ip_packet(source, site.public[6], 44, head + whole[40:])
        first, later = fragment(1), fragment(8 << 3)
    with site.counted("fragment", 2):
        link.send(first)
        link.send(later)


def test_syn_with_data(site):
    """data in a SYN is not lost and not doubled, even if it has to be sent again"""
    client = site.raw(8)
    text = hello.client_hello("service.example")
    client.raw(SYN, client.iss, options=packet.option_mss(1460), payload=text[:50])
    client.syn_ack = client.wait(lambda s: s.flags & SYN, 2, "SYN-ACK")
    client.irs = client.syn_ack.seq
    taken = (client.syn_ack.ack - client.iss - 1) & 0xFFFFFFFF
    assert taken in (0, 50), taken
    client.segment(text[taken:], seq=taken)
    client.sent = len(text)
    site.keep(site.servers["service"].take(client.address)).expect(text)


def test_strange_options(site):
    """unknown, padded and fast-open options in a SYN do no harm"""
    strange = [b"\xfd\x04\xf9\x89", b"\x22\x02", b"\x01" * 20, b"\x00" * 8,
               packet.option_mss(1460) + b"\x05\x0a" + bytes(8)]
    for number, options in enumerate(strange):
        client = site.raw(10 + number)
        client.raw(SYN, client.iss, options=options)
        client.syn_ack = client.wait(lambda s: s.flags & SYN, 2, "SYN-ACK")
        client.irs = client.syn_ack.seq
        client.segment()
        text = hello.client_hello("service.example")
        client.send(text[:200])
        client.send(text[200:])
        site.keep(site.servers["service"].take(client.address)).expect(text)


def test_ports_without_listener(site):
    """a port that nobody listens on gives no connection"""
    try:
        client = site.open(port=8443, timeout=1)
    except (socket.timeout, ConnectionRefusedError):
        return
    client.expect_closed(1)
    raise AssertionError("a connection to a port that is not in the policy")
