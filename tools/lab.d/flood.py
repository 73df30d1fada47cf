#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Sends bare SYNs to one address of the lab at a steady pace and says how many. Bounded: --pps for
--seconds, then it ends by itself; other destinations than the lab's ranges are refused."""
import argparse
import ipaddress
import os
import socket
import struct
import time

LAB = [ipaddress.ip_network(n) for n in ("198.18.0.0/15", "203.0.113.0/24")]


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def syn(source, to, port):
    ports = struct.pack("!HH", 1024 + int.from_bytes(os.urandom(2)) % 64000, port)
    options = b"\x02\x04\x05\xb4"
    rest = os.urandom(4) + struct.pack("!IBBH", 0, 0x60, 0x02, 64240)
    pseudo = source + to + struct.pack("!BBH", 0, 6, 24)
    total = checksum(pseudo + ports + rest + b"\0\0\0\0" + options)
    return ports + rest + struct.pack("!HH", total, 0) + options


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", required=True, help="an IPv4 address of the lab")
    parser.add_argument("--source", required=True)
    parser.add_argument("--port", type=int, default=443)
    parser.add_argument("--pps", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    if not any(ipaddress.ip_address(options.to) in network for network in LAB):
        parser.error("--to must lie in the lab")
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
    raw.bind((options.source, 0))
    source, to = socket.inet_aton(options.source), socket.inet_aton(options.to)
    started, sent, refused = time.monotonic(), 0, 0
    while (elapsed := time.monotonic() - started) < options.seconds:
        while sent + refused < elapsed * options.pps:
            try:
                raw.sendto(syn(source, to, options.port), (options.to, 0))
                sent += 1
            except OSError:  # no neighbour yet, or a full queue
                refused += 1
        time.sleep(0.001)
    print(f'{{"sent": {sent}, "refused": {refused}}}')


if __name__ == "__main__":
    main()
