#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Asks the lab's app once from each of the client's addresses, as `ip` lists them, and says how many of
each kind it saw under their own address. Run inside the client's namespace."""
import asyncio
import ipaddress
import json
import ssl
import subprocess
import sys

NAME, PUBLIC = "www.example.org", {4: "203.0.113.10", 6: "2001:db8:113::10"}
HOMES = 128  # prefix length of the addresses that stand for a home each, in a /64 of its own


def addresses():
    """Each source with its kind: IPv4, IPv6 of one network, or of a home of its own."""
    devices = json.loads(subprocess.run(["ip", "-json", "addr", "show", "dev", "wan0"], check=True,
                                        capture_output=True, text=True).stdout)
    for one in devices[0]["addr_info"]:
        if one["scope"] == "global":
            homes = one["family"] == "inet6" and one["prefixlen"] == HOMES
            yield one["local"], "homes" if homes else one["family"]


async def seen_as(tls, source):
    public = PUBLIC[ipaddress.ip_address(source).version]
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(public, 443, ssl=tls, server_hostname=NAME,
                                                       local_addr=(source, 0))
        writer.write(f"GET /whoami HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
    return json.loads(answer.split(b"\r\n\r\n", 1)[1])["client"]


async def main():
    tls, at_once = ssl.create_default_context(cafile=sys.argv[1]), asyncio.Semaphore(50)
    right = {"inet": 0, "inet6": 0, "homes": 0}

    async def ask(source, kind):
        async with at_once:
            seen = await seen_as(tls, source)
        right[kind] += seen == source

    results = await asyncio.gather(*(ask(*one) for one in addresses()), return_exceptions=True)
    errors = [repr(one) for one in results if isinstance(one, Exception)]
    print(*right.values(), *errors[:1])


asyncio.run(main())
