# SPDX-License-Identifier: BSD-3-Clause
"""Cables that go and come back, stations that change their link address, servers that die."""
import random
import time

from lib import suite

from fault.outcome import Promise, Scenario


def calm(world):
    time.sleep(5)


def _flap(role, times=5):
    def play(world):
        dice, namespace = random.Random(world.options.seed), getattr(world.site, role)
        for _ in range(times):
            namespace.ip("link", "set", "eth0", "down")
            time.sleep(dice.uniform(0.05, 0.8))
            namespace.ip("link", "set", "eth0", "up")
            time.sleep(dice.uniform(0.5, 1.5))
        suite.eventually(lambda: all(world.front.server_up(name) for name in world.servers), 10, "the servers up")
        time.sleep(1)
    return play


def new_macs(world):
    """Everybody gets another link address, as when a machine or a card is replaced, twice."""
    for turn in range(2):
        for number, role in enumerate(("client", "service", "management")):
            getattr(world.site, role).ip("link", "set", "eth0", "address", f"02:00:5e:{turn:02x}:{number:02x}:01")
            time.sleep(2)


def server_dies(world):
    for _ in range(2):
        world.stop_server("service")
        time.sleep(4)
        world.start_server("service")
        suite.eventually(lambda: world.front.server_up("service"), 10, "the server up")
        time.sleep(1)


FLAP = Promise(retried=0.5, management_p99_ms=15000,
               why="who comes while the cable is out waits for TCP's next try: 1, 3, 7 s")
SCENARIOS = [
    Scenario("calm: nothing happens", calm),
    Scenario("the router's link flaps five times", _flap("client"), FLAP),
    Scenario("the service servers' link flaps five times", _flap("service"), Promise(
        retried=0.5, why="the dam gives up on a server that does not answer after timeouts.connect, and the client tries again")),
    Scenario("the management server's link flaps five times", _flap("management"), FLAP),
    Scenario("router and servers change their link addresses", new_macs, Promise(
        retried=0.2, management_p99_ms=8000, why="until a neighbour's new address is learnt, frames go to the old one")),
    Scenario("a server is killed in the middle of transfers, twice", server_dies, Promise(
        retried=0.3, broken=("service", "strict"), why="its own conversations, and visits that it was answering, go with it")),
]
