# SPDX-License-Identifier: BSD-3-Clause
"""Kinds of clients, told apart by the JA4 fingerprint of their ClientHello."""
import json
import ssl
import time

from lib import hello, ja4, log_lines, suite
from lib.plan import plan

MACRO = ja4.of(hello.client_hello("service.example", tls13=False))
PLAN = plan(
    zones={"service": {}, "management": {"management": True},
           "macros": {"per_source": {"connections": "1r/m burst=2"}},
           "kinds": {"per_source": {"packets": "1r/s burst=50"}, "key": "ja4"}},
    add_servers={"trap": {"role": "service", "n": 11, "port": 443}},
    add_routes=[{"name": "macros", "listener": "https", "names": ["service.example"], "ja4": ["*_" + MACRO.split("_", 1)[1]],
                 "zone": "macros", "servers": ["trap"]},
                {"name": "kinds", "listener": "https", "names": ["kinds.example"], "zone": "kinds", "servers": ["service"]}])
PLAN["routes"].insert(0, PLAN["routes"].pop(2))  # the narrower route comes first
DAM_ONLY = True


def _ssl_hello(maximum=None):
    """What OpenSSL's client would send."""
    context = ssl.create_default_context()
    if maximum:
        context.maximum_version = maximum
    context.set_alpn_protocols(["h2", "http/1.1"])
    out = ssl.MemoryBIO()
    try:
        context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="service.example").do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


def _flow(site, client, *words):
    port = client.sock.getsockname()[1]
    flows = json.loads(site.front.damctl("flows", "--json", "-n", "1000", *words))["flows"]
    return next((flow for flow in flows if flow["client_port"] == port), None)


def _hello(kind):
    return {"by hand": lambda: hello.client_hello("service.example", alpn=["h2"], post_quantum=True),
            "OpenSSL, TLS 1.3": _ssl_hello,
            "OpenSSL, TLS 1.2": lambda: _ssl_hello(ssl.TLSVersion.TLSv1_2)}[kind]()


@suite.each(kind=["by hand", "OpenSSL, TLS 1.3", "OpenSSL, TLS 1.2"])
def test_seen(site, kind):
    """a connection is listed, found and logged by its client's fingerprint"""
    text = _hello(kind)
    client, server = site.connect(text=text)
    flow = _flow(site, client)
    assert flow["ja4"] == ja4.of(text) and flow["zone"] == "service", (flow, ja4.of(text))
    assert _flow(site, client, "--ja4", ja4.of(text))
    assert _flow(site, client, "--ja4", ja4.of(text)[:10] + "_*_*")
    assert not _flow(site, client, "--ja4", MACRO)
    port = client.sock.getsockname()[1]
    site.finish(client, server)
    line = suite.eventually(lambda: next(
        (one for one in log_lines.lines_in(site.front.log_folder, "connection") if one["client_port"] == port), None),
        20, "its line")
    assert line["ja4"] == ja4.of(text), line


def test_routed(site):
    """a route may ask for a fingerprint: its clients are held to a zone of their own, others are not"""
    macro, trap = hello.client_hello("service.example", tls13=False), site.servers["trap"]
    first = site.connect(text=macro, server=trap)
    assert _flow(site, first[0])["zone"] == "macros"
    second = site.connect(text=macro, server=trap)
    with site.counted("source_connections"):
        client = site.open()
        client.send(macro)
        client.expect_closed(2)
    for _ in range(5):  # of the same address
        site.finish(*site.connect())
    for pair in (first, second):
        site.finish(*pair)


@suite.each(family=(4, 6))
def test_kind_is_one_source(site, family):
    """a kind of clients is held to one bucket in each plane, whatever its addresses; others there are not"""
    sources = site.sources[family]
    macro, person = (hello.client_hello("kinds.example", alpn=[name]) for name in (f"http/{family}", f"h{family}"))
    first, second = (site.connect(text=macro, source=source, family=family) for source in sources[30:32])
    others = [site.connect(text=person, source=sources[30], family=family)]
    with site.counted("source_packets", at_least=5):
        for _ in range(60):
            first[0].send(b"x")
            time.sleep(0.002)
    with site.counted("source_packets"):  # it has sent nothing yet
        second[0].send(b"x")
    others.append(site.connect(text=person, source=sources[31], family=family))
    for client, server in others:
        client.send(b"still here")
        server.expect(b"still here")
        site.finish(client, server)
    assert "what kinds holds against its kind of client" in site.front.damctl("explain", sources[30])
    for client, _ in (first, second):
        client.drop()


def test_top(site):
    """kinds of clients are counted, each hello once, those that went nowhere too"""
    def seen(kind):
        top = json.loads(site.front.damctl("top", "--by", "fingerprints", "--json", "--count", "100"))
        return next((one["value"] for one in top["sources"] if one["ja4"] == kind), 0)
    text = hello.client_hello("service.example", alpn=["acme-tls/1"])
    nowhere = hello.client_hello("nobody.example", alpn=["acme-tls/1"])
    before = seen(ja4.of(text))
    for _ in range(20):
        site.finish(*site.connect(text=text))
    for _ in range(5):
        site.expect_refused(nowhere, "no_route")
    suite.eventually(lambda: seen(ja4.of(text)) == before + 25, 5, "all of them")
    assert ja4.of(text) in site.front.damctl("top", "--by", "fingerprints")


def test_unreadable(site):
    """what is no fingerprint is refused with words"""
    refused = site.front.try_damctl("flows", "--ja4", "t13d1516h2")
    assert refused.returncode == 1 and "no fingerprint" in refused.stderr, refused
