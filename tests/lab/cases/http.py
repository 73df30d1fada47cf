# SPDX-License-Identifier: BSD-3-Clause
"""Plain HTTP, routed by Host and by the path's prefix: each name's ACME challenges reach its own server."""
import time

from lib import suite
from lib.plan import plan

ACME = "/.well-known/acme-challenge/"


def _route(name, names, server, zone="service", **more):
    return {"name": name, "listener": "http", "names": names, "zone": zone, "servers": [server], **more}


PLAN = plan(
    add_listeners={"http": {"port": 80, "protocol": "http"}},
    add_servers={"pages": {"role": "service", "n": 10, "port": 80},
                 "acme": {"role": "service", "n": 11, "port": 80},
                 "management-http": {"role": "management", "n": 10, "port": 80}},
    add_routes=[
        _route("acme", ["service.example"], "acme", path=ACME),
        _route("acme-management", ["management.example"], "management-http", "management", path=ACME),
        _route("pages", ["service.example", "*.apps.example"], "pages"),
    ])
COST = 15


def request(path="/", host="service.example", method="GET", more=""):
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: lab\r\n{more}\r\n".encode()


def arrives(site, text, server, pieces=None, family=4):
    """The request reaches that server, byte for byte."""
    client = site.open(port=80, family=family)
    for piece in pieces or [text]:
        client.send(piece)
        if pieces:
            time.sleep(0.002)
    far = site.keep(site.servers[server].take(client.local))
    if site.front.is_dam:  # a proxy writes the request anew
        far.expect(text)
    else:
        far.read(20)
    far.send(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert client.read(9) == b"HTTP/1.1 "
    return client, far


def refused(site, text, reason):
    with site.counted(reason):
        client = site.open(port=80)
        address = client.local
        client.send(text)
        client.sock.settimeout(5)
        try:
            got = client.sock.recv(4096)
        except ConnectionResetError:
            got = b""
        assert got == b"" or not site.front.is_dam, got
    assert not any(server.has(address) for server in site.servers.values())


@suite.each(family=[4, 6])
def test_host(site, family):
    """a request is routed by its Host"""
    arrives(site, request(), "pages", family=family)


@suite.each(host=["service.example:80", "SERVICE.EXAMPLE", "service.example.", "one.apps.example",
                  " service.example "])
def test_same_host(site, host):
    """a port, upper case, a trailing dot or blanks around it make no other host"""
    if not site.front.is_dam and host.endswith("."):
        raise suite.Skipped("HAProxy is not told to")
    arrives(site, request(host=host), "pages")


@suite.each(family=[4, 6])
def test_acme(site, family):
    """the challenges of each name reach its own server, and other paths do not follow them"""
    arrives(site, request(ACME + "token-1"), "acme", family=family)
    arrives(site, request(ACME + "token-2", "management.example"), "management-http", family=family)
    arrives(site, request("/.well-known/other"), "pages", family=family)
    arrives(site, request("/old" + ACME), "pages", family=family)
    refused(site, request("/", "management.example"), "no_route")


def test_longest_path_first(site):
    """the longer path prefix wins, whatever follows it"""
    arrives(site, request(ACME), "acme")
    arrives(site, request(ACME + "a?b=c"), "acme")
    arrives(site, request(ACME[:-1]), "pages")
    arrives(site, request(ACME + "token", method="HEAD"), "acme")


@suite.each(name=["nobody.example", "apps.example", "xservice.example", ""])
def test_unknown_host(site, name):
    """an unknown host reaches no server"""
    refused(site, request(host=name), "no_route" if name else "no_server_name")


NOT_HTTP = {
    "no Host": b"GET / HTTP/1.1\r\nUser-Agent: lab\r\n\r\n",
    "two Hosts": b"GET / HTTP/1.1\r\nHost: service.example\r\nHost: management.example\r\n\r\n",
    "no request line": b"\r\n\r\nhello\r\n\r\n",
    "binary": bytes(range(256)),
    "TLS": b"\x16\x03\x01\x00\x30" + bytes(48),
    "a blank before the colon": b"GET / HTTP/1.1\r\nHost : service.example\r\n\r\n",
    "a folded line": b"GET / HTTP/1.1\r\nHost:\r\n service.example\r\n\r\n",
}


@suite.dam_only
@suite.each(what=list(NOT_HTTP))
def test_malformed(site, what):
    """what is not one clear request goes nowhere, and is counted"""
    refused(site, NOT_HTTP[what], "hello_malformed")


def test_one_byte_a_segment(site):
    """a request of one byte a segment is routed"""
    text = request(ACME + "slow")
    arrives(site, text, "acme", [bytes([byte]) for byte in text])


def test_long_head(site):
    """a head of several segments is routed"""
    arrives(site, request(more="X-Long: " + "x" * 5000 + "\r\n"), "pages")


@suite.dam_only
def test_body_follows(site):
    """a body right behind the head comes right behind it"""
    text = request("/form", method="POST", more="Content-Length: 30000\r\n") + b"b" * 30000
    arrives(site, text, "pages")


@suite.dam_only
def test_never_ends(site):
    """a head that never ends is shown out, by length or by time"""
    with site.counted("hello_too_long"):
        client = site.open(port=80)
        try:
            client.send(b"GET / HTTP/1.1\r\n" + b"X-Filler: yes\r\n" * 4000)
            client.expect_closed(2)
        except (ConnectionResetError, BrokenPipeError):
            pass
    with site.counted("hello_timeout"):
        client = site.open(port=80)
        client.send(b"GET / HTTP/1.1\r\nHost: serv")
        client.expect_closed(6)


@suite.dam_only
def test_keepalive_stays(site):
    """a later request on the same connection stays with the server that the first one chose"""
    client, server = arrives(site, request(), "pages")
    client.read(len(b"HTTP/1.1 204 No Content\r\n\r\n") - 9)
    second = request(ACME + "x", "management.example")
    client.send(second)
    server.expect(second)
