# SPDX-License-Identifier: BSD-3-Clause
"""Connections that live: windows, keep-alives, urgent data, bulk, many at once."""
import errno
import socket
import threading
import time

from lib import hello, packet, suite
from lib.plan import plan
from lib.stream import both_ways, noise, transfer

PLAN = plan(add_servers={"narrow": {"role": "service", "n": 13, "port": 443, "receive_buffer": 4096}},
            add_routes=[{"name": "narrow", "listener": "https", "names": ["narrow.example"],
                         "zone": "service", "servers": ["narrow"]}])
COST = 35
MIB = 1 << 20


def _fill(sender):
    """Sends until the other end's window is shut; returns what was sent."""
    sender.sock.settimeout(0.5)
    sent, block = 0, noise(MIB, 5)
    try:
        while True:
            sent += sender.sock.send(block[sent % MIB:])
    except socket.timeout:
        sender.sock.settimeout(10)
        return sent


def _drain(receiver, count):
    block = noise(MIB, 5)
    got = receiver.read(count)
    for at in range(0, count, MIB):
        assert got[at:at + MIB] == block[:min(MIB, count - at)], f"bytes after {at} differ"


@suite.each(family=[4, 6], reader=["client", "server"])
def test_zero_window(site, family, reader):
    """a reader that stops shuts the window; when it reads on, every byte is there"""
    client, server = site.connect(family=family, SO_RCVBUF=65536)
    sender, receiver = (client, server) if reader == "server" else (server, client)
    sent = _fill(sender)
    time.sleep(1.5)  # some window probes later
    assert sender.info()["state"] == 1
    _drain(receiver, sent)
    site.finish(client, server)


def test_zero_window_from_the_start(site):
    """a client whose window is shut from its first data segment on gets its answer once it opens it"""
    client = site.raw(1)
    client.window = 0
    client.connect()
    text = hello.client_hello("service.example")
    client.send(text)
    server = site.keep(site.servers["service"].take(client.address))
    server.expect(text)
    server.send(b"an answer of some length")
    # Window probes bear a byte at most.
    client.none(lambda s: len(s.payload) > 1, 1, "segment of more than one byte into a shut window")
    client.window = 64240
    client.segment()
    assert client.read(24) == b"an answer of some length"


def test_small_window_of_server(site):
    """a held post-quantum hello goes to a server of a small window in pieces that fit it"""
    text = hello.client_hello("narrow.example", post_quantum=True, padding=1500)
    client = site.open()
    client.send(text)
    server = site.keep(site.servers["narrow"].take(client.local))
    server.expect(text)
    transfer(client, server, MIB // 32)
    transfer(server, client, MIB)
    site.finish(client, server)


def test_small_window_of_client(site):
    """a client with a tiny receive buffer gets a whole page"""
    client, server = site.connect(SO_RCVBUF=2304)
    transfer(server, client, MIB // 2)
    site.finish(client, server)


@suite.each(who=["client", "server"])
def test_keepalive(site, who):
    """keep-alive probes are answered from end to end, and keep an idle connection"""
    client, server = site.connect()
    probing, other = (client, server) if who == "client" else (server, client)
    link = site.keep(site.link("service" if who == "client" else "client"))
    _keepalive(probing)
    time.sleep(4.2)
    count = 0
    while (segment := link.receive(0.02)) is not None:
        port = other.local[1] if who == "server" else other.peer[1]
        count += port in (segment.sport, segment.dport)
    assert count >= 3 or not site.front.is_dam, f"only {count} of the probes reached the other end"
    site.finish(client, server)


def _keepalive(stream):
    stream.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL):
        stream.sock.setsockopt(socket.IPPROTO_TCP, option, 1)
    stream.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 2)


@suite.dam_only
def test_keepalive_of_the_dead(site):
    """the dam does not answer keep-alives itself: a client learns that its server fell silent"""
    client, server = site.connect()
    _keepalive(client)
    with site.service.rules("chain in { type filter hook input priority 0; "
                            f"tcp dport 443 tcp sport {server.peer[1]} drop; }}"):
        # ETIMEDOUT of the kernel; its own time-out has no errno.
        suite.eventually(lambda: client.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                         == errno.ETIMEDOUT, 8, "that the client gives its connection up")


@suite.dam_only
def test_urgent(site):
    """urgent data arrives as urgent data, in its place"""
    client, server = site.connect()
    client.send(b"before")
    client.sock.send(b"!", socket.MSG_OOB)
    client.send(b"after")
    server.expect(b"before")
    server.sock.setblocking(False)
    assert suite.eventually(lambda: _urgent(server), 2, "the urgent byte") == b"!"
    server.sock.settimeout(5)
    server.expect(b"after")


def _urgent(stream):
    try:
        return stream.sock.recv(1, socket.MSG_OOB)
    except (BlockingIOError, OSError):
        return None


@suite.each(family=[4, 6])
def test_bulk(site, family):
    """64 MiB each way, at once, are the same at the other end"""
    client, server = site.connect(family=family)
    client.sock.settimeout(20)
    server.sock.settimeout(20)
    up, down = both_ways(client, server, 64 * MIB)
    assert min(up, down) > 20e6, f"{up / 1e6:.0f} and {down / 1e6:.0f} Mbit/s"
    site.finish(client, server)


def test_management_beside_bulk(site):
    """a bulk transfer of the service does not keep management waiting"""
    client, server = site.connect()
    thread = threading.Thread(target=lambda: both_ways(client, server, 24 * MIB), daemon=True)
    thread.start()
    slowest = 0
    while thread.is_alive():
        start = time.monotonic()
        site.finish(*site.connect("management.example"))
        slowest = max(slowest, time.monotonic() - start)
        time.sleep(0.05)
    thread.join()
    assert slowest < 1, f"management took {slowest:.2f} s"


def test_crowd(site):
    """200 connections at once, from 50 addresses, each get their own bytes and no others'"""
    pairs = []
    for number in range(200):
        family = 6 if number % 4 == 0 else 4
        pairs.append(site.connect(family=family, source=site.sources[family][number % 50]))
    for number, (client, server) in enumerate(pairs):
        client.send(noise(3000, number))
        server.send(noise(20000, 1000 + number))
    for number, (client, server) in enumerate(pairs):
        server.expect(noise(3000, number))
        client.expect(noise(20000, 1000 + number))
    for client, server in pairs:
        client.close()
        server.expect_eof()


def test_retransmitted_syn_ack(site):
    """a client that never saw our ACK's effects: a repeated SYN is answered, a repeated ACK harmless"""
    client = site.raw(2)
    client.open(timestamps=True, sack=True, wscale=7)
    first = client.syn_ack
    client.open(timestamps=True, sack=True, wscale=7)
    assert client.syn_ack.ack == first.ack
    for _ in range(3):
        client.segment()
    text = hello.client_hello("service.example")
    client.send(text)
    client.segment(text, seq=0)  # and the hello twice
    server = site.keep(site.servers["service"].take(client.address))
    server.expect(text)
    client.segment(text, seq=0)
    client.send(b"then this")
    server.expect(b"then this")
    server.expect_silence(0.3)


def test_ack_lost_hello_first(site):
    """the first ACK may be lost: the hello itself then completes the handshake"""
    client = site.raw(3)
    client.open(wscale=7, sack=True)
    text = hello.client_hello("service.example", post_quantum=True)
    client.send(text[:1400])
    client.send(text[1400:])
    site.keep(site.servers["service"].take(client.address)).expect(text)


def test_hello_with_psh_urg(site):
    """flags beside ACK on the hello's segment (PSH, URG, ECE, CWR) do no harm"""
    for number, flags in enumerate((packet.PSH, packet.ECE, packet.CWR, packet.ECE | packet.CWR)):
        client = site.raw(4 + number).connect()
        text = hello.client_hello("service.example")
        client.send(text, flags=packet.ACK | flags)
        site.keep(site.servers["service"].take(client.address)).expect(text)


@suite.dam_only
def test_ttl(site):
    """the hop limit of a passing packet goes down by one, and an exhausted one is counted"""
    client, server = site.raw_connect(9)
    link = site.keep(site.link("service"))
    client.segment(b"far", ttl=44)
    client.sent += 3
    server.expect(b"far")
    ttls = set()
    while (segment := link.receive(0.2)) is not None:
        if segment.dport == 443 and segment.payload == b"far":
            ttls.add(segment.ttl)
    assert ttls == {43}, ttls
    with site.counted("ttl_expired"):
        client.segment(b"too far", ttl=1)
    server.expect_silence(0.2)
