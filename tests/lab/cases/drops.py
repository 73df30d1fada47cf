# SPDX-License-Identifier: BSD-3-Clause
"""Reasons for drops that no other test meets, provoked from outside: each is counted under its own name."""
import socket
import time

from lib import hello, packet, raw, suite
from lib.packet import ACK, RST, SYN
from lib.plan import plan
from lib.site import CLIENT, DAM

BAN = {"ban": {"after": 2, "within": "10s", "for": "2s"}}
PLAN = plan(
    # Probes would teach the dam a server's options before a client does.
    timeouts={"hello": "3s", "connect": "2s", "probe_interval": "60s"},
    limits={"sources": 1024, "half_open": 8192}, admin=["2001:db8:f:ffff::/64"],
    zones={"service": {}, "management": {"management": True},
           "strict": {"exceeded": BAN, "per_source": {"connections": "1r/s burst=1"}}},
    add_listeners={"strict": {"port": 444, "protocol": "tls"}},
    add_routes=[{"name": "strict", "listener": "strict", "names": ["strict.example"], "zone": "strict",
                 "servers": ["service"]}])
DAM_ONLY = True
COST = 15


_STRANGER = {4: "203.0.113.240", 6: "2001:db8:f::f0"}  # of no other test


def _own(family):
    return DAM["service"][family]


@suite.each(family=[4, 6], who=["the dam", "loopback", "nobody", "multicast"])
def test_bad_source(site, family, who):
    """a SYN from an address that no other host can have is dropped and gets no answer"""
    source = {"the dam": _own(family), "loopback": {4: "127.0.0.1", 6: "::1"}[family],
              "nobody": {4: "0.0.0.0", 6: "::"}[family],
              "multicast": {4: "224.0.0.251", 6: "ff02::fb"}[family]}[who]
    link = site.keep(site.link())
    with site.counted("bad_source", 3):
        for port in (5001, 5002, 5003):
            link.send(packet.tcp_packet(source, site.public[family], port, 443, 1, 0, SYN))
    assert link.receive(0.1, to=source) is None


@suite.each(family=[4, 6])
def test_neither_listener_nor_dam(site, family):
    """what is neither for a listener nor for the dam is not ours: another address, another link address"""
    link = site.keep(site.link())

    def syns(destination):
        return [packet.tcp_packet(CLIENT[family], destination, port, 443, 1, 0, SYN)
                for port in (5001, 5002, 5003)]

    site.expect_not_ours(link, syns({4: "198.18.0.99", 6: "2001:db8::99"}[family]))
    if not site.machine:  # whose NICs take in what is sent to them
        link.gateway_mac = bytes.fromhex("020000000099")
        site.expect_not_ours(link, syns(site.public[family]))
    # Connections of other tests may end meanwhile, and their clients be told.
    while (segment := link.receive(0.1, to=CLIENT[family])) is not None:
        assert segment.dport not in (5001, 5002, 5003), segment


@suite.each(family=[4, 6])
def test_udp(site, family):
    """UDP to a listener's address and port is not ours: on dpdk answered by nobody, on xdp by the host"""
    link = site.keep(site.link())
    datagram = b"\x13\x88\x01\xbb\x00\x0c\x00\x00UDP!"
    datagrams = [packet.ip_packet(_STRANGER[family], site.public[family], 17, datagram)] * 5
    site.expect_not_ours(link, datagrams, "not_ours")
    assert link.receive(0.1, to=_STRANGER[family]) is None
    with site.client:
        sock = socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(1)
    sock.connect((site.public[family], 443))
    sock.send(b"UDP!")
    try:
        sock.recv(100)
        answer = "data"
    except OSError as error:
        answer = type(error)
    sock.close()
    assert answer == (ConnectionRefusedError if site.front.on_xdp else TimeoutError), answer


@suite.each(family=[4, 6])
def test_reset_before_the_hello(site, family):
    """a client that resets before its hello is whole is closed; an RST beside its place is out of window"""
    client = site.raw(20, family).connect()
    half = hello.client_hello("service.example")[:60]
    client.send(half)
    client.wait_acked()
    with site.counted("out_of_window"):
        client.raw(RST, client.iss + 1 + client.sent + 7)
    with site.counted("closed"):
        client.raw(RST, client.iss + 1 + client.sent)
    client.segment(b"more")
    client.none(lambda s: s.flags & ACK and s.ack == (client.iss + 1 + client.sent + 4) & 0xFFFFFFFF, 0.2,
                "ACK of a connection that is closed")


@suite.each(family=[4, 6])
def test_far_outside(site, family):
    """a segment far outside what a live connection could send does not reach the server"""
    client, server = site.raw_connect(21, family)
    with site.counted("out_of_window", 2):
        client.segment(b"from far ahead", seq=client.sent + (1 << 30))
        client.segment(b"from far behind", seq=client.sent - (1 << 30))
    client.send(b"in its place")
    server.expect(b"in its place")


def test_held_twice(site):
    """bytes of a hello that come a second time are held once"""
    client = site.raw(22).connect()
    text = hello.client_hello("service.example")
    client.send(text[:100])
    client.wait_acked()
    with site.counted("held_duplicate", 2):
        client.segment(text[:100], seq=0)
        client.segment(text[20:90], seq=20)
    client.send(text[100:])
    site.keep(site.servers["service"].take(client.address)).expect(text)


@suite.each(family=[4, 6])
def test_banned_everywhere(site, family):
    """a source that is banned in every zone of a listener gets no handshake there; elsewhere it does"""
    source, text = site.sources[family][1], hello.client_hello("strict.example")
    bans = site.front.zone("strict")["bans"]
    for _ in range(3):  # one within the rate, two over it
        site.open(port=444, family=family, source=source).send(text)
    suite.eventually(lambda: site.front.zone("strict")["bans"] > bans, 3, "a ban")
    site.expect_no_handshake("banned", port=444, family=family, source=source)
    site.finish(*site.connect(family=family, source=source))
    time.sleep(2)
    client = site.open(port=444, family=family, source=source, timeout=2)  # the ban is over
    client.send(text)
    site.keep(site.servers["service"].take(client.local)).expect(text)


def test_icmp_limited(site):
    """ICMP errors about a live connection pass at a limited rate only"""
    client, server = site.raw_connect(23)
    server.send(b"an answer")
    segment = client.wait(lambda s: s.payload, 3, "data")
    error = packet.icmp_too_big(client.src, client.dst, 1400, segment.raw)
    with site.counted("icmp_limited", 100):
        for _ in range(1500):
            client.link.send(error)
    client.take(segment)
    client.segment()
    client.send(b"still here")
    server.expect(b"still here")


def test_server_options(site):
    """a server that no longer speaks timestamps costs one client its connection; the next are served
    without"""
    site.finish(*site.connect())
    with site.service.sysctls({"net.ipv4.tcp_timestamps": 0}):
        with site.counted("server_options"):
            client = site.open()
            client.send(hello.client_hello("service.example"))
            client.expect_closed(3)
        time.sleep(0.2)  # what the dam promises follows what it learned within 50 ms
        client, server = site.connect()
        assert "timestamps" not in server.options() | client.options(), (server.options(), client.options())
        site.finish(client, server)


def _drops_of_file(site):
    counters = site.front.counters()
    return {name: {reason: count for reason, count in counters.zone(name)["drops"].items()
                   if reason != "none" and count} for name in counters.zone_slots}


def test_damctl_agrees(site):
    """damctl shows, for each zone and reason, what the counters' file says"""
    with site.counted("no_route"):
        client = site.open()
        client.send(hello.client_hello("nobody.example"))
        client.expect_closed(2)

    def same():
        file = _drops_of_file(site)
        said = site.front.json("drops")["drops"]
        said = {name: {reason: count for reason, count in drops.items() if count}
                for name, drops in said.items()}
        return file == said and file["front"]["no_route"] >= 1  # no packet came between the two

    suite.eventually(same, 5, "the same drops from damctl and the file")


def _strangers(link, numbers):
    """Whole handshakes, each from a /64 of its own, and silence. All at once: the first must not have been
    given up before the last has come."""
    waiting = {f"2001:db8:f:{number:x}::1": number for number in numbers}
    for source, number in waiting.items():
        link.send(packet.tcp_packet(source, "2001:db8::80", 5000, 443, number, 0, SYN,
                                    options=packet.option_mss(1440)))
    while waiting and (answer := link.receive(1)) is not None:
        if answer.flags & SYN and (number := waiting.pop(answer.dst, None)) is not None:
            link.send(packet.tcp_packet(answer.dst, "2001:db8::80", 5000, 443, number + 1, answer.seq + 1, ACK))


def test_source_table_full(site):
    """when the table of sources is full of connected ones, strangers are refused with that reason; the
    administrator is served; with the others gone, so are strangers"""
    link = site.keep(site.link())
    before, number = site.front.drops()["source_table_full"], 0
    while site.front.drops()["source_table_full"] < before + 20:
        assert number < 6000, "6,000 sources found room in a table of 1,024"
        _strangers(link, range(number + 1, number + 101))
        number += 100
    site.note(f"{number} sources")
    admin = raw.RawTcp(link, "2001:db8:f:ffff::1", site.public[6], 443)
    text = hello.client_hello("management.example")
    admin.connect()
    admin.send(text)
    site.keep(site.servers["management"].take(admin.address)).expect(text)
    suite.eventually(lambda: site.front.table("half_open") < 100, 6, "that the silent ones go")
    site.finish(*site.connect(family=6, source=site.sources[6][40]))
