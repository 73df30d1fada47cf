# SPDX-License-Identifier: BSD-3-Clause
"""The zones' buckets: every dimension for a source and in total, every action, shadow mode, the lists."""
import contextlib
import time

from lib import hello, packet, suite
from lib.plan import plan
from lib.site import SOURCES
from lib.stream import transfer

BAN = {"ban": {"after": 3, "within": "10s", "for": "4s"}}
MIB = 1 << 20
# Bursts of bytes are worth 0.3 s: on a path this short TCP loses its retransmissions too, and a smaller
# bucket would overflow while it waits for its retransmission timer (0.2 s).
ZONES = {
    "management": {"management": True},
    "service": {},
    "packets": {"per_source": {"packets": "50r/s burst=20"}},
    "upload": {"per_source": {"bytes_up": "250kB/s burst=75kB"}},
    "download": {"per_source": {"bytes_down": "1MB/s burst=300kB"}},
    "connections": {"per_source": {"connections": "2r/s burst=5"}},
    "connections-reset": {"exceeded": "reset", "per_source": {"connections": "2r/s burst=5"}},
    "concurrent": {"exceeded": "reset", "per_source": {"concurrent": 5}},
    "all-packets": {"total": {"packets": "100r/s burst=50"}},
    "all-upload": {"total": {"bytes_up": "250kB/s burst=75kB"}},
    "all-download": {"total": {"bytes_down": "1MB/s burst=300kB"}},
    "all-connections": {"exceeded": "reset", "total": {"connections": "2r/s burst=5"}},
    "all-concurrent": {"exceeded": "reset", "total": {"concurrent": 5}},
    "ban": {"exceeded": BAN, "per_source": {"connections": "1r/s burst=3"}},
    "ban-too": {"exceeded": BAN, "per_source": {"packets": "50r/s burst=20"}},
    "ban-bytes": {"exceeded": BAN, "per_source": {"bytes_up": "100kB/s burst=30kB"}},
    "ban-concurrent": {"exceeded": BAN, "per_source": {"concurrent": 2}},
    "shadow-bytes": {"mode": "shadow", "exceeded": BAN,
                     "per_source": {"bytes_up": "10kB/s burst=20kB", "bytes_down": "10kB/s burst=20kB"}},
    "shadow-total": {"mode": "shadow", "exceeded": "reset",
                     "total": {"packets": "10r/s burst=10", "bytes_up": "10kB/s burst=20kB",
                               "bytes_down": "10kB/s burst=20kB", "connections": "1r/s burst=2"}},
    "shadow": {"mode": "shadow", "exceeded": BAN, "per_source": {"connections": "1r/s burst=2",
                                                                 "packets": "10r/s burst=10"}},
    "wide": {"exceeded": "reset", "per_source": {"connections": "1r/s burst=4"},
             "source_prefix": {"ipv4": 24, "ipv6": 48}},
}
ADMIN, DENIED = {4: "203.0.113.50", 6: "2001:db8:c:32::1"}, {4: "203.0.113.51", 6: "2001:db8:c:33::1"}
PLAN = plan(
    zones=ZONES, admin=["203.0.113.50", "2001:db8:c:32::/64"],
    deny=["203.0.113.51", "2001:db8:c:33::/64", "203.0.113.50/31"],
    add_routes=[{"name": name, "listener": "https", "names": [name + ".zone.example"], "zone": name,
                 "servers": ["service"]} for name in ZONES if name not in ("management", "service")])
DAM_ONLY = True
COST = 60


def _source(family, n):
    """Each test its own sources: buckets remember."""
    return SOURCES[family][n]


def _try(site, zone, family=4, source=None):
    """A connection into the zone, which may be refused."""
    text = hello.client_hello(zone + ".zone.example")
    client = site.open(family=family, source=source)
    client.send(text)
    return client


def _served(site, client, timeout=0.6):
    """Its server's end, or None when it was refused."""
    try:
        return site.keep(site.servers["service"].take(client.local, timeout))
    except AssertionError:
        return None


def _pair(site, zone, family=4, source=None):
    text = hello.client_hello(zone + ".zone.example")
    pair = site.connect(text=text, family=family, source=source)
    for end in pair:
        end.sock.settimeout(30)  # limits make connections slow
    return pair


@suite.each(family=[4, 6])
def test_packets(site, family):
    """packets over the source's rate are dropped and counted; others' are not"""
    client, server = _pair(site, "packets", family, _source(family, 0))
    with site.counted("source_packets", 5):
        for _ in range(300):
            client.send(b"x")
            time.sleep(0.001)
    other, other_server = _pair(site, "packets", family, _source(family, 1))
    other.send(b"hello")
    other_server.expect(b"hello")
    server.expect(b"x" * 300)  # TCP sends again what was dropped


@suite.each(family=[4, 6], zone=["upload", "all-upload"])
def test_upload(site, family, zone):
    """an upload is held to the rate of bytes: of its source, or of the zone"""
    client, server = _pair(site, zone, family, _source(family, 2))
    reason = "source_bytes_up" if zone == "upload" else "zone_bytes_up"
    with site.counted(reason):
        rate = transfer(client, server, MIB)
    assert rate < 1.35 * 250e3 * 8, f"{rate / 8e3:.0f} kB/s"
    assert rate > 0.3 * 250e3 * 8, f"{rate / 8e3:.0f} kB/s: TCP does not find the rate"


@suite.each(family=[4, 6], zone=["download", "all-download"])
def test_download(site, family, zone):
    """a download is held to the rate of bytes: of its source, or of the zone"""
    client, server = _pair(site, zone, family, _source(family, 3))
    reason = "source_bytes_down" if zone == "download" else "zone_bytes_down"
    with site.counted(reason):
        rate = transfer(server, client, 3 * MIB)
    assert 0.3 * 1e6 * 8 < rate < 1.35 * 1e6 * 8, f"{rate / 8e3:.0f} kB/s"


@suite.each(family=[4, 6])
def test_connections_drop(site, family):
    """connections over the source's rate get no server (drop), and others do"""
    with site.counted("source_connections", 3):
        clients = [_try(site, "connections", family, _source(family, 4)) for _ in range(10)]
        served = [one for one in clients if _served(site, one, 0.3)]
    assert 5 <= len(served) <= 9, len(served)
    assert _served(site, _try(site, "connections", family, _source(family, 5)))


@suite.each(family=[4, 6], zone=["connections-reset", "all-connections"])
def test_connections_reset(site, family, zone):
    """with `reset`, those over the rate (the source's, or the zone's) are reset at once"""
    time.sleep(2.5 if zone == "all-connections" else 0)  # the zone's bucket is everybody's
    reason = "source_connections" if zone == "connections-reset" else "zone_connections"
    with site.counted(reason, 3):
        clients = [_try(site, zone, family, _source(family, 6)) for _ in range(10)]
        time.sleep(0.3)
        refused = [one for one in clients if not site.servers["service"].has(one.local)]
        for client in refused:
            client.expect_reset(1)
    assert 3 <= len(refused) <= 5, len(refused)


@suite.each(family=[4, 6], zone=["concurrent", "all-concurrent"])
def test_concurrent(site, family, zone):
    """no more connections at once than the policy lets a source, or all, have; a place that gets free
    is free"""
    sources = [_source(family, 7)] * 8 if zone == "concurrent" else \
        [_source(family, 8 + n) for n in range(8)]
    reason = "source_concurrent" if zone == "concurrent" else "zone_concurrent"
    with site.counted(reason, 3):
        clients = [_try(site, zone, family, source) for source in sources]
        ends = [_served(site, client) for client in clients]
    served = [client for client, end in zip(clients, ends) if end]
    assert len(served) == 5, ends  # of a device with several queues not always the first five
    served[0].reset()
    time.sleep(0.3)
    assert _served(site, _try(site, zone, family, sources[0])), "the place was not given back"


def test_all_packets(site):
    """the zone's total of packets holds for all sources together"""
    pairs = [_pair(site, "all-packets", 4, _source(4, 20 + n)) for n in range(3)]
    with site.counted("zone_packets", 5):
        for _ in range(150):
            for client, _ in pairs:
                client.send(b"x")
            time.sleep(0.002)
    for _, server in pairs:
        server.expect(b"x" * 150)


@suite.each(family=[4, 6])
def test_ban(site, family):
    """after enough violations the source is banned in the zone: live connections too, until it ends"""
    source = _source(family, 30)
    live, live_server = _pair(site, "ban", family, source)
    elsewhere, elsewhere_server = site.connect(family=family, source=source)
    bans = site.front.zone("ban")["bans"]
    for _ in range(12):
        _try(site, "ban", family, source)
    suite.eventually(lambda: site.front.zone("ban")["bans"] > bans, 3, "a ban")
    with site.counted("zone_banned"):
        live.send(b"am I banned?")
        live_server.expect_reset(2)
        live.expect_reset(2)
    # Other zones, and other sources, are not touched.
    elsewhere.send(b"here I am welcome")
    elsewhere_server.expect(b"here I am welcome")
    site.finish(*site.connect("management.example", source=source, family=family))
    assert _served(site, _try(site, "ban", family, _source(family, 31)))
    assert not _served(site, _try(site, "ban", family, source))
    time.sleep(4.2)  # the ban ends
    assert _served(site, _try(site, "ban", family, source), 2), "banned for longer than the policy says"


def test_ban_by_packets(site):
    """packets over their rate count towards a ban as well"""
    client, server = _pair(site, "ban-too", 4, _source(4, 32))
    bans = site.front.zone("ban-too")["bans"]
    with contextlib.suppress(ConnectionError):  # the ban cuts it
        for _ in range(250):
            client.send(b"x")
            time.sleep(0.001)
    suite.eventually(lambda: site.front.zone("ban-too")["bans"] > bans, 3, "a ban")


@suite.each(family=[4, 6])
def test_ban_by_bytes(site, family):
    """and bytes over theirs: after enough of them nothing of the source passes, until the ban ends"""
    client, server = _pair(site, "ban-bytes", family, _source(family, 34))
    with site.counted("zone_banned"):
        client.sock.settimeout(0.3)
        try:
            for _ in range(40):
                client.send(bytes(30000))
        except OSError:
            pass  # the send buffer is full
        suite.eventually(lambda: site.front.drops()["zone_banned"], 3, "a packet of a banned source")
    assert not _served(site, _try(site, "ban-bytes", family, _source(family, 34)))
    assert _served(site, _try(site, "ban-bytes", family, _source(family, 35)))


def test_ban_by_concurrent(site):
    """and connections beyond the number that a source may have open"""
    source = _source(4, 36)
    pairs = [_pair(site, "ban-concurrent", 4, source) for _ in range(2)]
    bans = site.front.zone("ban-concurrent")["bans"]
    with site.counted("source_concurrent", 3):
        for _ in range(3):
            _try(site, "ban-concurrent", 4, source)
    suite.eventually(lambda: site.front.zone("ban-concurrent")["bans"] > bans, 3, "a ban")
    with site.counted("zone_banned"):
        assert not _served(site, _try(site, "ban-concurrent", 4, source))
    time.sleep(4.2)
    for client, _ in pairs:
        client.reset()
    time.sleep(0.2)
    assert _served(site, _try(site, "ban-concurrent", 4, source), 2), "the ban does not end"


@suite.each(family=[4, 6], scope=["per_source", "total"])
def test_shadow_bytes(site, family, scope):
    """shadow mode counts bytes, and what all together are over, by dimension, and slows nobody"""
    zone = "shadow-bytes" if scope == "per_source" else "shadow-total"
    before = site.front.zone(zone)["shadow"]
    pairs = [_pair(site, zone, family, _source(family, 37)) for _ in range(4)]
    client, server = pairs[0]
    start = time.monotonic()
    transfer(client, server, MIB)
    transfer(server, client, MIB)
    assert time.monotonic() - start < 5, "100 times slower would be within the limits"
    dimensions = {"bytes_up", "bytes_down"} | ({"packets", "connections"} if scope == "total" else set())

    def counted():
        after = site.front.zone(zone)["shadow"]
        return {name for name in after[scope] if after[scope][name] > before[scope][name]}

    suite.eventually(lambda: counted() == dimensions, 3, f"shadow counts of {dimensions}")
    other = "total" if scope == "per_source" else "per_source"
    now = site.front.zone(zone)
    refused = {name for name, count in now["drops"].items() if count and name.startswith(("source_", "zone_"))}
    assert now["shadow"][other] == before[other] and not now["bans"] and not refused, now


@suite.each(family=[4, 6])
def test_shadow(site, family):
    """a zone in shadow mode lets all by, bans nobody, and counts what it would have refused"""
    source = _source(family, 33)
    before = site.front.zone("shadow")["shadow_exceeded"]
    pairs = [_pair(site, "shadow", family, source) for _ in range(8)]
    for client, server in pairs:
        client.send(b"still served")
        server.expect(b"still served")
    suite.eventually(lambda: site.front.zone("shadow")["shadow_exceeded"] > before + 3, 3, "shadow counts")
    assert site.front.zone("shadow")["bans"] == 0


@suite.each(family=[4, 6])
def test_admin(site, family):
    """an address on the admin list is never banned, and not denied either though the deny list has it"""
    for _ in range(3):
        for _ in range(8):
            _try(site, "ban", family, ADMIN[family])
        time.sleep(0.05)
    site.finish(*site.connect("management.example", source=ADMIN[family], family=family))
    time.sleep(1.2)
    client = _try(site, "ban", family, ADMIN[family])
    assert _served(site, client, 2), "the admin is banned"


@suite.each(family=[4, 6])
def test_denied(site, family):
    """an address on the deny list gets no handshake at all, and is counted"""
    with site.counted("denied"):
        try:
            client = site.open(family=family, source=DENIED[family], timeout=0.7)
        except OSError:
            return
        client.expect_closed(1)
        raise AssertionError("a denied source was served")


@suite.each(family=[4, 6])
def test_source_prefix(site, family):
    """what counts as one source is as wide as the policy says"""
    with site.counted("source_connections", 3):
        clients = [_try(site, "wide", family, _source(family, 40 + n)) for n in range(9)]
        ends = [_served(site, client, 0.3) for client in clients]
    assert 4 <= sum(end is not None for end in ends) <= 6, ends


def test_management_untouched(site):
    """while every service bucket is overrun from an address, that address reaches management"""
    source = _source(4, 45)
    for zone in ("ban", "connections", "connections-reset", "concurrent"):
        for _ in range(8):
            _try(site, zone, 4, source)
    for _ in range(5):
        start = time.monotonic()
        site.finish(*site.connect("management.example", source=source))
        assert time.monotonic() - start < 0.5


def test_forged_sources_are_not_charged(site):
    """packets with a forged source charge nobody's bucket: the victim is served as before"""
    link = site.keep(site.link())
    victim = _source(4, 46)
    for number in range(2000):
        link.send(packet.tcp_packet(victim, site.public[4], 1024 + number, 443, number, 0, packet.SYN))
        link.send(packet.tcp_packet(victim, site.public[4], 1024 + number, 443, number, number ^ 0x5555,
                                    packet.ACK, payload=b"x" * 100))
    for _ in range(3):
        assert _served(site, _try(site, "ban", 4, victim), 2), "the victim is banned or limited"
