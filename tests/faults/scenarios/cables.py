# SPDX-License-Identifier: BSD-3-Clause
"""Cables that lose, double and reorder frames (lab/lib/wire.py: not every kernel has netem), alone and with kills."""
import copy
import time

from fault.outcome import Promise, Scenario

from . import kills

WIRES = {"client": ["--loss", 2, "--duplicate", 1, "--reorder", 3, "--seed", 11],
         "service": ["--loss", 1, "--duplicate", 2, "--reorder", 1, "--seed", 12]}
LOSSES = "a hello or an answer that is lost three times in a row outlasts the load's patience of 8 s"


def loss(world):
    with world.site.bad_cables(20):
        time.sleep(15)
    return "; ".join(world.site.notes[-2:])


def loss_and_kills(world):
    options, world.options = world.options, copy.copy(world.options)
    world.options.kills = 5
    try:
        return kills.play(world)
    finally:
        world.options = options


SCENARIOS = [
    Scenario("cables lose 2 % and 1 %, double and reorder", loss, Promise(retried=0.05, management_p99_ms=5000, why=LOSSES),
             wires=WIRES),
    Scenario("such cables, and five kills", loss_and_kills, Promise(retried=0.5, management_p99_ms=20000, why=LOSSES),
             wires=WIRES),
]
