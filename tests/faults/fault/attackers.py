# SPDX-License-Identifier: BSD-3-Clause
"""Clients that have their addresses and mean ill, in a process of their own. Run inside the client's namespace as:
attackers.py KIND COUNT SECONDS. It says "ready", waits for a line, then attacks until the next line or the time is up, and
says in JSON what it got."""
import asyncio
import json
import os
import resource
import socket
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.dirname(HERE), os.path.join(os.path.dirname(os.path.dirname(HERE)), "lab")]

from lib.hello import client_hello  # noqa: E402
from lib.site import PUBLIC  # noqa: E402
from fault import talk  # noqa: E402
from fault.plan import GUILTY, NAMES  # noqa: E402

MOST_SECONDS = 120


class Attack:
    def __init__(self, count):
        self.count, self.got = count, {"opened": 0, "served": 0, "refused": 0, "ended": 0}

    async def open(self, number, receive_buffer=None):
        family = (4, 6)[number % 2]
        sources = GUILTY[family]
        sock = socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            sock.bind((sources[number // 2 % len(sources)], 0))
            await asyncio.wait_for(asyncio.get_running_loop().sock_connect(sock, (PUBLIC[family], 443)), 5)
        except BaseException:
            sock.close()
            raise
        self.got["opened"] += 1
        return sock

    async def again_and_again(self, number, once):
        while True:
            try:
                await once(number)
                self.got["served"] += 1
            except (OSError, asyncio.TimeoutError) as error:
                self.got["refused" if isinstance(error, (asyncio.TimeoutError, ConnectionRefusedError)) else "ended"] += 1
                await asyncio.sleep(0.2)

    async def slowloris(self, number):
        """A hello, one byte at a time."""
        loop, sock = asyncio.get_running_loop(), await self.open(number)
        with sock:
            for octet in client_hello(NAMES["service"]):
                await loop.sock_sendall(sock, bytes((octet,)))
                await asyncio.sleep(0.5)

    async def big_hellos(self, number):
        """One of 16 KiB that lacks its last byte, held until the dam gives up."""
        loop, sock = asyncio.get_running_loop(), await self.open(number)
        with sock:
            text = client_hello(NAMES["service"], padding=16000)
            await loop.sock_sendall(sock, text[:-1])
            await asyncio.wait_for(loop.sock_recv(sock, 1), 10)

    async def churn(self, number, name="service"):
        """A connection, its hello, one request, over; as fast as it goes."""
        loop, sock = asyncio.get_running_loop(), await self.open(number)
        with sock:
            ask, right = talk.request(number, 10, 10)
            await loop.sock_sendall(sock, client_hello(NAMES[name]) + ask)
            if not await asyncio.wait_for(loop.sock_recv(sock, len(right)), 5):
                raise ConnectionResetError

    async def churn_strict(self, number):
        await self.churn(number, "strict")

    async def tiny_windows(self, number):
        """Asks for much and reads a byte a second: one-packet windows and then none."""
        loop, sock = asyncio.get_running_loop(), await self.open(number, 2304)
        with sock:
            ask, _ = talk.request(number, 10, 1 << 20)
            await loop.sock_sendall(sock, client_hello(NAMES["service"]) + ask)
            while await asyncio.wait_for(loop.sock_recv(sock, 1), 30):
                await asyncio.sleep(1)

    async def ports(self, number):
        """A connection that is kept, so that its source port is."""
        loop, sock = asyncio.get_running_loop(), await self.open(number)
        with sock:
            ask, right = talk.request(number, 10, 10)
            await loop.sock_sendall(sock, client_hello(NAMES["service"]) + ask)
            got = b""
            while len(got) < len(right):
                part = await asyncio.wait_for(loop.sock_recv(sock, len(right)), 10)
                if not part:
                    raise ConnectionResetError
                got += part
            self.got["held"] = self.got.get("held", 0) + 1
            try:
                await loop.sock_recv(sock, 1)
            finally:
                self.got["held"] -= 1

    async def main(self, kind, seconds):
        loop = asyncio.get_running_loop()
        lines = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        print("ready", flush=True)
        await lines.readline()
        once, tasks = getattr(self, kind), []
        for number in range(self.count):
            tasks.append(asyncio.ensure_future(self.again_and_again(number, once)))
            if number % 20 == 19:
                await asyncio.sleep(0.01)
        try:
            await asyncio.wait_for(lines.readline(), min(seconds, MOST_SECONDS))
        except asyncio.TimeoutError:
            pass
        print(json.dumps(self.got), flush=True)
        os._exit(0)  # thousands of sockets: the kernel closes them


if __name__ == "__main__":
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    os.nice(5)
    asyncio.run(Attack(int(sys.argv[2])).main(sys.argv[1], float(sys.argv[3])))
