# SPDX-License-Identifier: BSD-3-Clause
"""A policy with a route for absent server names."""
from lib import hello, suite
from lib.plan import plan

PLAN = plan(add_servers={"default": {"role": "service", "n": 11, "port": 443}},
            add_routes=[{"name": "default", "listener": "https", "absent": True, "zone": "service",
                         "servers": ["default"]}])
COST = 5


@suite.each(family=[4, 6])
def test_absent(site, family):
    """a hello without a server name takes the route for absent names"""
    client, server = site.connect(text=hello.client_hello(None), server=site.servers["default"],
                                  family=family)
    site.finish(client, server)


@suite.each(what=["an unknown name", "no TLS", "an empty name"])
def test_not_for_others(site, what):
    """but an unknown name, an unreadable hello, or an empty name does not (CVE-2026-32305)"""
    text = {"an unknown name": hello.client_hello("nobody.example"),
            "no TLS": b"GET / HTTP/1.1\r\n\r\n",
            "an empty name": hello.client_hello("")}[what]
    site.expect_refused(text, ("no_route", "hello_malformed"))


def test_named_as_ever(site):
    """named hellos go their own way"""
    site.finish(*site.connect())
