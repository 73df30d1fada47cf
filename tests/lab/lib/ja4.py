# SPDX-License-Identifier: BSD-3-Clause
"""JA4 of a ClientHello, by its document's words: what the dam's own is held against."""
import hashlib
import struct

GREASE = {n << 8 | n for n in range(0x0A, 0x100, 0x10)}
VERSIONS = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3"}


def _numbers(body):
    return [n for n in struct.unpack(f"!{len(body) // 2}H", body) if n not in GREASE]


def _hash(text):
    return hashlib.sha256(text.encode()).hexdigest()[:12] if text else "0" * 12


def _hex(numbers):
    return ",".join(f"{n:04x}" for n in numbers)


def _shown(protocol):
    if not protocol:
        return "00"
    ends = protocol[:1] + protocol[-1:]
    return ends.decode() if ends.isalnum() else protocol.hex()[0] + protocol.hex()[-1]


def of(records):
    """Of the client's first octets, record headers included."""
    text = b""
    while records:
        size = int.from_bytes(records[3:5], "big")
        text, records = text + records[5:5 + size], records[5 + size:]
    version, at = int.from_bytes(text[4:6], "big"), 38
    at += 1 + text[at]
    size = int.from_bytes(text[at:at + 2], "big")
    ciphers, at = _numbers(text[at + 2:at + 2 + size]), at + 2 + size
    at += 1 + text[at] + 2
    extensions = {}
    while at < len(text):
        kind, size = struct.unpack("!HH", text[at:at + 4])
        extensions[kind] = text[at + 4:at + 4 + size]
        at += 4 + size
    kinds = sorted(kind for kind in extensions if kind not in GREASE)
    if 43 in extensions:
        version = max(_numbers(extensions[43][1:]))
    protocol = extensions[16][3:3 + extensions[16][2]] if 16 in extensions else b""
    listed = _hex(kind for kind in kinds if kind not in (0, 16))
    signatures = _hex(_numbers(extensions[13][2:])) if 13 in extensions else ""
    return (f"t{VERSIONS.get(version, '00')}{'d' if 0 in extensions else 'i'}{min(len(ciphers), 99):02}"
            f"{min(len(kinds), 99):02}{_shown(protocol)}_{_hash(_hex(sorted(ciphers)))}_"
            f"{_hash(listed + '_' + signatures if signatures else listed)}")
