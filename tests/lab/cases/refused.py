# SPDX-License-Identifier: BSD-3-Clause
"""What is no ClientHello, or none that ends, reaches no server, and is counted."""
import time

from lib import hello, suite
from lib.plan import plan

PLAN = plan(limits={"hello": "16KiB"}, timeouts={"hello": "3s", "connect": "2s"})
COST = 20


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
    site.expect_refused(NOT_TLS[what], "hello_malformed")


def test_lying_lengths(site):
    """a hello whose inner lengths point outside of it is refused"""
    text = bytearray(hello.client_hello("service.example"))
    at = text.index(b"service.example")
    text[at - 2:at] = b"\xff\xff"
    site.expect_refused(bytes(text), "hello_malformed")


def test_two_names(site):
    """a hello with two server_name extensions (RFC 8446 §4.2) is refused"""
    text = bytearray(hello.message("service.example", tls13=False))
    extension = bytes.fromhex("0000") + bytes([0, 20]) + bytes([0, 18, 0, 0, 15]) + b"service.example"
    assert text.endswith(extension)
    text[-len(extension) - 2:] = (2 * len(extension)).to_bytes(2, "big") + extension * 2
    text[1:4] = (len(text) - 4).to_bytes(3, "big")
    site.expect_refused(hello.records(bytes(text)), "hello_malformed")


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
    text = hello.records(hello.message("service.example", padding=30000), [16000])
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
