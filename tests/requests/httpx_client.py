# SPDX-License-Identifier: BSD-3-Clause
"""httpx over HTTP/2, one connection: what curl does not do, as bodies piece by piece and many requests at once.
Run in the client's node as: httpx_client.py ADDRESS URL FUNCTION."""
import asyncio
import random
import socket
import sys

import httpx

DICE = random.Random(1)


def only_address(address):
    """Every name is there."""
    ask = socket.getaddrinfo
    socket.getaddrinfo = lambda _, *more, **how: ask(address, *more, **how)


def path(n):
    return f"/item/{n}/" + "x" * DICE.randrange(1, 120)


async def pieces(count, seconds):
    for _ in range(count):
        yield DICE.randbytes(DICE.randrange(30, 900))
        await asyncio.sleep(seconds)


async def upload(client, count, seconds=0.01):
    await client.post("/take", content=pieces(count, seconds))


async def get_all(client, count):
    for n in range(count):
        await client.get(path(n))


async def gets(client):
    await get_all(client, 60)


async def gets_beside_upload(client):
    await asyncio.gather(upload(client, 60, 0.03), get_all(client, 40))


async def upload_beside_download(client):
    """The client waits neither for the answer that comes nor for its own pieces."""
    async def download():
        async with client.stream("GET", "/large.bin") as answer:
            async for _ in answer.aiter_bytes():
                await asyncio.sleep(0.002)
    await asyncio.gather(download(), upload(client, 200, 0.005))


async def uploads(client):
    for _ in range(4):
        await upload(client, 200, 0.005)


async def uploads_at_once(client):
    await client.get("/item")
    await asyncio.gather(*(upload(client, 60) for _ in range(3)))


async def gets_at_once(client):
    for turn in range(10):
        await asyncio.gather(*(client.get(path(8 * turn + n)) for n in range(8)))


async def posts_at_once(client):
    for _ in range(6):
        await asyncio.gather(*(client.post("/take", content=DICE.randbytes(DICE.randrange(20, 400))) for _ in range(8)))


async def main():
    address, url, what = sys.argv[1:]
    only_address(address)
    async with httpx.AsyncClient(http2=True, verify=False, base_url=url, timeout=60, trust_env=False) as client:
        await globals()[what](client)


asyncio.run(main())
