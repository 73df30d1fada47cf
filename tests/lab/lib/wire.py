# SPDX-License-Identifier: BSD-3-Clause
"""A bad cable: relays frames between two devices of its namespace and loses, doubles and reorders some
of them, as netem would (which not every kernel has). Same seed, same luck. It can also tag one side's
frames with a VLAN, or be merely a long one. What it did is counted in a file, for each direction. Run as:
wire.py DEVICE DEVICE [--loss %] [--duplicate %] [--reorder %] [--delay MS] [--counts FILE] ..."""
import argparse
import collections
import mmap
import os
import random
import select
import socket
import struct
import time

_SOL_PACKET, _AUXDATA, _IGNORE_OUTGOING, _VLAN_VALID = 263, 8, 23, 0x10
HELD_SECONDS = 0.004
COUNTED = ("frames", "lost", "doubled", "overtaken")
COUNTS_BYTES = 2 * 8 * len(COUNTED)


def read_counts(path):
    """What the wire of that file has done so far, both directions together."""
    with open(path, "rb") as handle:
        words = struct.unpack(f"={2 * len(COUNTED)}Q", handle.read(COUNTS_BYTES))
    return {name: words[at] + words[at + len(COUNTED)] for at, name in enumerate(COUNTED)}


class Counts:
    """One direction's part of the file. One writer each."""

    def __init__(self, path, direction):
        with open(path, "r+b") as handle:
            whole = mmap.mmap(handle.fileno(), COUNTS_BYTES)
        half = COUNTS_BYTES // 2
        self._words = memoryview(whole).cast("Q")[direction * half // 8:(direction + 1) * half // 8]

    def add(self, name):
        self._words[COUNTED.index(name)] += 1


class Uncounted:
    def add(self, name):
        pass


def open_device(name):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    sock.bind((name, 3))
    sock.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
    sock.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
    return sock


def plain_reader(sock):
    buffer = bytearray(65536)
    view = memoryview(buffer)
    return lambda: view[:sock.recv_into(buffer)]


def untagging_reader(sock, vlan):
    """Frames of that VLAN without their tag, which the kernel keeps beside the frame."""
    sock.setsockopt(_SOL_PACKET, _AUXDATA, 1)

    def read():
        frame, extra, _, _ = sock.recvmsg(65536, 128)
        for level, kind, data in extra:
            if level == _SOL_PACKET and kind == _AUXDATA:
                status, _, _, _, _, tci, _ = struct.unpack("=IIIHHHH", data)
                if status & _VLAN_VALID and tci & 0xFFF == vlan:
                    return memoryview(frame)
        return None

    return read


def tagged(frame, vlan):
    return bytes(frame[:12]) + struct.pack("!HH", 0x8100, vlan) + bytes(frame[12:])


def relay_late(read, source, write, options, _, counts):
    """One direction of a long cable, for ever: all frames in their order, each so much later."""
    late, seconds = collections.deque(), options.delay / 1000
    while True:
        left = max(0, late[0][0] - time.monotonic()) if late else None
        if select.select([source], [], [], left)[0]:
            frame = read()
            if frame is not None:
                counts.add("frames")
                late.append((time.monotonic() + seconds, bytes(frame)))
        while late and late[0][0] <= time.monotonic():
            try:
                write(late.popleft()[1])
            except OSError:
                pass  # a full queue loses frames, as a real one does


def relay(read, source, write, options, dice, counts):
    """One direction, for ever. A reordered frame waits until two others have passed it."""
    lose, double, swap = (options.loss / 100, options.duplicate / 100, options.reorder / 100)
    held, passed = None, 0

    def send(frame):
        try:
            write(frame)
        except OSError:
            pass  # a full queue loses frames, as a real one does

    while True:
        if held is not None and (passed >= 2 or not select.select([source], [], [], HELD_SECONDS)[0]):
            send(held)
            if passed:
                counts.add("overtaken")
            held = None
            continue
        frame = read()
        if frame is None:
            continue
        counts.add("frames")
        if dice() < lose:
            counts.add("lost")
            continue
        if held is None and dice() < swap:
            held, passed = bytes(frame), 0
            continue
        passed += 1
        send(frame)
        if double and dice() < double:
            counts.add("doubled")
            send(frame)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("devices", nargs=2)
    for name in ("loss", "duplicate", "reorder"):
        parser.add_argument("--" + name, type=float, default=0)
    parser.add_argument("--delay", type=float, default=0, help="milliseconds each way; such a cable does nothing else")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--vlan", type=int, help="frames on the second device bear this tag")
    parser.add_argument("--counts", help="a file of COUNTS_BYTES zeros")
    options = parser.parse_args()
    a, b = (open_device(name) for name in options.devices)
    go = relay_late if options.delay else relay
    child = os.fork()
    dice = random.Random(options.seed + bool(child)).random
    counts = Counts(options.counts, bool(child)) if options.counts else Uncounted()
    if child == 0:
        write = b.send if options.vlan is None else lambda frame: b.send(tagged(frame, options.vlan))
        go(plain_reader(a), a, write, options, dice, counts)
    else:
        read = plain_reader(b) if options.vlan is None else untagging_reader(b, options.vlan)
        go(read, b, a.send, options, dice, counts)


if __name__ == "__main__":
    main()
