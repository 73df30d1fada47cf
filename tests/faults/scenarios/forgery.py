# SPDX-License-Identifier: BSD-3-Clause
"""Somebody who knows the addresses and ports of living connections, and sees nothing of them."""
import random
import struct
import time

from lib import packet
from lib.packet import ACK, FIN, PSH, RST, SYN
from lib.site import DAM, PUBLIC, service_address

from fault.hostile import start_frames
from fault.outcome import Promise, Scenario
from fault.plan import PLAN

SECONDS = 8
LOSSY = Promise(retried=0.05, management_p99_ms=2500, why="as with floods")


def _checksummed(body):
    return body[:2] + struct.pack("!H", packet.checksum(body)) + body[4:]


def _icmp4(dice, quoted):
    kind, code, rest = dice.choice(
        [(3, code, 0) for code in (0, 1, 2, 3, 9, 10, 13)] + [(3, 4, mtu) for mtu in (0, 68, 552, 1280)]
        + [(11, 0, 0), (12, 0, 0), (4, 0, 0), (5, 1, 0x0A000001)])
    return packet.ip_packet("203.0.113.200", PUBLIC[4], 1, _checksummed(struct.pack("!BBHI", kind, code, 0, rest) + quoted[:28]))


def _icmp6(dice, quoted, source="2001:db8:f::99"):
    kind, code, rest = dice.choice([(1, code, 0) for code in range(6)] + [(2, 0, mtu) for mtu in (0, 68, 1280)] + [(3, 0, 0), (4, 1, 0)])
    body = struct.pack("!BBHI", kind, code, 0, rest) + quoted
    pseudo = packet.to_bytes(source) + packet.to_bytes(PUBLIC[6]) + struct.pack("!IHBB", len(body), 0, 0, 58)
    return packet.ip_packet(source, PUBLIC[6], 58, body[:2] + struct.pack("!H", packet.checksum(pseudo + body)) + body[4:])


def icmp_errors(world):
    """Each about a living conversation, quoting numbers that are guessed."""
    dice, mac, mine = random.Random(world.options.seed), world.front_mac(), world.site.client.mac("eth0")
    frames = []
    for local, port, public, dport in world.ask("standing").values():
        for _ in range(60):
            quoted = packet.tcp_packet(public, local, dport, port, dice.getrandbits(32), dice.getrandbits(32))
            made = (_icmp6 if ":" in local else _icmp4)(dice, quoted)
            frames.append(packet.ethernet(mac, mine, made))
    dice.shuffle(frames)
    sent = start_frames(world, frames, 5000, SECONDS)
    time.sleep(SECONDS)
    return f"{sent():,} sent"


def _segment(dice, source, sport, to, dport):
    flags, payload = dice.choice(((RST, b""), (RST | ACK, b""), (SYN, b""), (SYN | ACK, b""), (FIN | ACK, b""),
                                  (ACK | PSH, b"EVIL" * 100), (ACK, b"")))
    return packet.tcp_packet(source, to, sport, dport, dice.getrandbits(32), dice.getrandbits(32) if flags & ACK else 0,
                             flags, payload=payload)


def from_the_clients_side(world):
    """In the name of each conversation's client; those of the strict zone most of all, whose sources could be banned for it."""
    dice, mac, mine = random.Random(world.options.seed), world.front_mac(), world.site.client.mac("eth0")
    frames = []
    for who, (local, port, public, dport) in world.ask("standing").items():
        for _ in range(2000 if who.startswith("strict") else 100):
            frames.append(packet.ethernet(mac, mine, _segment(dice, local, port, public, dport)))
    dice.shuffle(frames)
    sent = start_frames(world, frames, 20_000, SECONDS)
    time.sleep(SECONDS)
    return f"{sent():,} sent"


def from_a_servers_side(world):
    """In the name of the service servers, to every port that the dam may have towards them."""
    dice, mac, mine = random.Random(world.options.seed), world.site.edge.mac("service"), world.site.service.mac("eth0")
    first, last = PLAN["source_ports"]
    frames = [packet.ethernet(mac, mine, _segment(dice, service_address(n)[family], 443, DAM["service"][family], port))
              for n in (10, 11) for family in (4, 6) for port in range(first, last + 1) for _ in range(3)]
    dice.shuffle(frames)
    sent = start_frames(world, frames, 20_000, SECONDS, role="service")
    time.sleep(SECONDS)
    return f"{sent():,} sent"


SCENARIOS = [
    Scenario("forged ICMP errors about living connections", icmp_errors, LOSSY),
    Scenario("blind segments in the clients' name", from_the_clients_side, LOSSY),
    Scenario("blind segments in the servers' name", from_a_servers_side, LOSSY),
]
