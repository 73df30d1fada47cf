# SPDX-License-Identifier: BSD-3-Clause
"""ClientHellos, well made and ill made: which server they reach, or that they reach none."""
import random
import time

from lib import hello, suite
from lib.plan import plan

PLAN = plan(
    limits={"hello_bytes": 16384},
    add_servers={"acme": {"role": "service", "n": 11, "port": 443},
                 "office": {"role": "service", "n": 12, "port": 443}},
    add_routes=[
        {"name": "acme", "listener": "https", "names": ["service.example"], "alpn": ["acme-tls/1"],
         "zone": "service", "servers": ["acme"]},
        {"name": "office", "listener": "https", "names": ["intranet.example"], "zone": "service",
         "sources": ["203.0.113.0/28", "2001:db8:c:1::/64"], "servers": ["office"]},
    ])
PLAN["routes"].insert(0, PLAN["routes"].pop(2))  # the narrower route comes first
COST = 40


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


def refused(site, text, reason, **fields):
    """The text gets no service, quickly, and the refusal is counted."""
    with site.counted(reason):
        client = site.open(**fields)
        address = client.local
        client.send(text)
        client.expect_closed(2 if site.front.is_dam else 5)
    assert not any(server.has(address) for server in site.servers.values())


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


@suite.each(name=["SERVICE.EXAMPLE", "Service.Example", "service.example.", "SERVICE.example.",
                  "one.apps.example", "A.B.APPS.EXAMPLE."])
def test_same_name(site, name):
    """upper case, a trailing dot and names under a wildcard are served"""
    client, server = site.connect(name, site.servers["service"])
    site.finish(client, server)


@suite.each(name=["nobody.example", "apps.example", "xservice.example", "service.example.evil.example",
                  "service.exampl", "service.example..", "service.example\0", "."])
def test_unknown_name(site, name):
    """a name that no route has reaches no server"""
    reason = "no_route" if name[-1] not in ".\0" else None
    refused(site, hello.client_hello(name), reason)


@suite.each(family=[4, 6])
def test_no_name(site, family):
    """no server name, and no route for absent ones: refused, with its reason counted"""
    refused(site, hello.client_hello(None), "no_server_name", family=family)


NOT_TLS = {
    "an HTTP request": b"GET / HTTP/1.1\r\nHost: service.example\r\n\r\n",
    "an SSH banner": b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
    "a PROXY header": b"PROXY TCP4 198.51.100.9 198.51.100.10 1 443\r\n",
    "zeros": bytes(64),
    "an SSLv2 hello": bytes.fromhex("802e0100020015000000100100800300800700c006004002008004008000"
                                    "0102030405060708090a0b0c0d0e0f10"),
    "a TLS alert": b"\x15\x03\x01\x00\x02\x02\x28",
    "a ServerHello": b"\x16\x03\x03\x00\x30\x02\x00\x00\x2c" + bytes(44),
    "a record of no bytes": b"\x16\x03\x01\x00\x00" * 20,
    "a record too long": b"\x16\x03\x01\xff\xff" + bytes(1000),
}


@suite.each(what=list(NOT_TLS))
def test_not_tls(site, what):
    """what is not TLS reaches no server, and is counted as malformed"""
    refused(site, NOT_TLS[what], "hello_malformed")


def test_lying_lengths(site):
    """a hello whose inner lengths point outside of it is refused"""
    text = bytearray(hello.client_hello("service.example"))
    at = text.index(b"service.example")
    text[at - 2:at] = b"\xff\xff"
    refused(site, bytes(text), "hello_malformed")


def test_two_names(site):
    """a hello with two server_name extensions (RFC 8446 §4.2) is refused"""
    text = bytearray(hello.message("service.example", tls13=False))
    extension = bytes.fromhex("0000") + bytes([0, 20]) + bytes([0, 18, 0, 0, 15]) + b"service.example"
    assert text.endswith(extension)
    text[-len(extension) - 2:] = (2 * len(extension)).to_bytes(2, "big") + extension * 2
    text[1:4] = (len(text) - 4).to_bytes(3, "big")
    refused(site, hello.records(bytes(text)), "hello_malformed")


@suite.each(family=[4, 6])
def test_silent(site, family):
    """a client that says nothing is shown out when the hello's time is over"""
    with site.counted("hello_timeout"):
        start = time.monotonic()
        client = site.open(family=family)
        client.expect_closed(8)
        assert 2 <= time.monotonic() - start <= 6, time.monotonic() - start


def test_dribble(site):
    """a hello that never ends, a byte at a time, is shown out when its time is over"""
    with site.counted("hello_timeout"):
        client = site.open()
        address = client.local
        text = hello.client_hello("service.example")
        start = time.monotonic()
        try:
            for byte in text:
                client.send(bytes([byte]))
                time.sleep(0.1)
        except OSError:
            pass
        assert time.monotonic() - start < 8, "still listening after 8 s"
    assert not site.servers["service"].has(address)


def test_too_long(site):
    """a hello longer than the policy's bound is refused before its time is over"""
    text = hello.client_hello("service.example", padding=30000)
    start = time.monotonic()
    with site.counted("hello_too_long"):
        client = site.open()
        address = client.local
        try:
            client.send(text)
            client.expect_closed(2)
        except (ConnectionResetError, BrokenPipeError):
            pass
    assert time.monotonic() - start < 2
    assert not site.servers["service"].has(address)


def test_gone_before_the_end(site):
    """a client that closes in the middle of its hello leaves nothing behind"""
    text = hello.client_hello("service.example")
    for end in ("half_close", "reset"):
        client = site.open()
        address = client.local
        client.send(text[:100])
        time.sleep(0.05)
        getattr(client, end)()
        if end == "half_close":
            client.expect_closed(5)
        assert not site.servers["service"].has(address)


def test_alpn_route(site):
    """a route may ask for an ALPN protocol"""
    text = hello.client_hello("service.example", alpn=["acme-tls/1"])
    client, server = site.connect(text=text, server=site.servers["acme"])
    site.finish(client, server)
    site.connect(text=hello.client_hello("service.example", alpn=["h2"]))


@suite.dam_only
@suite.each(family=[4, 6])
def test_source_route(site, family):
    """a route may ask for a source: others find no such name"""
    client, server = site.connect("intranet.example", site.servers["office"],
                                  source=site.sources[family][0], family=family)
    site.finish(client, server)
    stranger = site.sources[family][40]
    refused(site, hello.client_hello("intranet.example"), "no_route", source=stranger, family=family)
