# SPDX-License-Identifier: BSD-3-Clause
"""What a third party that sees no packet of a connection can do to it: nothing (RFC 5961). And what
floods of forged packets can do to other people's connections."""
import random
import socket
import threading
import time

from lib import hello, packet, suite
from lib.packet import ACK, FIN, RST, SYN
from lib.plan import plan
from lib.stream import transfer

PLAN = plan(limits={"half_open": 1024, "half_open_per_source": 32})
COST = 20
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


@suite.dam_only
def test_forged_cookie(site):
    """ACKs without a valid cookie open nothing, and are counted"""
    link = site.keep(site.link())
    accepted = site.servers["service"].accepted
    text = hello.client_hello("service.example")
    with site.counted("bad_cookie", 50):
        for number in _numbers(60):
            client = site.raw(3, link=link)
            client.raw(ACK, number, number ^ 0x77777777)
            client.raw(ACK | packet.PSH, number, number ^ 0x77777777, payload=text)
    assert site.servers["service"].accepted == accepted


@suite.dam_only
def test_cookie_is_personal(site):
    """a cookie holds for its own addresses and ports only"""
    link = site.keep(site.link())
    honest = site.raw(4, link=link)
    honest.open()
    thief = site.raw(5, link=link)
    thief.sport, thief.iss, thief.irs = honest.sport, honest.iss, honest.irs
    accepted = site.servers["service"].accepted
    thief.segment(hello.client_hello("service.example"))
    time.sleep(0.3)
    assert site.servers["service"].accepted == accepted
    honest.segment()
    text = hello.client_hello("service.example")
    honest.send(text)
    site.keep(site.servers["service"].take(honest.address)).expect(text)


@suite.dam_only
def test_bad_checksum(site):
    """segments with a bad TCP checksum are dropped and counted; the stream stays whole"""
    client, server = site.raw_connect(6)
    with site.counted("bad_checksum", 1):
        for _ in range(5):
            client.segment(b"xxxxx", bad_checksum=True)
    client.send(b"right")
    server.expect(b"right")


@suite.dam_only
@suite.each(family=[4, 6])
def test_odd_flags(site, family):
    """SYN-FIN, SYN-RST and segments without any flag are dropped and counted"""
    client = site.raw(7, family)
    with site.counted("bad_flags", 4):
        for flags in (0, SYN | FIN, SYN | RST, FIN | packet.PSH | packet.URG):
            client.raw(flags, 1)
        client.none(lambda s: True, 0.3, "answer")


@suite.dam_only
def test_malformed(site):
    """truncated and contradictory headers are dropped and counted"""
    link = site.keep(site.link())
    good = packet.tcp_packet("203.0.113.140", site.public[4], 5555, 443, 1, 0, SYN)
    bad = [good[:30],                                                 # cut in the TCP header
           good[:20],                                                 # no TCP header at all
           good[:2] + b"\xff\xff" + good[4:],                         # longer than the frame
           b"\x44" + good[1:],                                        # IPv4 header of 16 bytes
           good[:32] + b"\x40" + good[33:],                           # TCP header of 16 bytes
           good[:32] + b"\xf0" + good[33:]]                           # TCP header beyond the end
    with site.counted(None, len(bad)):
        for one in bad:
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


def _flood(site, stop, sent):
    """SYNs of forged sources, as fast as this thread can."""
    link = site.link()
    packets = [packet.ethernet(link.gateway_mac, link.mac, packet.tcp_packet(
        f"203.0.113.{128 + n % 120}", site.public[4], 1024 + n, 443, n * 99991, 0, SYN,
        options=packet.option_mss(1460))) for n in range(4000)]
    while not stop.is_set():
        for one in packets[:400]:
            link.sock.send(one)
        packets = packets[400:] + packets[:400]
        sent.append(400)
        time.sleep(0.01)
    link.close()


@suite.dam_only
def test_syn_flood(site):
    """during a flood of SYNs with forged sources, honest clients are served as before"""
    stop, sent = threading.Event(), []
    thread = threading.Thread(target=_flood, args=(site, stop, sent), daemon=True)
    thread.start()
    try:
        for _ in range(10):
            start = time.monotonic()
            site.finish(*site.connect())
            assert time.monotonic() - start < 1, "an honest client waited"
            time.sleep(0.1)
    finally:
        stop.set()
        thread.join()
    assert sum(sent) > 5000, "that was no flood"
    assert site.front.table("half_open") <= 20, "forged SYNs took up room"


@suite.dam_only
def test_silent_crowd(site):
    """one source may not hold more silent connections than the policy lets it; others are served"""
    crowd = []
    with site.counted("half_open_source", 8):
        for _ in range(40):
            try:
                crowd.append(site.open(source=site.sources[4][30], timeout=1))
            except OSError:
                pass  # refused: what we want
        time.sleep(0.2)
        site.finish(*site.connect(source=site.sources[4][31]))
    assert site.front.table("half_open") <= 40
    for stream in crowd:
        stream.close()


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
