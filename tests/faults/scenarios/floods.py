# SPDX-License-Identifier: BSD-3-Clause
"""Floods of forged frames: lone segments from everywhere, in the name of innocent clients, and what is not quite TCP."""
import random
import struct
import time

from lib import hello, packet
from lib.packet import ACK, FIN, PSH, RST, SYN
from lib.site import PUBLIC

from fault.hostile import start_flood, start_frames
from fault.outcome import Promise, Scenario
from fault.plan import INNOCENT, NAMES

SECONDS, PER_SECOND, FRAMES = 6, 100_000, 4000
RING = "a veth's ring has 256 places for all: honest frames are lost beside forged ones, and TCP sends them again"
LOSSY = Promise(retried=0.05, management_p99_ms=2500, why=RING)


def _flood(flags):
    def play(world):
        sent = start_flood(world, flags, PER_SECOND, SECONDS)
        time.sleep(SECONDS)
        return f"{sent():,} sent"
    return play


def _frames(make, per_second=20_000):
    """make(world, dice, family): one packet, or a whole frame where it says so by a tuple."""
    def play(world):
        dice, mac, source = random.Random(world.options.seed), world.front_mac(), world.site.client.mac("eth0")
        frames = []
        for number in range(FRAMES):
            made = make(dice, (4, 6)[number % 2])
            frames.append(mac + source + made[1] if isinstance(made, tuple) else packet.ethernet(mac, source, made))
        sent = start_frames(world, frames, per_second, SECONDS)
        time.sleep(SECONDS)
        return f"{sent():,} sent"
    return play


def in_the_name_of_innocents(dice, family):
    """Their own addresses, ports that may be theirs: SYNs, cookies, hellos for the strict zone, RSTs."""
    source = dice.choice(INNOCENT[family])
    flags, payload = dice.choice(((SYN, b""), (ACK, b""), (RST, b""), (FIN | ACK, b""),
                                  (ACK | PSH, hello.client_hello(NAMES["strict"]))))
    return packet.tcp_packet(source, PUBLIC[family], dice.randrange(32768, 61000), 443, dice.getrandbits(32),
                             dice.getrandbits(32) if flags & ACK else 0, flags, payload=payload)


def _source(dice, family):
    return f"198.51.100.{dice.randrange(1, 255)}" if family == 4 else f"2001:db8:e:{dice.getrandbits(16):x}::1"


def _syn(dice, family):
    return packet.tcp_packet(_source(dice, family), PUBLIC[family], dice.randrange(1024, 65536), 443,
                             dice.getrandbits(32), 0, SYN, options=packet.option_mss(1460))


def fragments(dice, family):
    """First, middle, last and overlapping ones, of segments and of nothing."""
    whole = _syn(dice, family)
    offset, more = dice.choice(((0, 1), (1, 1), (2, 0), (8189, 0), (0, 0)))
    if family == 4:
        return packet.ip_packet(_source(dice, 4), PUBLIC[4], 6, whole[20:], ident=dice.getrandbits(16),
                                flags=more << 13 | offset)
    head = struct.pack("!BBHI", 6, 0, offset << 3 | more, dice.getrandbits(32))
    return packet.ip_packet(_source(dice, 6), PUBLIC[6], 44, head + whole[40:])


def extension_headers(dice, _):
    """Chains of IPv6 extension headers: short, long, nested, cut off, lying about their length."""
    body, after = _syn(dice, 6)[40:], 6
    for _ in range(dice.choice((1, 2, 8, 40, 160))):
        kind = dice.choice((0, 43, 44, 60, 51, 135))
        if kind == 44:
            body = struct.pack("!BBHI", after, 0, 1, 7) + body
        else:
            body = bytes((after, dice.choice((0, 0, 0, 1, 255)))) + dice.randbytes(6) + body
        after = kind
    made = packet.ip_packet(_source(dice, 6), PUBLIC[6], after, body[:1400])
    return made[:dice.choice((len(made), len(made), 44, 61))]


def vlan_tricks(dice, family):
    """Tags that the policy does not know: priority alone, other VLANs, two and eight of them, cut off."""
    inner = _syn(dice, family)
    tags = b"".join(struct.pack("!HH", dice.choice((0x8100, 0x88A8)), dice.choice((0, 1, 5, 0xFFF, 0xE000)))
                    for _ in range(dice.choice((1, 1, 2, 8))))
    return "frame", tags + struct.pack("!H", packet.ETH_IP4 if family == 4 else packet.ETH_IP6) + inner


SCENARIOS = [
    Scenario("a flood of SYNs from random addresses", _flood(SYN), LOSSY),
    Scenario("a flood of ACKs", _flood(ACK), LOSSY),
    Scenario("a flood of RSTs", _flood(RST), LOSSY),
    Scenario("a flood of FINs", _flood(FIN | ACK), LOSSY),
    Scenario("SYNs, ACKs, RSTs and hellos in the name of innocents", _frames(in_the_name_of_innocents), LOSSY),
    Scenario("a flood of fragments", _frames(fragments), LOSSY),
    Scenario("chains of IPv6 extension headers", _frames(extension_headers), LOSSY),
    Scenario("tricks with VLAN tags", _frames(vlan_tricks), LOSSY),
]
