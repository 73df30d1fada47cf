# SPDX-License-Identifier: BSD-3-Clause
"""TLS ClientHellos made by hand (RFC 8446 §4.1.2), whole or cut up in odd ways."""
import os
import struct


def _vector(size, body):
    return len(body).to_bytes(size, "big") + body


def _extension(kind, body):
    return struct.pack("!H", kind) + _vector(2, body)


def _key_shares(post_quantum):
    shares = b""
    if post_quantum:  # X25519MLKEM768: 1,184 bytes of ML-KEM and 32 of X25519
        shares += struct.pack("!H", 0x11EC) + _vector(2, os.urandom(1184 + 32))
    return shares + struct.pack("!H", 0x001D) + _vector(2, os.urandom(32))


def message(name=None, alpn=(), post_quantum=False, padding=0, tls13=True):
    """The handshake message, without record headers."""
    extensions = b""
    if name is not None:
        extensions += _extension(0, _vector(2, b"\0" + _vector(2, name.encode())))
    if tls13:
        extensions += _extension(43, _vector(1, b"\x03\x04"))
        extensions += _extension(10, _vector(2, b"\x11\xec\x00\x1d" if post_quantum else b"\x00\x1d"))
        extensions += _extension(13, _vector(2, b"\x04\x03\x08\x04"))
        extensions += _extension(51, _vector(2, _key_shares(post_quantum)))
    if alpn:
        names = b"".join(_vector(1, one.encode()) for one in alpn)
        extensions += _extension(16, _vector(2, names))
    if padding:
        extensions += _extension(21, bytes(padding))
    body = b"\x03\x03" + os.urandom(32) + _vector(1, os.urandom(32))
    body += _vector(2, b"\x13\x01\x13\x02") + _vector(1, b"\0") + _vector(2, extensions)
    return b"\x01" + _vector(3, body)


def records(text, sizes=()):
    """The message in TLS records: one of each given size, the rest in the last one."""
    out = b""
    for size in list(sizes) + [len(text)]:
        piece, text = text[:size], text[size:]
        if piece:
            out += b"\x16\x03\x01" + _vector(2, piece)
    return out


def client_hello(name=None, **fields):
    return records(message(name, **fields))


def split_in_name(name, **fields):
    """Two records, cut in the middle of the server name."""
    text = message(name, **fields)
    return records(text, [text.index(name.encode()) + len(name) // 2])
