# SPDX-License-Identifier: BSD-3-Clause
"""What clients and servers of the load say to each other. After its ClientHello a client asks again and again: how many
bytes follow, how many it wants, and a seed from which both sides make them. The answer begins with a digest of what came."""
import hashlib
import random
import struct

REQUEST = struct.Struct("!4sQII")
MAGIC = b"ask!"
DIGEST = 8


def noise(count, seed):
    return random.Random(seed).randbytes(count)


def digest(data):
    return hashlib.blake2b(data, digest_size=DIGEST).digest()


def request(seed, up, down):
    """Its bytes, and those of the only right answer."""
    body = noise(up, seed)
    return REQUEST.pack(MAGIC, seed, up, down) + body, digest(body) + noise(down, seed + 1)


def answer(read, write):
    """A server's turn: read(count) gives that many bytes."""
    magic, seed, up, down = REQUEST.unpack(read(REQUEST.size))
    if magic != MAGIC:
        raise ValueError("no request")
    write(digest(read(up)) + noise(down, seed + 1))


def hello_length(first_five):
    return int.from_bytes(first_five[3:5], "big")
