# SPDX-License-Identifier: BSD-3-Clause
"""What a third party that sees no packet of a connection can do to it: nothing (RFC 5961)."""
import random
import threading
import time

from lib import hello, packet, suite
from lib.packet import ACK, FIN, RST, SYN
from lib.plan import plan
from lib.stream import transfer

PLAN = plan()
COST = 15
MIB = 1 << 20

def _server_side(site, server):
    """How forged packets from the server to the dam are addressed: (link, source, destination, ports)."""
    link = site.keep(site.link("service"))
    (far, far_port), (own, own_port) = server.peer, server.local
    return lambda flags, seq, ack=0, **more: link.send(
        packet.tcp_packet(own, far, own_port, far_port, seq, ack, flags, **more))


def _client_side(site, client):
    link = site.keep(site.link())
    (far, far_port), (own, own_port) = client.peer, client.local
    return lambda flags, seq, ack=0, **more: link.send(
        packet.tcp_packet(own, far, own_port, far_port, seq, ack, flags, **more))


def _forgers(site, client, server):
    return {"client": _client_side(site, client), "server": _server_side(site, server)}


def _numbers(count=200, seed=3):
    dice = random.Random(seed)
    return [dice.randrange(1 << 32) for _ in range(count)]


@suite.each(family=[4, 6], side=["client", "server"])
def test_blind_reset(site, family, side):
    """RSTs with guessed sequence numbers, in either side's name, break nothing"""
    client, server = site.connect(family=family)
    forge = _forgers(site, client, server)[side]
    for seq in _numbers():
        forge(RST, seq)
        forge(RST | ACK, seq, seq ^ 0x5A5A5A5A)
    time.sleep(0.2)
    site.finish(client, server)


@suite.each(side=["client", "server"])
def test_blind_reset_in_window(site, side):
    """an RST inside the window, but not at its start, breaks nothing (a challenge ACK at most)"""
    client, server = site.raw_connect(1, wscale=7)
    dam = server.peer
    if side == "client":
        for ahead in (1, 2, 100, 1000, 20000):
            client.raw(RST, client.iss + 1 + client.sent + ahead)
    else:
        # The server's own numbers are not known to a stranger; every 4,000th is in some window.
        forge = _server_side(site, server)
        for seq in range(0, 1 << 32, 1 << 20):
            forge(RST, seq + 7)
    time.sleep(0.2)
    assert server.peer == dam
    client.send(b"still")
    server.expect(b"still")
    server.send(b"there")
    assert client.read(5) == b"there"


@suite.each(side=["client", "server"])
def test_blind_syn(site, side):
    """SYNs and SYN-ACKs in the middle of a connection break nothing"""
    client, server = site.connect()
    forge = _forgers(site, client, server)[side]
    for seq in _numbers(50):
        forge(SYN, seq, options=packet.option_mss(1460))
        forge(SYN | ACK, seq, seq ^ 0xFFFF, options=packet.option_mss(1460))
    time.sleep(0.2)
    site.finish(client, server)


@suite.each(side=["client", "server"])
def test_blind_fin(site, side):
    """FINs with guessed numbers end nothing"""
    client, server = site.connect()
    forge = _forgers(site, client, server)[side]
    for seq in _numbers():
        forge(FIN | ACK, seq, seq ^ 0x1234567)
    time.sleep(0.2)
    site.finish(client, server)


@suite.each(family=[4, 6])
def test_blind_data(site, family):
    """data with guessed numbers, thrown in from both sides during a transfer, alters no byte"""
    client, server = site.connect(family=family)
    stop = threading.Event()

    def inject():
        dice = random.Random(8)
        while not stop.is_set():
            for forge in forgers:
                forge(ACK, dice.randrange(1 << 32), dice.randrange(1 << 32), payload=b"EVIL" * 100)
            time.sleep(0.0005)

    forgers = list(_forgers(site, client, server).values())
    thread = threading.Thread(target=inject, daemon=True)
    thread.start()
    try:
        for _ in range(3):
            transfer(client, server, 4 * MIB)
            transfer(server, client, 4 * MIB)
    finally:
        stop.set()
        thread.join()
    site.finish(client, server)


def test_blind_data_before_hello(site):
    """data with guessed numbers while the hello is awaited does not get into it"""
    client = site.raw(2).connect()
    text = hello.client_hello("service.example")
    client.send(text[:60])
    evil = hello.client_hello("management.example")
    for seq in _numbers(100):
        client.raw(ACK, seq, seq ^ 0x3333, payload=evil)
    client.send(text[60:])
    server = site.keep(site.servers["service"].take(client.address))
    server.expect(text)


def test_icmp_errors_end_nothing(site):
    """forged ICMP unreachables about a live connection end it on neither side"""
    client, server = site.connect()
    link = site.keep(site.link())
    (own, own_port), (far, far_port) = client.local, client.peer
    quoted = packet.tcp_packet(far, own, far_port, own_port, 12345, 6789)[:28]
    for code in (0, 1, 2, 3, 9, 10, 13):
        body = bytes([3, code, 0, 0]) + bytes(4) + quoted
        body = body[:2] + packet.checksum(body).to_bytes(2, "big") + body[4:]
        link.send(packet.ip_packet("203.0.113.150", far, 1, body))
    time.sleep(0.3)
    site.finish(client, server)
