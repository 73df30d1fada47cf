# SPDX-License-Identifier: BSD-3-Clause
"""Reads PROXY protocol v1 and v2 headers as strictly as the specification allows."""
import socket
import struct
from dataclasses import dataclass, field

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
ALPN, AUTHORITY, CRC32C, UNIQUE_ID = 0x01, 0x02, 0x03, 0x05
MAX_BYTES = 536  # must fit into the smallest segment that everyone takes


class BadHeader(Exception):
    pass


@dataclass
class Header:
    version: int
    local: bool
    source: tuple = None       # (address, port)
    destination: tuple = None
    tlvs: dict = field(default_factory=dict)
    size: int = 0


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def parse(data):
    """The header at the start of data; BadHeader when it is not whole and exact."""
    header = _parse_v2(data) if data.startswith(SIGNATURE) else _parse_v1(data)
    if header.size > MAX_BYTES:
        raise BadHeader(f"{header.size} bytes long")
    return header


def _parse_v1(data):
    if not data.startswith(b"PROXY "):
        raise BadHeader(f"not a PROXY header: {data[:32]!r}")
    end = data.find(b"\r\n")
    if not 0 <= end <= 105:
        raise BadHeader("a v1 line without its end")
    words = data[:end].decode("ascii").split(" ")
    if words[1] == "UNKNOWN":
        return Header(1, True, size=end + 2)
    family = {"TCP4": socket.AF_INET, "TCP6": socket.AF_INET6}.get(words[1])
    if family is None or len(words) != 6:
        raise BadHeader(f"v1 line {data[:end]!r}")
    for address in words[2:4]:
        socket.inet_pton(family, address)
    for port in words[4:6]:
        if str(int(port)) != port or not 0 < int(port) < 65536:
            raise BadHeader(f"port {port}")
    return Header(1, False, (words[2], int(words[4])), (words[3], int(words[5])), size=end + 2)


def _parse_v2(data):
    if len(data) < 16:
        raise BadHeader("a v2 header cut short")
    command, family, length = struct.unpack_from("!BBH", data, 12)
    if len(data) < 16 + length:
        raise BadHeader(f"v2 header of {16 + length} bytes in a read of {len(data)}")
    body = data[16:16 + length]
    if command == 0x20:
        return Header(2, True, size=16 + length)
    if command != 0x21 or family not in (0x11, 0x21):
        raise BadHeader(f"v2 command {command:#x}, family {family:#x}")
    kind, width = (socket.AF_INET, 4) if family == 0x11 else (socket.AF_INET6, 16)
    source, destination = (socket.inet_ntop(kind, body[at:at + width]) for at in (0, width))
    sport, dport = struct.unpack_from("!HH", body, 2 * width)
    tlvs = _tlvs(body[2 * width + 4:])
    if CRC32C in tlvs:
        _check_crc(data[:16 + length], tlvs[CRC32C])
    return Header(2, False, (source, sport), (destination, dport), tlvs, 16 + length)


def _tlvs(body):
    found, at = {}, 0
    while at < len(body):
        if at + 3 > len(body):
            raise BadHeader("a TLV cut short")
        kind, length = struct.unpack_from("!BH", body, at)
        if at + 3 + length > len(body) or kind in found:
            raise BadHeader(f"TLV {kind:#x}")
        found[kind] = body[at + 3:at + 3 + length]
        at += 3 + length
    return found


def _check_crc(whole, value):
    at = whole.index(struct.pack("!BH", CRC32C, 4) + value) + 3
    if crc32c(whole[:at] + b"\0\0\0\0" + whole[at + 4:]) != struct.unpack("!I", value)[0]:
        raise BadHeader("CRC32C does not match")
