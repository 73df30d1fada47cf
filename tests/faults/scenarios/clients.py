# SPDX-License-Identifier: BSD-3-Clause
"""Clients that do have their addresses, sixty of them, and mean ill."""
import time

from lib import suite

from fault.hostile import attackers
from fault.outcome import Promise, Scenario
from fault.plan import GUILTY

SECONDS = 8
BUSY = Promise(retried=0.05, management_p99_ms=2500, why="the attackers take the machine's time, too")


def _attack(kind, count):
    def play(world):
        with attackers(world, kind, count, SECONDS + 5) as got:
            time.sleep(SECONDS)
        return ", ".join(f"{name} {number:,}" for name, number in got.items())
    return play


def churn_strict(world):
    """Over its limits all the time: the attackers are banned, and nobody else."""
    with attackers(world, "churn_strict", 60, 40) as got:
        suite.eventually(lambda: world.front.zone("strict")["bans"] >= 10, 30, "bans")
        time.sleep(SECONDS)
        banned = world.front.zone("strict")["bans"]
    return ", ".join(f"{name} {number:,}" for name, number in got.items()) + f"; {banned} bans of {sum(map(len, GUILTY.values()))} attackers"


def ports(world):
    """More connections than there are ports towards the service servers; when they go, all is as before."""
    with attackers(world, "ports", 4400, 40) as got:
        drops = world.front.drops()["no_source_port"]
        suite.eventually(lambda: world.front.drops()["no_source_port"] > drops, 25, "ports that are used up")
        time.sleep(4)
        held = world.front.table("flows")
    suite.eventually(lambda: world.front.table("flows") < 300, 20, "their connections gone")
    time.sleep(3)
    world.ask("report")
    return f"{held:,} connections held; " + ", ".join(f"{name} {number:,}" for name, number in got.items())


SCENARIOS = [
    Scenario("hellos a byte at a time, 1,200 of them", _attack("slowloris", 1200), BUSY),
    Scenario("hellos of 16 KiB that never end, 1,000 of them", _attack("big_hellos", 1000), BUSY),
    Scenario("connection churn", _attack("churn", 60), BUSY),
    Scenario("connection churn in the zone that bans", churn_strict, BUSY),
    Scenario("400 clients with tiny and closed windows", _attack("tiny_windows", 400), BUSY),
    Scenario("all ports towards the servers are taken", ports, Promise(
        retried=1, lost=("service", "strict"), management_p99_ms=2500,
        why="both servers have no port left for the service's own clients; management has its own")),
]
