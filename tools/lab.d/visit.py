#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Visits an HTTPS site at a steady pace, each visit over a connection of its own, and says how it
went as one line of JSON. Bounded: --rate visits a second for --seconds, then it ends by itself; sooner when told to (SIGTERM).
Visits start on schedule whether or not earlier ones are done, so a slow site shows as slow."""
import argparse
import asyncio
import collections
import json
import signal
import ssl
import sys
import time


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", required=True, help="public address")
    parser.add_argument("--name", required=True, help="server name")
    parser.add_argument("--source", action="append", required=True, help="client address; repeatable")
    parser.add_argument("--ca", required=True)
    parser.add_argument("--path", action="append", help="what a visit fetches; repeatable")
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--timeout", type=float, default=2.0, help="seconds for one visit")
    return parser.parse_args()


async def fetch(reader, writer, name, path):
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    size = next(int(line[15:]) for line in head.split("\r\n") if line.startswith("content-length:"))
    await reader.readexactly(size)
    if head.split(" ", 2)[1] != "200":
        raise ValueError("status " + head.split(" ", 2)[1])


async def visit(options, tls, source, results):
    started, writer = time.monotonic(), None
    try:
        async with asyncio.timeout(options.timeout):
            reader, writer = await asyncio.open_connection(
                options.to, 443, ssl=tls, server_hostname=options.name, local_addr=(source, 0))
            for path in options.path or ["/"]:
                await fetch(reader, writer, options.name, path)
        results["times"].append((time.monotonic() - started) * 1000)
    except (OSError, ValueError, asyncio.IncompleteReadError) as error:
        results["errors"][type(error).__name__] += 1
    finally:
        if writer:
            writer.transport.abort() if writer.is_closing() else writer.close()


def quantile(times, share):
    return round(sorted(times)[min(len(times) - 1, int(len(times) * share))], 1) if times else None


async def main():
    options = arguments()
    tls = ssl.create_default_context(cafile=options.ca)
    results = {"times": [], "errors": collections.Counter()}
    started, visits, told = time.monotonic(), [], asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    for number in range(int(options.rate * options.seconds)):
        await asyncio.sleep(max(0, started + number / options.rate - time.monotonic()))
        if told.is_set():
            break
        source = options.source[number % len(options.source)]
        visits.append(asyncio.create_task(visit(options, tls, source, results)))
    trying = time.monotonic() - started
    await asyncio.gather(*visits)
    times = results["times"]
    print(json.dumps({
        "visits": len(visits), "ok": len(times), "failed": len(visits) - len(times),
        "p50_ms": quantile(times, 0.5), "p99_ms": quantile(times, 0.99),
        "seconds": round(trying, 2), "errors": results["errors"]}))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
