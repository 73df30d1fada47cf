# SPDX-License-Identifier: BSD-3-Clause
"""Which server a name, an ALPN protocol and a source lead to, and which lead to none."""
from lib import hello, suite
from lib.plan import plan

PLAN = plan(
    add_servers={"acme": {"role": "service", "n": 11, "port": 443},
                 "office": {"role": "service", "n": 12, "port": 443}},
    add_routes=[
        {"name": "acme", "listener": "https", "names": ["service.example"], "alpn": ["acme-tls/1"],
         "zone": "service", "servers": ["acme"]},
        {"name": "office", "listener": "https", "names": ["intranet.example"], "zone": "service",
         "sources": ["203.0.113.0/28", "2001:db8:c:1::/64"], "servers": ["office"]},
    ])
PLAN["routes"].insert(0, PLAN["routes"].pop(2))  # the narrower route comes first
COST = 6


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
    reason = "no_route" if name[-1] not in ".\0" else "hello_malformed"
    site.expect_refused(hello.client_hello(name), reason)


@suite.each(family=[4, 6])
def test_no_name(site, family):
    """no server name, and no route for absent ones: refused, with its reason counted"""
    site.expect_refused(hello.client_hello(None), "no_server_name", family=family)


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
    site.expect_refused(hello.client_hello("intranet.example"), "no_route", source=stranger, family=family)
