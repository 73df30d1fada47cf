# SPDX-License-Identifier: BSD-3-Clause
"""kill -9 of each process at random moments, sometimes again before the next one is well. What stood stays; what was
acknowledged holds."""
import random
import time

from fault.outcome import Promise, Scenario

VICTIMS = ["child"] * 4 + ["dataplane"] * 2 + ["keeper"] + ["controlplane"] * 3 + ["both"]


def _kill(world, whom, dice):
    world.kill(whom)
    time.sleep(dice.uniform(0, 0.2))
    world.start_again()


def play(world):
    dice, done, slowest = random.Random(world.options.seed), {}, 0
    while sum(done.values()) < world.options.kills:
        time.sleep(dice.uniform(0.2, 1.5))
        number = sum(done.values())
        if number % 3 == 0:
            world.ban(f"198.51.100.{number % 250 + 1}")  # acknowledged, and the next moment somebody dies
        whom = dice.choice(VICTIMS)
        begun = time.monotonic()
        _kill(world, whom, dice)
        done[whom] = done.get(whom, 0) + 1
        if dice.random() < 0.25:
            time.sleep(dice.uniform(0, 0.8))
            whom = dice.choice(VICTIMS)
            _kill(world, whom, dice)
            done[whom] = done.get(whom, 0) + 1
        world.wait_well()
        slowest = max(slowest, time.monotonic() - begun)
    lost = {source + "/32" for source in world.acknowledged} - world.bans()
    assert not lost, f"acknowledged bans are gone: {lost}"
    return f"killed {done}; {len(world.acknowledged)} acknowledged bans held; well again after at most {slowest:.1f} s"


BETWEEN = ("what is in its handshake when the dataplane dies is reset; who comes between two dataplanes gets in when TCP sends "
           "again while one serves")
SCENARIOS = [Scenario("kill -9 of each process at random moments", play,
                      Promise(retried=0.5, management_p99_ms=20000, why=BETWEEN))]
