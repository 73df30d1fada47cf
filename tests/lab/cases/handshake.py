# SPDX-License-Identifier: BSD-3-Clause
"""TCP options of all kinds of clients, and what of them reaches the server."""
import itertools
import time

from lib import packet, suite
from lib.plan import plan
from lib.stream import both_ways, transfer

PLAN = plan(timeouts={"hello": "3s", "connect": "2s", "probe_interval": "1s"})
COST = 25
MIB = 1 << 20


@suite.each(family=[4, 6])
def test_plain(site, family):
    """a connection passes whole: PROXY header with the client's true address, hello, data both ways"""
    source = site.sources[family][0]
    client, server = site.connect(family=family, source=source)
    assert server.header.version == 2
    assert server.header.source == client.local, server.header
    assert server.header.destination == (site.public[family], 443), server.header
    site.finish(client, server)


OPTIONS = {"timestamps": "net.ipv4.tcp_timestamps", "sack": "net.ipv4.tcp_sack",
           "wscale": "net.ipv4.tcp_window_scaling"}


def _speaking(site, names):
    """The client speaks these options and no others."""
    return site.client.sysctls({path: int(name in names) for name, path in OPTIONS.items()})


@suite.each(options=["+".join(names) or "none" for count in range(4)
                     for names in itertools.combinations(OPTIONS, count)])
def test_options(site, options):
    """the options that the client speaks, and no others, hold from end to end"""
    wanted = set(options.split("+")) - {"none"}
    with _speaking(site, wanted):
        client, server = site.connect()
    assert client.options() & set(OPTIONS) == wanted, client.options()
    if site.front.is_dam:  # nothing is terminated: what one end has, the other has
        assert server.options() & set(OPTIONS) == wanted, server.options()
    transfer(client, server, 2 * MIB)
    transfer(server, client, 2 * MIB)
    site.finish(client, server)


def test_options_v6(site):
    """over IPv6 too, a client without any option is served, in bulk"""
    with _speaking(site, ()):
        client, server = site.connect(family=6)
    both_ways(client, server, 2 * MIB)
    site.finish(client, server)


@suite.each(family=[4, 6])
def test_ecn(site, family):
    """a client and a server that both want ECN have it, through the dam"""
    with site.client.sysctls({"net.ipv4.tcp_ecn": 1}):
        client, server = site.connect(family=family)
    if site.front.is_dam:
        assert "ecn" in client.options() and "ecn" in server.options(), (client.options(),
                                                                         server.options())
    both_ways(client, server, 2 * MIB)
    site.finish(client, server)


@suite.dam_only
@suite.each(who=["client", "server"])
def test_no_ecn(site, who):
    """when one end does not want ECN, neither has it, once the dam's probes know the server's mind"""
    with site.client.sysctls({"net.ipv4.tcp_ecn": int(who == "server")}), \
            site.service.sysctls({"net.ipv4.tcp_ecn": 0 if who == "server" else 2}):
        time.sleep(1.2)
        client, server = site.connect()
        assert "ecn" not in client.options() | server.options(), (client.options(), server.options())
        transfer(client, server, MIB)
    site.finish(client, server)
    time.sleep(1.2)  # for the tests that follow


@suite.dam_only
@suite.each(family=[4, 6])
def test_ecn_withdrawn(site, family):
    """before they know, a server without ECN gets no packet that the network may mark in vain"""
    for _ in range(5):  # a probe may come just in between
        with site.client.sysctls({"net.ipv4.tcp_ecn": 1}), site.service.sysctls({"net.ipv4.tcp_ecn": 0}):
            client, server = site.connect(family=family)
        if "ecn" in client.options():
            break
        time.sleep(1.2)
    assert "ecn" in client.options() and "ecn" not in server.options()
    link = site.keep(site.link("service"))
    transfer(client, server, MIB)
    seen = set()
    while (segment := link.receive(0.05)) is not None:
        if segment.dport == 443 and segment.payload:
            seen.add(segment.ecn)
    assert seen == {0}, f"ECN bits {seen}"
    time.sleep(1.2)


@suite.dam_only
def test_ecn_bits(site):
    """congestion marks of the network (CE) pass the dam and are echoed (ECE)"""
    client, server = site.raw_connect(1, ecn=True)
    assert client.syn_ack.flags & packet.ECE, "the SYN-ACK does not agree to ECN"
    client.segment(b"marked", ecn=3)
    client.sent += 6
    client.wait(lambda s: s.flags & packet.ECE, 3, "ECE from the server")


@suite.each(mss=[536, 1220, 1380, 1440, 1460])
def test_mss(site, mss):
    """no segment towards the client is larger than its MSS"""
    client, server = site.connect(TCP_MAXSEG=mss) if mss != 1460 else site.connect()
    link = site.keep(site.link())
    transfer(server, client, MIB)
    transfer(client, server, MIB)
    largest = 0
    while (segment := link.receive(0.05)) is not None:
        if segment.dport == client.local[1]:
            largest = max(largest, len(segment.payload))
    assert 0 < largest <= mss, f"a segment of {largest} bytes"
    site.finish(client, server)


def test_mss_server(site):
    """no segment towards the server is larger than the server's MSS"""
    client, server = site.connect()
    link = site.keep(site.link("service"))
    transfer(client, server, MIB)
    largest = 0
    while (segment := link.receive(0.05)) is not None:
        if segment.dport == 443:
            largest = max(largest, len(segment.payload))
    assert 0 < largest <= 1460, f"a segment of {largest} bytes"


def test_no_mss(site):
    """a SYN without an MSS option means 536 (RFC 9293 §3.7.1): no larger segment is sent to it"""
    client, server = site.raw_connect(2, mss=None)
    server.send(bytes(3000))
    segment = client.wait(lambda s: s.payload, 3, "data")
    assert len(segment.payload) <= 536, len(segment.payload)


@suite.dam_only
def test_syn_ack_promises(site):
    """the SYN-ACK offers a window for the hello, at least 16 KiB, and answers with a fresh number"""
    link = site.keep(site.link())
    seen = set()
    for n in range(4):
        client = site.raw(3, link=link)
        client.open(wscale=7, sack=True, timestamps=True)
        assert client.syn_ack.window >= 16384, client.syn_ack.window
        assert "mss" in client.syn_ack.options
        seen.add(client.irs)
    assert len(seen) == 4, "initial sequence numbers repeat"


@suite.each(timestamps=[True, False])
def test_raw_options(site, timestamps):
    """every segment of a connection with timestamps bears them, and none without"""
    client, server = site.raw_connect(4, wscale=5, sack=True, timestamps=timestamps)
    server.send(bytes(5000))
    for _ in range(3):
        segment = client.wait(lambda s: True, 3)
        assert ("timestamps" in segment.options) == timestamps, segment.options


@suite.each(family=[4, 6])
def test_sack_blocks(site, family):
    """SACK blocks from the server name the client's own sequence numbers"""
    client, server = site.raw_connect(5, family, wscale=5, sack=True, timestamps=True)
    client.segment(b"b" * 100, seq=client.sent + 100)  # the first 100 bytes are missing
    segment = client.wait(lambda s: "sack" in s.options, 3, "SACK")
    first = client.iss + 1 + client.sent + 100
    assert segment.options["sack"][0] == (first & 0xFFFFFFFF, (first + 100) & 0xFFFFFFFF), \
        (segment.options["sack"], first)
    client.segment(b"a" * 100)
    server.expect(b"a" * 100 + b"b" * 100)


@suite.dam_only
def test_sack_from_client(site):
    """SACK blocks from the client reach the server in its numbers: it sends only the hole again"""
    client, server = site.raw_connect(6, mss=1000, wscale=5, sack=True, timestamps=True)
    server.send(b"x" * 4 * 988)  # four segments: timestamps take 12 bytes of 1,000
    segments = [client.wait(lambda s: s.payload, 3, "data") for _ in range(4)]
    first, rest = segments[0], segments[1:]
    end = rest[-1].seq + len(rest[-1].payload)
    client.echo = rest[-1].options["timestamps"][0]
    for _ in range(3):  # duplicate ACKs with the block: everything but the first came
        client.segment(options=packet.option_sack((rest[0].seq, end)))
    client.wait(lambda s: s.payload and s.seq == first.seq, 3, "the missing segment again")
    # The last one may come again as a tail loss probe (RFC 8985), the middle ones may not.
    middle = [one.seq for one in rest[:-1]]
    client.none(lambda s: s.payload and s.seq in middle, 0.15, "retransmission of what was SACKed")


def test_window_scale(site):
    """windows beyond 64 KiB arrive as they were offered, whatever scale each end uses"""
    client, server = site.connect(SO_RCVBUF=1 << 20)
    transfer(server, client, 8 * MIB)
    transfer(client, server, 8 * MIB)
    for sender, receiver in ((server, client), (client, server)):
        assert receiver.info()["rcv_wnd"] > 200_000, receiver.info()["rcv_wnd"]

        def arrives():  # the last ACK may be under way between the two looks
            # The dam promises both ends a scale of 7, hence at most 8 MiB.
            offered = min(receiver.info()["rcv_wnd"], 65535 << 7)
            return abs(offered - sender.info()["snd_wnd"]) <= 2048
        if site.front.is_dam:
            suite.eventually(arrives, 2, "the window as it was offered")
    site.finish(client, server)
