#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Programs and people's kinds of traffic by real clients, each from an address of its own, for some minutes. Runs in the lab's
client node; prints {address: kind} first. Two sets, which have nothing but the kinds in common: settings are tuned on one and
judged by the other."""
import argparse
import asyncio
import json
import os
import random
import ssl
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "browser"))
import webdriver  # noqa: E402

PUBLIC = "203.0.113.10"
# What differs between the sets: gaps in seconds, pages, how long people read.
SETS = {
    "tuning": {"fixed": 2.0, "jittered": (1.0, 4.0), "herd": 15.0, "replay": 5.0, "reading": 1.8, "app": 6.0, "seed": 1,
               "fixed_path": "part1.txt", "jittered_path": "part2.txt", "herd_path": "part3.txt"},
    "judging": {"fixed": 3.1, "jittered": (0.5, 6.0), "herd": 19.0, "replay": 8.0, "reading": 2.2, "app": 9.0, "seed": 2,
                "fixed_path": "part4.txt", "jittered_path": "part1.txt", "herd_path": "index.html"},
}
HERD = 200


def sources():
    """Kind → addresses. .10 is an administrator's."""
    free = iter(f"198.51.100.{i}" for i in range(11, 255))
    counts = {"herd": HERD, "fixed": 6, "jittered": 6, "replay": 3, "reader": 4, "app": 8, "loader": 3, "office": 1}
    return {kind: [next(free) for _ in range(count)] for kind, count in counts.items()}


class Traffic:
    def __init__(self, options):
        self.options, self.how = options, SETS[options.set]
        self.random = random.Random(self.how["seed"])
        self.end = asyncio.get_running_loop().time() + options.seconds
        self.one_at_a_time = asyncio.Semaphore(12)  # curls: two cores are all there is

    def over(self):
        return asyncio.get_running_loop().time() >= self.end

    async def sleep(self, seconds):
        left = self.end - asyncio.get_running_loop().time()
        await asyncio.sleep(max(0, min(seconds, left)))

    async def curl(self, address, *paths):
        urls = [f"https://www.example.org/{path}" for path in paths]
        async with self.one_at_a_time:
            process = await asyncio.create_subprocess_exec(
                "curl", "-s", "--max-time", "10", "--interface", address, "--cacert", self.options.authority, "--resolve",
                f"www.example.org:443:{PUBLIC}", *(word for url in urls for word in ("-o", "/dev/null", url)))
            await process.wait()

    # Programs.
    async def fixed(self, address):
        await self.sleep(self.random.uniform(0, self.how["fixed"]))
        due = asyncio.get_running_loop().time()
        while not self.over():
            await self.curl(address, self.how["fixed_path"])
            due += self.how["fixed"]
            await self.sleep(due - asyncio.get_running_loop().time())

    async def jittered(self, address):
        while not self.over():
            await self.sleep(self.random.uniform(*self.how["jittered"]))
            await self.curl(address, self.how["jittered_path"])

    async def herd(self, address):
        await self.sleep(self.random.uniform(0, self.how["herd"]))
        while not self.over():
            await self.curl(address, self.how["herd_path"])
            await self.sleep(self.how["herd"] * self.random.uniform(0.8, 1.2))

    # A browser that goes the same way again and again.
    async def replay(self, address):
        async with Browser(self, address) as browser:
            due = asyncio.get_running_loop().time()
            turn = 0
            while not self.over():
                await browser.open(("index.html", "part1.txt", "part2.txt")[turn % 3])
                turn, due = turn + 1, due + self.how["replay"]
                await self.sleep(due - asyncio.get_running_loop().time())

    # People.
    async def reader(self, address):
        async with Browser(self, address) as browser:
            while not self.over():
                await browser.open(self.random.choice(["index.html", "part1.txt", "part2.txt", "part3.txt", "part4.txt"]))
                await self.sleep(self.random.lognormvariate(self.how["reading"], 0.9))

    async def office(self, address):  # several people behind one address
        await asyncio.gather(self.reader(address), self.reader(address), self.app(address))

    # Opened now and then: some requests down one connection, then silence.
    async def app(self, address):
        while not self.over():
            await self.sleep(self.random.expovariate(1 / self.how["app"]))
            try:
                await asyncio.wait_for(self.session(address, self.random.randint(2, 8)), 30)
            except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
                pass

    async def session(self, address, requests):
        context = ssl.create_default_context(cafile=self.options.authority)
        reader, writer = await asyncio.open_connection(PUBLIC, 443, ssl=context, server_hostname="www.example.org",
                                                       local_addr=(address, 0))
        for _ in range(requests):
            path = self.random.choice(["index.html", "part1.txt", "part3.txt", "missing"])
            writer.write(f"GET /{path} HTTP/1.1\r\nHost: www.example.org\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            for line in head.decode().lower().split("\r\n"):
                if line.startswith("content-length:"):
                    await reader.readexactly(int(line.split(":")[1]))
            await self.sleep(self.random.expovariate(1 / 1.5))
        writer.close()

    # Something large, then its parts, with a tool.
    async def loader(self, address):
        while not self.over():
            await self.curl(address, "index.html", "100k.bin")
            for _ in range(self.random.randint(1, 5)):
                await self.curl(address, "100k.bin")
            await self.sleep(self.random.expovariate(1 / 20))


class Browser:
    """A Chromium whose connections have an address: it goes by a SOCKS relay that binds it, and does its own TLS."""

    def __init__(self, traffic, address):
        self.traffic, self.address = traffic, address
        self.name = f"{address}-{traffic.random.getrandbits(32):08x}"

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.relay, "127.0.0.1", 0)
        port = self.server.sockets[0].getsockname()[1]
        home, profile = self.traffic.options.home, f"{self.traffic.options.scratch}/{self.name}"
        self.browser = await asyncio.to_thread(self.begin, home, profile, port)
        return self

    def begin(self, home, profile, port):
        self.driver = webdriver.Driver(home, port + 1 if port < 65000 else port - 1, f"{profile}.log")
        rules = "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"  # names are the relay's
        return webdriver.Browser(self.driver, profile, PUBLIC,
                                 more=[f"--proxy-server=socks5://127.0.0.1:{port}", f"--host-resolver-rules={rules}"])

    async def open(self, path):
        url = f"https://www.example.org/{path}"
        try:
            await asyncio.to_thread(self.driver.call, "POST", self.browser.path + "/url", {"url": url})
        except (OSError, webdriver.WebDriverError) as error:
            print(f"{self.name}: {error}", file=sys.stderr)

    async def __aexit__(self, *_):
        await asyncio.to_thread(self.driver.stop)
        self.server.close()

    async def relay(self, reader, writer):
        """SOCKS5 (RFC 1928), CONNECT alone; wherever it is asked for, it goes to the dam."""
        try:
            count = (await reader.readexactly(2))[1]
            await reader.readexactly(count)
            writer.write(b"\x05\x00")
            kind = (await reader.readexactly(4))[3]
            size = {1: 4, 4: 16}.get(kind) or (await reader.readexactly(1))[0]
            await reader.readexactly(size + 2)
            there = await asyncio.open_connection(PUBLIC, 443, local_addr=(self.address, 0))
            writer.write(b"\x05\x00\x00\x01" + bytes(6))
            await asyncio.gather(self.pass_on(reader, there[1]), self.pass_on(there[0], writer))
        except (OSError, asyncio.IncompleteReadError):
            writer.close()

    @staticmethod
    async def pass_on(reader, writer):
        try:
            while octets := await reader.read(65536):
                writer.write(octets)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


async def run(options):
    kinds = sources()
    print(json.dumps({address: kind for kind, all_of in kinds.items() for address in all_of}), flush=True)
    traffic = Traffic(options)
    done = await asyncio.gather(*(getattr(traffic, kind)(address) for kind, all_of in kinds.items() for address in all_of),
                                return_exceptions=True)
    for error in done:
        if error is not None:
            print(f"traffic: {error!r}", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", choices=SETS, required=True)
    parser.add_argument("--seconds", type=int, default=240)
    for name in ("authority", "home", "scratch"):
        parser.add_argument(f"--{name}", required=True)
    asyncio.run(run(parser.parse_args()))


main()
