# SPDX-License-Identifier: BSD-3-Clause
"""The load alone for long: memory and tables must stay flat."""
import time

from fault.outcome import Promise, Scenario

EVERY = 10
GROWTH, AT_LEAST_KIB = 0.03, 2048  # of memory, from the end of the first quarter on


def _rss_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as handle:
        return next(int(line.split()[1]) for line in handle if line.startswith("VmRSS"))


def sample(world):
    front = world.front
    return {"child": _rss_kib(front.worker_pid()), "keeper": _rss_kib(front.dataplane.pid),
            "control plane": _rss_kib(front.controlplane.pid), "flows": front.table("flows"),
            "sources": front.table("sources"), "half open": front.table("half_open")}


def soak(world):
    end, samples = time.monotonic() + world.options.soak * 60, []
    while time.monotonic() < end:
        samples.append(sample(world))
        if len(samples) % 30 == 1:
            print(f"    {len(samples) * EVERY // 60:3} min {samples[-1]}", flush=True)
        time.sleep(EVERY)
    world.samples = samples
    first, words = samples[len(samples) // 4], []
    for name in first:
        late = max(one[name] for one in samples[-len(samples) // 4:])
        words.append(f"{name} {samples[0][name]:,}, {first[name]:,}, {late:,}")
        most = first[name] + (max(first[name] * GROWTH, AT_LEAST_KIB) if name in ("child", "keeper", "control plane") else 200)
        assert late <= most, f"{name} grew: {first[name]:,} after a quarter, {late:,} at the end; {samples[::len(samples) // 8 or 1]}"
    return "at the beginning, after a quarter, most of the last quarter (KiB; entries): " + "; ".join(words)


SCENARIOS = [Scenario("soak", soak, Promise(retried=0.002, why="a machine that others use pauses now and then"))]
