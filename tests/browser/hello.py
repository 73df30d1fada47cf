# SPDX-License-Identifier: BSD-3-Clause
"""Reads the TLS ClientHellos out of a capture: how large, in how many segments, which key shares."""
import dataclasses
import ipaddress
import struct

GROUPS = {0x001d: "X25519", 0x0017: "P-256", 0x0018: "P-384", 0x11ec: "X25519MLKEM768",
          0x6399: "X25519Kyber768"}
PROXY2 = b"\r\n\r\n\0\r\nQUIT\n"


@dataclasses.dataclass
class Hello:
    source: str
    name: str
    data: bytes  # the record
    segments: int  # a PROXY header before it counts
    key_shares: list


@dataclasses.dataclass
class Flow:
    source: str
    first: int  # sequence number of the first byte
    pieces: dict


def packets(path):
    with open(path, "rb") as file:
        data = file.read()
    at = 24
    while at + 16 <= len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        yield data[at + 16:at + 16 + size]
        at += 16 + size


def tcp_of(frame):
    """(source, TCP segment), or None."""
    kind = struct.unpack_from("!H", frame, 12)[0]
    if kind == 0x0800 and frame[23] == 6:
        end = 14 + struct.unpack_from("!H", frame, 16)[0]
        return str(ipaddress.ip_address(frame[26:30])), frame[14 + (frame[14] & 15) * 4:end]
    if kind == 0x86dd and frame[20] == 6:
        return str(ipaddress.ip_address(frame[22:38])), frame[54:54 + struct.unpack_from("!H", frame, 18)[0]]
    return None


def flows(path):
    found = {}
    for source, tcp in filter(None, map(tcp_of, packets(path))):
        port, sequence = struct.unpack_from("!HxxI", tcp)
        if tcp[13] & 2:
            found[source, port] = Flow(source, sequence + 1, {})
        elif (source, port) in found and len(tcp) > tcp[12] // 16 * 4:
            flow = found[source, port]
            offset = (sequence - flow.first) & 0xffffffff
            if offset < 16384:
                flow.pieces.setdefault(offset, tcp[tcp[12] // 16 * 4:])
    return found.values()


def vector(data, at, width):
    """What a vector of TLS with a length of `width` bytes holds, and where it ends."""
    end = at + width + int.from_bytes(data[at:at + width], "big")
    return data[at + width:end], end


def extensions(message):
    at = 4 + 2 + 32
    for width in (1, 2, 1):  # session, ciphers, compression
        _, at = vector(message, at, width)
    rest, _ = vector(message, at, 2)
    at, found = 0, {}
    while at < len(rest):
        kind = struct.unpack_from("!H", rest, at)[0]
        found[kind], at = vector(rest, at + 2, 2)
    return found


def shares(data):
    names, (entries, _) = [], vector(data, 0, 2)
    at = 0
    while at < len(entries):
        group = struct.unpack_from("!H", entries, at)[0]
        _, at = vector(entries, at + 2, 2)
        if group & 0x0f0f != 0x0a0a:  # GREASE (RFC 8701)
            names.append(GROUPS.get(group, hex(group)))
    return names


def start_of_hello(data):
    """Behind the PROXY header, version 2, that a server gets."""
    if not data.startswith(PROXY2):
        return 0
    return 16 + struct.unpack_from("!H", data, 14)[0]


def end_of_hello(data):
    """How many bytes it takes at least, as far as can be said from these."""
    if len(data) < 16:
        return 16
    start = start_of_hello(data)
    return start + 5 + (struct.unpack_from("!H", data, start + 3)[0] if len(data) >= start + 5 else 0)


def hello_of(flow):
    data, segments = b"", 0
    while len(data) < (end := end_of_hello(data)):
        piece = flow.pieces.get(len(data))
        if not piece:
            return None
        data, segments = data + piece, segments + 1
    record = data[start_of_hello(data):end]
    if record[0] != 22 or record[5] != 1:
        return None
    found = extensions(record[5:])
    name = found[0][5:].decode() if 0 in found else "-"
    return Hello(flow.source, name, record, segments, shares(found.get(51, b"\0\0")))


def hellos(path):
    return [hello for hello in map(hello_of, flows(path)) if hello]
