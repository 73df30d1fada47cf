# SPDX-License-Identifier: BSD-3-Clause
"""How connections end: FIN and RST from either side, in every order."""
import socket
import time

from lib import hello, packet, suite
from lib.plan import plan
from lib.stream import Stream, transfer

PLAN = plan()
COST = 15
MIB = 1 << 20


@suite.each(family=[4, 6])
def test_half_close_client(site, family):
    """after the client's half-close, the server can still send, and the client receive"""
    client, server = site.connect(family=family)
    client.send(b"the whole question")
    client.half_close()
    server.expect(b"the whole question")
    server.expect_eof()
    transfer(server, client, 2 * MIB)
    time.sleep(0.3)
    server.send(b"and a late word")
    client.expect(b"and a late word")
    server.close()
    client.expect_eof()


@suite.each(family=[4, 6])
def test_half_close_server(site, family):
    """after the server's half-close, the client can still send, and the server receive"""
    client, server = site.connect(family=family)
    server.send(b"a greeting, and no more")
    server.half_close()
    client.expect(b"a greeting, and no more")
    client.expect_eof()
    transfer(client, server, 2 * MIB)
    time.sleep(0.3)
    client.send(b"and a late word")
    server.expect(b"and a late word")
    client.close()
    server.expect_eof()


def test_both_close(site):
    """both ends may close at once"""
    for _ in range(10):
        client, server = site.connect()
        client.half_close()
        server.half_close()
        client.expect_eof()
        server.expect_eof()


@suite.dam_only  # proxies turn a server's RST into a FIN
@suite.each(family=[4, 6], who=["client", "server"])
def test_reset(site, family, who):
    """an RST from either side reaches the other at once"""
    client, server = site.connect(family=family)
    ends = {"client": client, "server": server}
    ends.pop(who).reset()
    ends.popitem()[1].expect_reset(1)


@suite.dam_only
@suite.each(who=["client", "server"])
def test_reset_in_bulk(site, who):
    """and also in the middle of a transfer"""
    client, server = site.connect()
    sender, other = (client, server) if who == "server" else (server, client)
    sender.sock.settimeout(0.3)
    try:
        while True:
            sender.sock.send(bytes(65536))  # until the receiver's window is full
    except socket.timeout:
        pass
    other.reset()
    try:
        sender.expect_reset(2)
    except BrokenPipeError:
        pass


@suite.dam_only
def test_close_with_unread_data(site):
    """a server that closes with unread data resets (RFC 9293 §3.6.1), and the client learns it"""
    client, server = site.connect()
    client.send(b"never read")
    suite.eventually(lambda: _unread(server) == 10, 2, "the data at the server")
    server.close()
    client.expect_reset(2)


def _unread(stream):
    return len(stream.sock.recv(100, socket.MSG_PEEK))


def test_reset_after_hello(site):
    """a client that resets right after its hello leaves no connection at the server"""
    for _ in range(5):
        client = site.open()
        address = client.local
        client.send(hello.client_hello("service.example"))
        client.reset()
        time.sleep(0.1)
        try:
            server = site.keep(site.servers["service"].take(address, 0.3))
        except AssertionError:
            continue  # it never came as far as that
        with server:
            server.sock.settimeout(2)
            try:
                while server.sock.recv(4096):
                    pass
            except ConnectionResetError:
                pass


def test_fin_with_data(site):
    """a FIN that bears data ends the stream after that data"""
    client, server = site.raw_connect(1)
    client.send(b"last words", flags=packet.ACK | packet.FIN)
    server.expect(b"last words")
    server.expect_eof()
    client.wait_acked()
    server.send(b"noted")
    assert client.read(5) == b"noted"
    server.close()
    client.wait(lambda s: s.flags & packet.FIN, 2, "FIN")


def test_fin_with_hello(site):
    """a client may half-close together with its hello"""
    text = hello.client_hello("service.example")
    client = site.raw(2).connect()
    client.send(text, flags=packet.ACK | packet.FIN)
    server = site.keep(site.servers["service"].take(client.address))
    server.expect(text)
    client.segment(seq=client.sent - 1, flags=packet.ACK | packet.FIN)  # a kernel would, until acknowledged
    server.expect_eof(2)
    server.send(b"goodbye")
    assert client.read(7) == b"goodbye"


@suite.each(family=[4, 6])
def test_half_close_at_once(site, family):
    """a kernel that half-closes right after its hello gets its answer"""
    text = hello.client_hello("service.example", post_quantum=family == 6)
    client = site.open(family=family)
    client.send(text)
    client.half_close()
    server = site.keep(site.servers["service"].take(client.local))
    server.expect(text)
    server.expect_eof(3)
    server.send(b"an answer")
    client.expect(b"an answer")
    server.close()
    client.expect_eof(3)


def test_fin_repeated(site):
    """a FIN that comes again is acknowledged again"""
    client, server = site.raw_connect(3)
    client.send(b"", flags=packet.ACK | packet.FIN)
    server.expect_eof()
    client.wait_acked()
    for _ in range(2):
        client.segment(seq=client.sent - 1, flags=packet.ACK | packet.FIN)
        client.wait_acked(timeout=1)
    server.send(b"still here")
    assert client.read(10) == b"still here"


@suite.each(family=[4, 6], end=["fin", "reset"])
def test_same_port_again(site, family, end):
    """a client that comes back at once from the same port gets a new connection"""
    port = 33000 + family + 10 * (end == "fin")
    for round_number in range(4):
        client = _open_from(site, family, port)
        text = hello.client_hello("service.example")
        client.send(text)
        server = site.keep(site.servers["service"].take(client.local))
        server.expect(text)
        server.send(b"round %d" % round_number)
        if end == "fin":
            server.half_close()  # the server first, so that the client need not wait
            client.expect(b"round %d" % round_number)
            client.expect_eof()
            client.close()
            time.sleep(0.05)
            server.close()
        else:
            client.expect(b"round %d" % round_number)
            client.reset()
            time.sleep(0.05)


def _open_from(site, family, port):
    with site.client:
        sock = socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.settimeout(5)
    sock.bind(("::" if family == 6 else "0.0.0.0", port))
    sock.connect((site.public[family], 443))
    return site.keep(Stream(sock))


def test_many(site):
    """300 connections, opened and closed in order, leave the front able to take the next"""
    for number in range(300):
        client, server = site.connect(source=site.sources[4][number % 20])
        (client if number % 2 else server).close()
        (server if number % 2 else client).expect_eof(3)
        client.close()
        server.close()
    site.finish(*site.connect())
