# SPDX-License-Identifier: BSD-3-Clause
"""The legitimate load, a process of its own in the client's namespace: visits (a new connection, a ClientHello, one request
and its checked answer), and conversations that stand and are checked byte by byte. Lines on standard input steer it: "begin",
"report" (answers by a line of JSON about all since "begin"), "standing" (the ends of the conversations)."""
import asyncio
import errno
import json
import os
import random
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.dirname(HERE), os.path.join(os.path.dirname(os.path.dirname(HERE)), "lab")]

from lib.hello import client_hello  # noqa: E402
from lib.site import PUBLIC  # noqa: E402
from fault import talk  # noqa: E402
from fault.plan import INNOCENT, NAMES  # noqa: E402

TRIES, TRY_SECONDS, TURN_SECONDS, SLOW_SECONDS = 3, 8, 60, 5
VISITS = {"service": 20, "management": 8, "strict": 4}           # a second
CONVERSATIONS = {"service": 16, "management": 6, "strict": 4}
PAUSE, BULK_PAUSE, BULK = 0.25, 0.1, 65536                       # seconds, and bytes of a turn


class WrongBytes(Exception):
    pass


class Tally:
    def __init__(self):
        self.visits = {zone: {"ok": 0, "retried": 0, "lost": 0, "ms": [], "why": {}} for zone in VISITS}
        self.broken, self.turns, self.wrong, self.slowest_turn_ms, self.lost_sources = [], 0, 0, 0, []
        self.slow = []


class Load:
    def __init__(self, seed):
        self.dice, self.tally, self.pending, self.standing = random.Random(seed), Tally(), set(), {}

    async def connect(self, zone, family, source):
        reader, writer = await asyncio.open_connection(PUBLIC[family], 443, local_addr=(source, 0))
        writer.write(client_hello(NAMES[zone], post_quantum=self.dice.random() < 0.5))
        return reader, writer

    async def turn(self, reader, writer, up, down):
        ask, right = talk.request(self.dice.getrandbits(40), up, down)
        writer.write(ask)
        if await reader.readexactly(len(right)) != right:
            self.tally.wrong += 1
            raise WrongBytes()

    async def attempt(self, zone, family, source, stage):
        """stage: how far it came, in words."""
        writer = None
        try:
            stage[0] = "before it was connected"
            reader, writer = await self.connect(zone, family, source)
            stage[0] = "before the answer"
            await self.turn(reader, writer, 300, 1200)
            writer.close()
        except BaseException:
            if writer:
                writer.transport.abort()
            raise

    async def visit(self, zone, number):
        family = (4, 6)[number % 2]
        source, tally, begun = INNOCENT[family][number // 2 % 30], self.tally, time.monotonic()
        seen = tally.visits[zone]
        attempt, stage = 0, [""]
        while attempt < TRIES:
            try:
                await asyncio.wait_for(self.attempt(zone, family, source, stage), TRY_SECONDS)
                seen["ok"] += 1
                seen["retried"] += attempt > 0
                seen["ms"].append((time.monotonic() - begun) * 1000)
                return
            except (OSError, EOFError, asyncio.TimeoutError, WrongBytes) as error:
                if getattr(error, "errno", None) == errno.ENETUNREACH:  # the client's own cable is out: nobody was asked
                    await asyncio.sleep(0.1)
                    continue
                attempt += 1
                why = f"{type(error).__name__} {stage[0]}"
                seen["why"][why] = seen["why"].get(why, 0) + 1
        seen["lost"] += 1
        tally.lost_sources.append(source)

    async def visits(self, zone, per_second):
        number, due = 0, time.monotonic()
        while True:
            task = asyncio.ensure_future(self.visit(zone, number))
            self.pending.add(task)
            task.add_done_callback(self.pending.discard)
            number += 1
            due = max(due + 1 / per_second, time.monotonic() - 1)
            await asyncio.sleep(max(0, due - time.monotonic()))

    async def converse(self, zone, number, bulk=None):
        """For ever: another one where one has broken."""
        family = (4, 6)[number % 2]
        source, key = INNOCENT[family][number % 30], f"{zone}-{bulk or number}"
        while True:
            begun = time.monotonic()
            try:
                reader, writer = await asyncio.wait_for(self.connect(zone, family, source), TRY_SECONDS)
                await asyncio.wait_for(self.turn(reader, writer, 10, 10), TRY_SECONDS)
            except (OSError, EOFError, asyncio.TimeoutError):
                await asyncio.sleep(0.5)
                continue
            self.standing[key] = [*writer.get_extra_info("sockname")[:2], *writer.get_extra_info("peername")[:2]]
            error = await self.turns(reader, writer, bulk, key, source)
            del self.standing[key]
            self.tally.broken.append({"who": key, "why": repr(error)[:80], "age": round(time.monotonic() - begun, 1)})
            writer.transport.abort()

    async def turns(self, reader, writer, bulk, key, source):
        """Gives the error that ended it."""
        sizes = {"up": (BULK, 8), "down": (8, BULK)}.get(bulk)
        while True:
            begun = time.monotonic()
            up, down = sizes or (self.dice.randrange(2000), self.dice.randrange(4000))
            try:
                await asyncio.wait_for(self.turn(reader, writer, up, down), TURN_SECONDS)
            except (OSError, EOFError, asyncio.TimeoutError, WrongBytes) as error:
                return error
            spent = time.monotonic() - begun
            self.tally.turns += 1
            self.tally.slowest_turn_ms = max(self.tally.slowest_turn_ms, spent * 1000)
            if spent > SLOW_SECONDS:
                self.tally.slow.append({"who": key, "source": source, "seconds": round(spent, 1)})
            await asyncio.sleep(BULK_PAUSE if bulk else PAUSE)

    async def report(self):
        """Visits that are under way belong to it."""
        if self.pending:
            await asyncio.wait(list(self.pending), timeout=TRIES * TRY_SECONDS + 2)
        tally = self.tally
        visits = {}
        for zone, seen in tally.visits.items():
            took = sorted(seen["ms"])
            visits[zone] = {**{name: seen[name] for name in ("ok", "retried", "lost", "why")}, "p50_ms": took[len(took) // 2] if took else None,
                            "p99_ms": took[len(took) * 99 // 100] if took else None}
        return {"visits": visits, "broken": tally.broken, "turns": tally.turns, "wrong": tally.wrong,
                "slowest_turn_ms": tally.slowest_turn_ms, "standing": len(self.standing),
                "lost_sources": sorted(set(tally.lost_sources)), "slow": tally.slow}

    async def main(self):
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        work = [self.visits(zone, rate) for zone, rate in VISITS.items()]
        work += [self.converse(zone, n) for zone, count in CONVERSATIONS.items() for n in range(count)]
        work += [self.converse(zone, 9 + n, bulk) for zone in ("service", "management")
                 for n, bulk in enumerate(("up", "down"))]
        tasks = [asyncio.ensure_future(one) for one in work]
        while line := (await reader.readline()).decode().strip():
            if line == "begin":
                self.tally = Tally()
                said = {}
            else:
                said = await self.report() if line == "report" else self.standing
            print(json.dumps(said), flush=True)
        for task in tasks:
            task.cancel()


if __name__ == "__main__":
    asyncio.run(Load(int(sys.argv[1])).main())
