# SPDX-License-Identifier: BSD-3-Clause
"""Port routes, where the server may speak first; PROXY headers of each kind; source ports."""
import time

from lib import hello, proxy, suite
from lib.plan import plan
from lib.stream import both_ways


def _tcp(name, port, server):
    return {name: {"port": port, "protocol": "tcp"}}, {"name": name, "listener": name,
                                                       "zone": "service", "servers": [server]}


LISTENERS, ROUTES = {}, []
for _name, _port in (("ssh", 2222), ("v1", 2223), ("none", 2224), ("tlvs", 2225), ("office", 2226)):
    _listener, _one = _tcp(_name, _port, _name)
    LISTENERS.update(_listener)
    ROUTES.append(_one)
PLAN = plan(
    source_ports=(20000, 20063),  # 16 of them for probes
    timeouts={"hello": "3s", "connect": "2s", "port_rest": "300ms", "closing": "200ms"},
    add_listeners=LISTENERS,
    add_routes=ROUTES + [{"name": "full", "listener": "https", "names": ["tlvs.example"],
                          "zone": "service", "servers": ["full"]},
                         {"name": "v1-tls", "listener": "https", "names": ["v1.example"],
                          "zone": "service", "servers": ["v1-tls"]}],
    add_servers={
        "ssh": {"role": "service", "n": 11, "port": 22},
        "v1": {"role": "service", "n": 11, "port": 23, "proxy": "v1"},
        "none": {"role": "service", "n": 11, "port": 24, "proxy": "none"},
        "tlvs": {"role": "service", "n": 11, "port": 25, "tlvs": ["unique_id", "crc32c"]},
        "office": {"role": "management", "n": 10, "port": 22},
        "full": {"role": "service", "n": 12, "port": 443,
                 "tlvs": ["alpn", "authority", "unique_id", "crc32c"]},
        "v1-tls": {"role": "service", "n": 13, "port": 443, "proxy": "v1"},
    })
COST = 30


def _greeted(site, name, family=4):
    """A connection on which the server speaks first; the client has sent nothing."""
    client = site.open(port=PLAN["listeners"][name]["port"], family=family)
    server = site.keep(site.servers[name].take(client.local))
    server.send(b"SSH-2.0-who's there\r\n")
    client.expect(b"SSH-2.0-who's there\r\n")
    return client, server


@suite.each(family=[4, 6], name=["ssh", "v1", "tlvs"])
def test_server_speaks_first(site, family, name):
    """on a port route the server may speak first: the PROXY header is there before the client's word"""
    client, server = _greeted(site, name, family)
    assert server.header.source == client.local, server.header
    assert server.header.destination == (site.public[family], PLAN["listeners"][name]["port"])
    assert server.header.version == (1 if name == "v1" else 2)
    both_ways(client, server, 1 << 20)
    site.finish(client, server)


@suite.dam_only
@suite.each(family=[4, 6])
def test_no_header(site, family):
    """a server with `proxy: none` gets no header, just the client's bytes"""
    client = site.open(port=2224, family=family)
    server = site.keep(suite.eventually(site.servers["none"].take_any, 5, "the connection"))
    assert server.peer[0] == ("198.18.1.1" if family == 4 else "2001:db8:1::1"), server.peer
    server.send(b"hello?")
    client.expect(b"hello?")
    site.finish(client, server)


def test_client_speaks_first(site):
    """and the client may speak first there as well, at once"""
    client = site.open(port=2222)
    client.send(b"SSH-2.0-me\r\n" * 200)
    server = site.keep(site.servers["ssh"].take(client.local))
    server.expect(b"SSH-2.0-me\r\n" * 200)
    site.finish(client, server)


@suite.dam_only
@suite.each(family=[4, 6])
def test_tlvs(site, family):
    """PROXY v2 says what was asked for: ALPN, authority, a unique ID, and a CRC32C that holds"""
    seen = set()
    for number in range(3):
        text = hello.client_hello("tlvs.example", alpn=["h2", "http/1.1"])
        client, server = site.connect(text=text, server=site.servers["full"], family=family)
        tlvs = server.header.tlvs
        assert tlvs[proxy.ALPN] == b"h2", tlvs
        assert tlvs[proxy.AUTHORITY] == b"tlvs.example", tlvs
        assert proxy.CRC32C in tlvs  # parse() has checked it
        assert 0 < len(tlvs[proxy.UNIQUE_ID]) <= 128
        seen.add(tlvs[proxy.UNIQUE_ID])
        client.close()
    assert len(seen) == 3, "unique IDs repeat"


@suite.each(family=[4, 6])
def test_v1(site, family):
    """PROXY v1 before a TLS hello"""
    client, server = site.connect("v1.example", site.servers["v1-tls"], family=family)
    assert server.header.version == 1 and server.header.source == client.local
    site.finish(client, server)


def test_long_name(site):
    """the longest server name there is fits into the header"""
    label = "a" * 63
    name = f"{label}.{label}.{label}.{'b' * (253 - 3 * 64 - len('.apps.example'))}.apps.example"
    assert len(name) == 253
    site.finish(*site.connect(name, site.servers["service"]))


@suite.dam_only
@suite.each(family=[4, 6], timestamps=["with", "without"])
def test_ports_against_time_wait(site, family, timestamps):
    """48 source ports carry 120 connections that the server closed first: each port comes back while the
    server still holds it in TIME-WAIT"""
    settings = {"net.ipv4.tcp_timestamps": int(timestamps == "with")}
    ports = set()
    with site.client.sysctls(settings):
        for _ in range(120):
            client = site.open(family=family)
            client.send(text := hello.client_hello("service.example"))
            server = site.keep(site.servers["service"].take(client.local, 3))
            server.expect(text)
            ports.add(server.peer[1])
            server.send(b"bye")
            server.close()
            client.expect(b"bye")
            client.expect_eof()
            client.close()
            time.sleep(0.03)  # 48 ports that rest for half a second or so
    assert len(ports) <= 48, ports


@suite.dam_only
def test_ports_used_up(site):
    """when all source ports are in use, strangers are refused with their reason; later it goes on"""
    time.sleep(1)
    held = []
    with site.counted("no_source_port"):
        for number in range(56):
            client = site.open(source=site.sources[4][number])
            client.send(hello.client_hello("service.example"))
            held.append(client)
        time.sleep(0.5)
        for _ in range(2):  # management's server has ports of its own
            site.finish(*site.connect("management.example"))
    served = sum(site.servers["service"].has(client.local) for client in held)
    assert 40 <= served <= 48, served
    for client in held:
        client.reset()
    time.sleep(1.5)
    site.finish(*site.connect())


def test_other_world(site):
    """a port route may lead into the management world as well"""
    client, server = _greeted(site, "office")
    site.finish(client, server)
