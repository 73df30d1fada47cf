# SPDX-License-Identifier: BSD-3-Clause
"""Sends the frames of a file round and round out of a device, at a rate and for a time, both bounded. Run inside a
namespace as: sender.py DEVICE FILE PER_SECOND SECONDS. It says "ready", waits for a line, and says at the end how many
it sent. Frames that are not for the lab's addresses are refused."""
import ipaddress
import os
import socket
import struct
import sys
import time

MOST_PER_SECOND, MOST_SECONDS, BURSTS = 100_000, 120, 500
LAB = [ipaddress.ip_network(one) for one in ("198.18.0.0/15", "203.0.113.0/24", "198.51.100.0/24", "2001:db8::/32")]


def write(path, frames):
    with open(path, "wb") as handle:
        for frame in frames:
            handle.write(struct.pack("!H", len(frame)) + frame)


def read(path):
    with open(path, "rb") as handle:
        data, at, frames = handle.read(), 0, []
    while at < len(data):
        size = struct.unpack_from("!H", data, at)[0]
        frames.append(data[at + 2:at + 2 + size])
        at += 2 + size
    return frames


def _is_labs(frame):
    kind, at = struct.unpack_from("!H", frame, 12)[0], 14
    while kind in (0x8100, 0x88A8):
        kind, at = struct.unpack_from("!H", frame, at + 2)[0], at + 4
    if kind not in (0x0800, 0x86DD):
        return False
    to = frame[at + 16:at + 20] if kind == 0x0800 else frame[at + 24:at + 40]
    return len(to) in (4, 16) and any(ipaddress.ip_address(to) in network for network in LAB)


def send_for(sock, frames, per_second, seconds):
    """In bursts; what could not be sent in time is not made up for. Gives how many were sent."""
    burst = max(1, int(per_second / BURSTS))
    sent = at = 0
    due = time.monotonic()
    end = due + seconds
    while (now := time.monotonic()) < end:
        if now < due:
            time.sleep(due - now)
        due = max(due + burst / per_second, now - 0.05)
        for _ in range(burst):
            try:
                sock.send(frames[at])
                sent += 1
            except OSError:
                pass  # no room in the queue: lost, as on a wire
            at = at + 1 if at + 1 < len(frames) else 0
    return sent


def main():
    device, path, per_second, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
    frames = read(path)
    if not frames or not all(map(_is_labs, frames)):
        sys.exit("not the lab's addresses")
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sock.bind((device, 0))
    os.nice(10)
    print("ready", flush=True)
    sys.stdin.readline()
    print(send_for(sock, frames, min(per_second, MOST_PER_SECOND), min(seconds, MOST_SECONDS)), flush=True)


if __name__ == "__main__":
    main()
