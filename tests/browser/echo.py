# SPDX-License-Identifier: BSD-3-Clause
"""A small WebSocket server for the browser test, behind nginx: says who the client is, speaks unasked
twenty times a second, and gives back what it is sent."""
import asyncio
import contextlib
import json
import sys

import websockets

EVERY_SECONDS = 0.05


async def speak(socket):
    number = 0
    with contextlib.suppress(websockets.ConnectionClosed):
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            number += 1
            await socket.send(json.dumps({"unasked": number}))


async def serve(socket):
    await socket.send(json.dumps({"client": socket.request_headers["X-Real-IP"]}))
    speaking = asyncio.create_task(speak(socket))
    async for message in socket:
        await socket.send(message)
    await speaking


async def main():
    async with websockets.serve(serve, "127.0.0.1", int(sys.argv[1]), max_size=1 << 20, compression=None):
        await asyncio.Future()


if __name__ == "__main__":
    asyncio.run(main())
