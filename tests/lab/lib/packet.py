# SPDX-License-Identifier: BSD-3-Clause
"""Builds and reads Ethernet, VLAN, IPv4, IPv6, TCP and ICMP, to send what no kernel would."""
import socket
import struct
from dataclasses import dataclass, field

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << bit for bit in range(8))
ETH_IP4, ETH_IP6, ETH_VLAN = 0x0800, 0x86DD, 0x8100


def checksum(data):
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def is_v6(address):
    return ":" in address


def to_bytes(address):
    return socket.inet_pton(socket.AF_INET6 if is_v6(address) else socket.AF_INET, address)


def _pseudo(src, dst, protocol, length):
    if is_v6(src):
        return to_bytes(src) + to_bytes(dst) + struct.pack("!IHBB", length, 0, 0, protocol)
    return to_bytes(src) + to_bytes(dst) + struct.pack("!BBH", 0, protocol, length)


def ip_packet(src, dst, protocol, body, ttl=64, ecn=0, ident=1, flags=0x4000):
    """IPv4 (don't fragment, unless flags says otherwise) or IPv6, by the look of src."""
    if is_v6(src):
        return (struct.pack("!IHBB", 6 << 28 | ecn << 20, len(body), protocol, ttl)
                + to_bytes(src) + to_bytes(dst) + body)
    head = struct.pack("!BBHHHBBH", 0x45, ecn, 20 + len(body), ident, flags, ttl, protocol, 0)
    head += to_bytes(src) + to_bytes(dst)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def option_mss(mss):
    return struct.pack("!BBH", 2, 4, mss)


def option_wscale(shift):
    return struct.pack("!BBBB", 1, 3, 3, shift)


def option_timestamps(value, echo):
    return struct.pack("!BBBBII", 1, 1, 8, 10, value & 0xFFFFFFFF, echo & 0xFFFFFFFF)


OPTION_SACK_PERMITTED = bytes((1, 1, 4, 2))


def option_sack(*blocks):
    body = b"".join(struct.pack("!II", a & 0xFFFFFFFF, b & 0xFFFFFFFF) for a, b in blocks)
    return bytes((1, 1, 5, 2 + len(body))) + body


def tcp_packet(src, dst, sport, dport, seq, ack=0, flags=ACK, window=64240, options=b"",
               payload=b"", bad_checksum=False, **ip_fields):
    """A whole IP packet; src and dst are addresses as text."""
    options += b"\0" * (-len(options) % 4)
    head = struct.pack("!HHIIBBHHH", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF,
                       (20 + len(options)) // 4 << 4, flags, window, 0, 0) + options
    body = head + payload
    value = checksum(_pseudo(src, dst, 6, len(body)) + body) ^ (0x5555 if bad_checksum else 0)
    return ip_packet(src, dst, 6, body[:16] + struct.pack("!H", value) + body[18:], **ip_fields)


def icmp_too_big(src, dst, mtu, about):
    """Fragmentation needed (RFC 1191) or Packet Too Big (RFC 8201) that quotes packet `about`."""
    if is_v6(src):
        body = struct.pack("!BBHI", 2, 0, 0, mtu) + about[:1232 - 48]
        value = checksum(_pseudo(src, dst, 58, len(body)) + body)
        return ip_packet(src, dst, 58, body[:2] + struct.pack("!H", value) + body[4:])
    body = struct.pack("!BBHHH", 3, 4, 0, 0, mtu) + about[:20 + 8]
    return ip_packet(src, dst, 1, body[:2] + struct.pack("!H", checksum(body)) + body[4:])


def ethernet(dst_mac, src_mac, packet, vlan=None):
    kind = struct.pack("!H", ETH_IP6 if packet[0] >> 4 == 6 else ETH_IP4)
    tag = b"" if vlan is None else struct.pack("!HH", ETH_VLAN, vlan)
    return dst_mac + src_mac + tag + kind + packet


@dataclass
class Segment:
    """What a received TCP packet says."""
    src: str
    dst: str
    sport: int
    dport: int
    seq: int
    ack: int
    flags: int
    window: int
    ttl: int
    ecn: int
    options: dict = field(default_factory=dict)
    payload: bytes = b""
    checksum_ok: bool = True
    raw: bytes = b""

    @property
    def length(self):
        """In sequence space: a SYN and a FIN count one each."""
        return len(self.payload) + bool(self.flags & SYN) + bool(self.flags & FIN)


def _options(data):
    found, at = {}, 0
    while at < len(data):
        kind = data[at]
        if kind == 0:
            break
        if kind == 1:
            at += 1
            continue
        size = data[at + 1]
        body = data[at + 2:at + size]
        if kind == 2:
            found["mss"] = struct.unpack("!H", body)[0]
        elif kind == 3:
            found["wscale"] = body[0]
        elif kind == 4:
            found["sack_permitted"] = True
        elif kind == 5:
            words = struct.unpack(f"!{len(body) // 4}I", body)
            found["sack"] = list(zip(words[::2], words[1::2]))
        elif kind == 8:
            found["timestamps"] = struct.unpack("!II", body)
        at += size
    return found


def parse_tcp(frame):
    """The Segment in an Ethernet frame, or None when it holds no TCP."""
    kind, at = struct.unpack_from("!H", frame, 12)[0], 14
    if kind == ETH_VLAN:
        kind, at = struct.unpack_from("!H", frame, 16)[0], 18
    packet = frame[at:]
    if kind == ETH_IP4 and packet[9] == 6:
        family, head, total = socket.AF_INET, (packet[0] & 15) * 4, struct.unpack_from("!H", packet, 2)[0]
        src, dst, ttl, ecn = packet[12:16], packet[16:20], packet[8], packet[1] & 3
    elif kind == ETH_IP6 and packet[6] == 6:
        family, head, total = socket.AF_INET6, 40, 40 + struct.unpack_from("!H", packet, 4)[0]
        src, dst, ttl, ecn = packet[8:24], packet[24:40], packet[7], packet[1] >> 4 & 3
    else:
        return None
    packet = packet[:total]
    tcp = packet[head:]
    sport, dport, seq, ack, offset, flags, window = struct.unpack_from("!HHIIBBH", tcp)
    src, dst = socket.inet_ntop(family, src), socket.inet_ntop(family, dst)
    size = (offset >> 4) * 4
    whole = checksum(_pseudo(src, dst, 6, len(tcp)) + tcp) == 0
    return Segment(src, dst, sport, dport, seq, ack, flags, window, ttl, ecn,
                   _options(tcp[20:size]), tcp[size:], whole, packet)
