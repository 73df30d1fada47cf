# SPDX-License-Identifier: BSD-3-Clause
"""Servers that refuse, keep silent or die; pools and fallbacks."""
import time

from lib import hello, suite
from lib.plan import plan


def _route(name, *servers, **more):
    return {"name": name, "listener": "https", "names": [name + ".example"], "zone": "service",
            "servers": list(servers), **more}


PLAN = plan(
    timeouts={"hello": "3s", "connect": "1s", "probe_interval": "500ms", "port_rest": "1s"},
    add_servers={
        "one": {"role": "service", "n": 11, "port": 443},
        "two": {"role": "service", "n": 12, "port": 443},
        "three": {"role": "service", "n": 13, "port": 443},
        # Nobody listens there: the kernel refuses.
        "refusing": {"role": "service", "n": 14, "port": 443, "start": False},
        "refusing-too": {"role": "service", "n": 15, "port": 443, "start": False},
        # A server that the tests stop and start.
        "moody": {"role": "service", "n": 16, "port": 443},
        # No host has this address.
        "nowhere": {"role": "service", "n": 99, "port": 443, "start": False},
        "spare": {"role": "service", "n": 17, "port": 443},
    },
    add_routes=[
        _route("pool", "one", "two", "three"),
        _route("half", "refusing", "one"),
        _route("refused", "refusing", "refusing-too"),
        _route("moody", "moody"),
        _route("moody-pool", "moody", "one"),
        _route("nowhere", "nowhere"),
        _route("backed", "refusing", fallback="spare"),
        _route("backed-moody", "moody", fallback="spare"),
    ])
COST = 45
DOWN = ("server_refused", "server_down", "server_timeout")


def reached(site, client, names, timeout=5):
    """Which of the servers gets the client's connection."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        for name in names:
            if site.servers[name].has(client.local):
                return name, site.keep(site.servers[name].take(client.local))
        time.sleep(0.005)
    raise AssertionError(f"none of {names} got the connection within {timeout} s")


def ask(site, route, names, **fields):
    """Connects by the route's name; returns the server's name that got it."""
    client = site.open(**fields)
    text = hello.client_hello(route + ".example")
    client.send(text)
    name, server = reached(site, client, names)
    server.expect(text)
    site.finish(client, server)
    client.close()
    server.close()
    return name


@suite.each(family=[4, 6])
def test_pool_spreads(site, family):
    """a pool spreads its clients, and each client keeps its server"""
    names = ["one", "two", "three"]
    chosen = {source: ask(site, "pool", names, source=source, family=family)
              for source in site.sources[family][:30]}
    for name in names:
        assert list(chosen.values()).count(name) >= 3, chosen
    again = {source: ask(site, "pool", names, source=source, family=family)
             for source in site.sources[family][:10]}
    assert all(chosen[source] == name for source, name in again.items()), "a client changed its server"


def test_pool_moves_only_the_bereaved(site):
    """when one server of a pool goes, only its own clients move; they return when it is back"""
    names = ["one", "two", "three"]
    before = {source: ask(site, "pool", names, source=source) for source in site.sources[4][:15]}
    site.servers["two"].stop()
    try:
        others = ["one", "three"]
        for source, name in before.items():
            now = ask(site, "pool", others, source=source)
            assert name == "two" or now == name, f"{source} moved from {name} to {now}"
    finally:
        site.servers["two"].start()
    _wait_up(site, "two")
    for source, name in before.items():
        assert ask(site, "pool", names, source=source) == name


def _wait_up(site, name, up=True):
    """Until the dam's probes have noticed, and its counters say so."""
    time.sleep(0.2)
    if site.front.is_dam:
        suite.eventually(lambda: site.front.server_up(name) == up, 10, f"server {name} up: {up}")


@suite.each(family=[4, 6])
def test_next_server(site, family):
    """a server that refuses is passed over: the next one of the pool serves, at once"""
    start = time.monotonic()
    for source in site.sources[family][:10]:
        assert ask(site, "half", ["one"], source=source, family=family) == "one"
    if site.front.is_dam:
        assert time.monotonic() - start < 3


@suite.each(family=[4, 6])
def test_all_refuse(site, family):
    """when every server refuses, the client is reset at once, and the reason is counted"""
    with site.counted(DOWN):
        start = time.monotonic()
        client = site.open(family=family)
        client.send(hello.client_hello("refused.example"))
        client.expect_closed(5)
        if site.front.is_dam:
            assert time.monotonic() - start < 1.5


def test_refused_before_the_probes_know(site):
    """a server that begins to refuse just now resets its new clients; it serves again once it listens"""
    site.servers["moody"].stop()
    try:
        with site.counted(DOWN):
            client = site.open()
            client.send(hello.client_hello("moody.example"))
            client.expect_closed(5)
    finally:
        site.servers["moody"].start()
    _wait_up(site, "moody")
    assert ask(site, "moody", ["moody"]) == "moody"


def _mute(site, server="moody"):
    """All packets to that server are lost."""
    addresses = site.servers[server].addresses
    v4, v6 = list(addresses)
    return site.service.rules(f"chain in {{ type filter hook input priority 0; ip daddr {v4} drop; "
                              f"ip6 daddr {v6} drop; }}")


@suite.each(family=[4, 6])
def test_silent(site, family):
    """a server that says nothing costs its client the time for connecting, no more; it is counted"""
    with _mute(site), site.counted(DOWN):
        start = time.monotonic()
        client = site.open(family=family)
        client.send(hello.client_hello("moody.example"))
        client.expect_closed(12)
        if site.front.is_dam:
            assert time.monotonic() - start < 3
    _wait_up(site, "moody")


def test_silent_then_next(site):
    """a silent server of a pool is passed over after that time, and at once when it is known"""
    with _mute(site):
        assert ask(site, "moody-pool", ["one"], source=site.sources[4][0]) == "one"
        _wait_up(site, "moody", False)
        start = time.monotonic()
        for source in site.sources[4][:8]:
            assert ask(site, "moody-pool", ["one"], source=source) == "one"
        if site.front.is_dam:
            assert time.monotonic() - start < 1
    _wait_up(site, "moody")


def test_nowhere(site):
    """a server whose address nobody has (no ARP answer) leaves its client reset, not hanging"""
    with site.counted(DOWN + ("no_neighbour", "no_source_port")):
        client = site.open()
        client.send(hello.client_hello("nowhere.example"))
        client.expect_closed(12)


@suite.dam_only
def test_fallback(site):
    """a route's fallback serves while no server of its pool does"""
    for _ in range(3):
        assert ask(site, "backed", ["spare"]) == "spare"


@suite.dam_only
def test_fallback_ends(site):
    """and gives way when the server is back"""
    site.servers["moody"].stop()
    try:
        assert ask(site, "backed-moody", ["spare"]) == "spare"
    finally:
        site.servers["moody"].start()
    _wait_up(site, "moody")
    assert ask(site, "backed-moody", ["moody"]) == "moody"


def test_dies_in_flow(site):
    """a server process that dies resets its clients; the next connection finds it refused"""
    client, server = site.connect("moody.example", site.servers["moody"])
    client.send(b"before")
    server.expect(b"before")
    site.servers["moody"].stop()
    try:
        server.reset()
        client.expect_reset(2) if site.front.is_dam else client.expect_closed(2)
        client = site.open()
        client.send(hello.client_hello("moody.example"))
        client.expect_closed(5)
    finally:
        site.servers["moody"].start()
    _wait_up(site, "moody")


@suite.dam_only
@suite.each(family=[4, 6])
def test_host_dies_in_flow(site, family):
    """a host that loses its power says nothing; once it is up again, its RST reaches the client"""
    client, server = site.connect("moody.example", site.servers["moody"], family=family)
    mute = "chain {0} {{ type filter hook {0} priority 0; tcp {1} {2} drop; }}\n"
    port = server.peer[1]
    with site.service.rules(mute.format("input", "sport", port) + mute.format("output", "dport", port)):
        server.reset()  # the kernel forgets the connection; nobody hears of it
        client.send(b"into the void")
        client.expect_silence(0.5)
    client.expect_reset(5)


def test_comes_back_after_silence(site):
    """a server that was mute for a second misses nothing of an established connection"""
    client, server = site.connect("moody.example", site.servers["moody"])
    with _mute(site):
        client.send(b"patience")
        time.sleep(1)
    server.expect(b"patience")
    site.finish(client, server)
    _wait_up(site, "moody")


def test_management_is_untouched(site):
    """while the service's servers refuse and keep silent, management answers as ever"""
    with _mute(site):
        waiting = []
        for _ in range(20):
            client = site.open()
            client.send(hello.client_hello("moody.example"))
            waiting.append(client)
        for _ in range(5):
            start = time.monotonic()
            site.finish(*site.connect("management.example"))
            assert time.monotonic() - start < 0.5
    _wait_up(site, "moody")
