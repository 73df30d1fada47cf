# SPDX-License-Identifier: BSD-3-Clause
"""What people say of servers: drain, disable, weight. Connections that stand notice nothing; what was said lasts."""
import json
import signal
import time

from cases.pool import ask, reached
from lib import hello, suite
from lib.plan import plan


def _route(name, *servers, **more):
    return {"name": name, "listener": "https", "names": [name + ".example"], "zone": "service",
            "servers": list(servers), **more}


PLAN = plan(
    timeouts={"hello": "3s", "connect": "1s", "probe_interval": "500ms", "port_rest": "1s"},
    add_servers={"one": {"role": "service", "n": 11, "port": 443},
                 "two": {"role": "service", "n": 12, "port": 443},
                 "spare": {"role": "service", "n": 17, "port": 443}},
    add_routes=[_route("pool", "one", "two"), _route("single", "one"), _route("backed", "two", fallback="spare")])
DAM_ONLY = True
COST = 30
POOL = ["one", "two"]


def _set(site, server, *words):
    return site.front.damctl("server", "set", server, *words)


def _seen(site, name):
    return next(one for one in json.loads(site.front.damctl("servers", "--json"))["servers"] if one["name"] == name)


def _as_before(site):
    for server in ("one", "two", "spare"):
        _set(site, server, "state=enable", "weight=0")


def _whom(site, route, count, names=POOL, family=4):
    return [ask(site, route, names, source=source, family=family) for source in site.sources[family][:count]]


def _connect(site, route, names):
    client = site.open()
    text = hello.client_hello(route + ".example")
    client.send(text)
    name, server = reached(site, client, names)
    server.expect(text)
    return name, client, server


def _expect_reset(site, route):
    """At once, and counted."""
    with site.counted("server_down"):
        start = time.monotonic()
        client = site.open()
        client.send(hello.client_hello(route + ".example"))
        client.expect_closed(5)
        assert time.monotonic() - start < 1, "the client had to wait"


@suite.each(family=[4, 6])
def test_drain(site, family):
    """a drained server finishes its old connections, and new ones go elsewhere, until it is enabled"""
    before = _whom(site, "pool", 12, family=family)
    assert set(before) == set(POOL), "both serve"
    name, client, server = _connect(site, "pool", POOL)
    other = "two" if name == "one" else "one"
    try:
        said = _set(site, name, "state=drain")
        assert "applied" in said, said
        assert set(_whom(site, "pool", 12, family=family)) == {other}
        assert _seen(site, name)["state"] == "drained"
        assert _seen(site, name)["connections_open"] >= 1
        site.finish(client, server)
        suite.eventually(lambda: _seen(site, name)["connections_open"] == 0, 15, "the drained server is empty")
    finally:
        _as_before(site)
    assert _whom(site, "pool", 12, family=family) == before, "each client has its own server again"


def test_disable_all(site):
    """a route without a server that takes connections resets its client at once, and damctl says so before"""
    try:
        done = site.front.try_damctl("server", "set", "one", "state=disable")
        assert done.returncode == 0 and 'route "single" has no server left' in done.stderr, done
        _expect_reset(site, "single")
        assert set(_whom(site, "pool", 6)) == {"two"}
        _set(site, "two", "state=disable")
        _expect_reset(site, "pool")
    finally:
        _as_before(site)
    assert ask(site, "single", ["one"]) == "one"


def test_fallback(site):
    """a route whose pool is drained goes to its fallback; when that is drained too, its clients are reset"""
    try:
        done = site.front.try_damctl("server", "set", "two", "state=drain")
        assert 'its fallback "spare" has them all' in done.stderr, done
        assert set(_whom(site, "backed", 5, ["two", "spare"])) == {"spare"}
        _set(site, "spare", "state=drain")
        _expect_reset(site, "backed")
    finally:
        _as_before(site)
    assert set(_whom(site, "backed", 5, ["two", "spare"])) == {"two"}


def test_weight(site):
    """a weight moves that share of the clients, and only them"""
    even = _whom(site, "pool", 60)
    try:
        _set(site, "one", "weight=9")
        heavy = _whom(site, "pool", 60)
    finally:
        _as_before(site)
    assert 15 <= even.count("one") <= 45, even.count("one")
    assert heavy.count("one") >= 46, heavy.count("one")
    assert all(now == "one" for was, now in zip(even, heavy) if was == "one"), "a client left a server that grew"
    assert _whom(site, "pool", 60) == even
    site.note(f"of 60 clients {even.count('one')} at 1:1, {heavy.count('one')} at 9:1")


def test_outlives(site):
    """what was said outlives a policy, kill -9 of the control plane, and a dataplane that starts without one"""
    front = site.front
    try:
        _set(site, "one", "state=drain", "weight=5")
        front.apply(PLAN)
        assert set(_whom(site, "pool", 6)) == {"two"}
        front.end(front.controlplane, signal.SIGKILL)
        assert set(_whom(site, "pool", 6)) == {"two"}
        front.end(front.dataplane)
        front.start_dataplane()
        suite.eventually(front.has_policy, 20, "the saved policy")
        suite.eventually(lambda: front._reachable(4), 10, "a handshake")
        assert set(_whom(site, "pool", 6)) == {"two"}
        front.start_controlplane()
        suite.eventually(lambda: front.try_damctl("status").returncode == 0, 10, "the control plane is back")
        assert _seen(site, "one")["state"] == "drained"
        assert _seen(site, "one")["weight"] == 5
        suite.eventually(lambda: "connected" in front.damctl("status"), 5)
        assert set(_whom(site, "pool", 6)) == {"two"}
    finally:
        if front.controlplane.poll() is not None:
            front.start_controlplane()
            suite.eventually(lambda: front.try_damctl("status").returncode == 0, 10, "the control plane is back")
        _as_before(site)
    assert set(_whom(site, "pool", 12)) == set(POOL)


def test_refused(site):
    """words that mean nothing, and servers that nobody knows, change nothing and are named"""
    for words, said in ((("one", "state=sleep"), "state=enable|drain|disable"), (("one", "weight=-1"), "weight=NUMBER"),
                        (("one", "weight=5000"), "weight"), (("nobody", "state=drain"), 'no server is named "nobody"')):
        done = site.front.try_damctl("server", "set", *words)
        assert done.returncode in (1, 2) and said in done.stderr, done
    assert _seen(site, "one")["state"] == "enabled"


def test_metrics(site):
    """Prometheus sees what people have said"""
    try:
        _set(site, "one", "state=drain")
        assert 'dam_server_state{server="one",state="drained"} 1' in site.front.metrics()
    finally:
        _as_before(site)
    assert 'dam_server_state{server="one",state="enabled"} 1' in site.front.metrics()
