# SPDX-License-Identifier: BSD-3-Clause
"""ClientHellos in every cut and order that TCP and TLS allow reach their server."""
import random
import time

from lib import hello, suite
from lib.plan import plan

PLAN = plan()
COST = 12


def send_pieces(site, pieces, name="service.example", pause=0.0, server="service", **fields):
    """A client that sends the pieces as segments of their own; returns both ends."""
    client = site.open(**fields)
    for piece in pieces:
        client.send(piece)
        if pause:
            time.sleep(pause)
    far = site.keep(site.servers[server].take(client.local))
    far.expect(b"".join(pieces))
    return client, far


@suite.each(family=[4, 6], mss=[536, 1220, 1460])
def test_post_quantum(site, family, mss):
    """a post-quantum ClientHello of 1.8 kB, over several segments, reaches its server"""
    text = hello.client_hello("service.example", post_quantum=True, padding=380, alpn=["h2", "http/1.1"])
    assert 1750 <= len(text) <= 1900, len(text)
    options = {} if mss == 1460 else {"TCP_MAXSEG": mss}
    client, server = site.connect(text=text, family=family, **options)
    site.finish(client, server)


def test_post_quantum_management(site):
    """and one for the management name reaches management, though the name may come in any segment"""
    text = hello.client_hello("management.example", post_quantum=True)
    client, server = site.connect("management.example", text=text)
    site.finish(client, server)


@suite.each(sizes=["1", "4", "5", "40", "100", " ".join("1" * 60), "3 1 1 90", "200"])
def test_records(site, sizes):
    """a hello split over several TLS records reaches its server, byte for byte"""
    text = hello.records(hello.message("service.example"), map(int, sizes.split()))
    client, server = site.connect(text=text)
    site.finish(client, server)


@suite.each(family=[4, 6])
def test_record_in_name(site, family):
    """a hello whose records part inside the server name reaches its server"""
    client, server = site.connect(text=hello.split_in_name("service.example"), family=family)
    site.finish(client, server)


def test_record_in_name_post_quantum(site):
    """a post-quantum hello, records parted inside the name and segments elsewhere, reaches its server"""
    text = hello.split_in_name("service.example", post_quantum=True)
    client, server = send_pieces(site, [text[:700], text[700:]], pause=0.02)
    site.finish(client, server)


@suite.each(family=[4, 6])
def test_one_byte_a_segment(site, family):
    """a hello of one byte a segment reaches its server"""
    text = hello.client_hello("service.example")
    client, server = send_pieces(site, [bytes([byte]) for byte in text], pause=0.002, family=family)
    site.finish(client, server)


@suite.each(cut=["after the first byte", "in the record header", "in the name", "before the last byte"])
def test_two_segments(site, cut):
    """a hello cut in two segments anywhere reaches its server"""
    text = hello.client_hello("service.example")
    at = {"after the first byte": 1, "in the record header": 4,
          "in the name": text.index(b"service") + 3, "before the last byte": len(text) - 1}[cut]
    client, server = send_pieces(site, [text[:at], text[at:]], pause=0.05)
    site.finish(client, server)


def _raw_hello(site, n, order, size=400, family=4, **fields):
    """Sends the pieces of a post-quantum hello in that order of their numbers."""
    text = hello.client_hello("service.example", post_quantum=True, **fields)
    client = site.raw(n, family).connect(wscale=7, sack=True, timestamps=True)
    pieces = [(at, text[at:at + size]) for at in range(0, len(text), size)]
    for number in order(len(pieces)):
        client.segment(pieces[number][1], seq=pieces[number][0])
    client.sent = len(text)
    server = site.keep(site.servers["service"].take(client.address))
    server.expect(text)
    server.send(b"hello yourself")
    assert client.read(14) == b"hello yourself"


@suite.each(family=[4, 6])
def test_backwards(site, family):
    """the segments of a hello that come last one first reach the server in order"""
    _raw_hello(site, 1, lambda count: reversed(range(count)), family=family)


def test_shuffled(site):
    """so do shuffled ones, each of them doubled"""
    def order(count):
        numbers = list(range(count)) * 2
        random.Random(4).shuffle(numbers)
        return numbers
    _raw_hello(site, 2, order)


def test_overlapping(site):
    """overlapping segments of one hello make one hello"""
    text = hello.client_hello("service.example", post_quantum=True)
    client = site.raw(3).connect()
    for at, end in ((0, 500), (300, 900), (200, 400), (850, 1400), (1000, 1200), (1100, len(text))):
        client.segment(text[at:end], seq=at)
    client.sent = len(text)
    server = site.keep(site.servers["service"].take(client.address))
    server.expect(text)


@suite.each(order=["first service", "first management"])
def test_conflicting_overlap(site, order):
    """two segments that claim other names for the same bytes: the server gets the bytes that chose it"""
    # Both names are as long as each other, so that only the name differs.
    service = hello.client_hello("aaaaaaaaaa.apps.example", tls13=False)
    padded = service.replace(b"aaaaaaaaaa.apps.example", b"bbbbbbbbbb.apps.exbmple")
    first, second = (service, padded) if order == "first service" else (padded, service)
    client = site.raw(4).connect()
    at = service.index(b"aaaaaaaaaa")
    client.segment(first[at:at + 60], seq=at)       # out of order: held
    client.segment(second[at:], seq=at)             # says otherwise about the same bytes
    client.segment(first[:at], seq=0)
    client.sent = len(service)
    try:
        server = site.keep(site.servers["service"].take(client.address, 2))
    except AssertionError:
        return  # refused altogether: safe as well
    assert b"aaaaaaaaaa.apps.example" in server.read(len(service)), \
        "the service got a hello with a name that is not its own"


def test_held_segments_acknowledged(site):
    """the parts of a hello are acknowledged as they come, long before it is whole"""
    text = hello.client_hello("service.example")
    client = site.raw(5).connect()
    for at in range(0, 200, 50):
        client.send(text[at:at + 50])
        client.wait_acked(timeout=1)
    client.send(text[200:])
    server = site.keep(site.servers["service"].take(client.address))
    server.expect(text)


def test_hello_and_more(site):
    """what a client sends right behind its hello comes right behind it"""
    text = hello.client_hello("service.example") + b"early data" * 300
    client, server = site.connect(text=text)
    site.finish(client, server)
