# SPDX-License-Identifier: BSD-3-Clause
"""A bad cable: relays frames between two devices of its namespace and loses, doubles and reorders some
of them, as netem would (which not every kernel has). Same seed, same luck. It can also tag one side's
frames with a VLAN. Run as: wire.py DEVICE DEVICE [--loss %] [--duplicate %] [--reorder %] ..."""
import argparse
import os
import random
import select
import socket
import struct

_SOL_PACKET, _AUXDATA, _IGNORE_OUTGOING, _VLAN_VALID = 263, 8, 23, 0x10
HELD_SECONDS = 0.004


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


def relay(read, source, write, options, dice):
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
            held = None
            continue
        frame = read()
        if frame is None or dice() < lose:
            continue
        if held is None and dice() < swap:
            held, passed = bytes(frame), 0
            continue
        passed += 1
        send(frame)
        if double and dice() < double:
            send(frame)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("devices", nargs=2)
    for name in ("loss", "duplicate", "reorder"):
        parser.add_argument("--" + name, type=float, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--vlan", type=int, help="frames on the second device bear this tag")
    options = parser.parse_args()
    a, b = (open_device(name) for name in options.devices)
    child = os.fork()
    dice = random.Random(options.seed + bool(child)).random
    if child == 0:
        write = b.send if options.vlan is None else lambda frame: b.send(tagged(frame, options.vlan))
        relay(plain_reader(a), a, write, options, dice)
    else:
        read = plain_reader(b) if options.vlan is None else untagging_reader(b, options.vlan)
        relay(read, b, a.send, options, dice)


if __name__ == "__main__":
    main()
