#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Opens COUNT connections to the lab's public address from ten sources, says nothing on them, holds them until its input ends or 60 s
are over."""
import select
import socket
import sys

held = []
for i in range(min(int(sys.argv[1]), 1000)):
    one = socket.socket()
    one.settimeout(5)
    one.bind((f"198.51.100.{100 + i % 10}", 0))
    try:
        one.connect(("203.0.113.10", 443))
        held.append(one)
    except OSError:
        one.close()
print(len(held), "open", flush=True)
select.select([sys.stdin], [], [], 60)
