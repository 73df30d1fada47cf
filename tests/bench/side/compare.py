# SPDX-License-Identifier: BSD-3-Clause
"""Raises a site for each front and measures one after the other, round by round."""
import contextlib
import datetime
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import types

from lib import netns
from lib.dam import BPFFS, SHM

from . import flood, measures, over_limit
from .cables import SideSite
from .core import Cores
from .fronts import FRONTS, Haproxy3

PARTS = {"connections": measures.connections, "paced": measures.paced, "bulk": measures.bulk,
         "requests": measures.requests}
SIZE = {"connections": 5000, "rate": 1000, "paced": 1500, "bulk_bytes": 1 << 29, "request_rate": 3000,
        "requests": 4500, "idle_s": 4, "calm_s": 0.4, "honest": 400, "honest_rate": 200, "floods": [250000, 0],
        "macro": 4000, "macro_rate": 2000}
SMOKE = {"connections": 200, "rate": 200, "paced": 40, "bulk_bytes": 4 << 20, "request_rate": 400, "requests": 80,
         "idle_s": 0.2, "calm_s": 0.02, "honest": 20, "honest_rate": 40, "floods": [5000],
         "macro": 300, "macro_rate": 500}
FLOODED = ["haproxy", "haproxy3", "nginx", "dam", "dam-dpdk"]  # those that tell names apart
SUPER = {"parts": ["bulk"], "fronts": ["routing", "nat", "haproxy", "nginx"]}


def say(text):
    print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def sites(cores, build, names, frames):
    """{front: site} for the time of the block; nothing of them is left after it."""
    options = types.SimpleNamespace(build=str(build), driver="xdp", cores=cores)
    with contextlib.ExitStack() as stack, tempfile.TemporaryDirectory(prefix="dam-side-") as scratch:
        os.chmod(scratch, 0o755)  # the dataplane does not stay root
        raised = {}
        for number, name in enumerate(names):
            directory = os.path.join(scratch, name)
            os.mkdir(directory)
            kind = FRONTS[name]
            site = SideSite(f"dams{os.getpid()}-{number}", kind, options, frames)
            stack.callback(site.close)
            front = kind(site, directory, options)
            stack.callback(front.stop)
            front.start()
            front.napi = cores.pin()
            raised[front] = site
        yield raised


def clear_leftovers():
    """Namespaces, and the dam's tables, of runs that were killed: their names bear the number of a process that
    is gone."""
    def left_over(name):
        owner = name[4:].split("-")[0] if name.startswith("dams") else ""
        return owner.isdigit() and not os.path.exists(f"/proc/{owner}")

    for name in filter(left_over, netns.existing()):
        netns.run("ip", "netns", "del", name, check=False)
    for folder in filter(os.path.isdir, (BPFFS, SHM)):
        for name in filter(left_over, os.listdir(folder)):
            shutil.rmtree(os.path.join(folder, name))


def compare(cores, build, parts, rounds, size, names, frames, into):
    """Fills {part: {front: [figures of each round]}}; rounds are interleaved. Floods come last: their sink stays."""
    plain = [part for part in parts if part in PARTS]
    with sites(cores, build, names, frames) as raised:
        for part in plain:
            into[part] = {name: [] for name in names}
            for front, site in raised.items():  # once unmeasured: ARP, caches, the servers' options
                PARTS[part](site, front, cores, SMOKE)
        for number in range(rounds if plain else 0):
            for part in plain:
                for front, site in raised.items():
                    into[part][front.name].append(PARTS[part](site, front, cores, size))
            say(f"round {number + 1} of {rounds}, {frames} frames")
        if "requests" in parts:
            into["idle"] = {front.name: measures.idle(site, front, cores, size)
                            for front, site in raised.items() if front.pids()}
        if "over-limit" in parts:
            into["over-limit"] = over_the_limit(cores, rounds, size, raised)
        if "flood" in parts:
            into["flood"] = {}
            under_flood(cores, rounds, size, raised, into["flood"])


def over_the_limit(cores, rounds, size, raised):
    """{front: [figures of each round]}, of those that know limits."""
    limited = {front: site for front, site in raised.items() if front.limited}
    figures = {front.name: [] for front in limited}
    for number in range(rounds):
        for front, site in limited.items():
            figures[front.name].append(over_limit.measure(site, front, cores, size))
        say(f"round {number + 1} of {rounds}, over the limit")
    return figures


def under_flood(cores, rounds, size, raised, into):
    """Fills {front: [figures of each round]}."""
    flooded = {front: site for front, site in raised.items() if front.name in FLOODED}
    for front, site in flooded.items():
        into[front.name] = []
        flood.prepare(site, front, cores)
        PARTS["paced"](site, front, cores, SMOKE)
    for number in range(rounds):
        for front, site in flooded.items():
            into[front.name].append(flood.measure(site, front, cores, size))
        say(f"round {number + 1} of {rounds}, floods")


def machine(cores):
    """What a reader of the figures must know."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as handle:
        cpu = next((line.split(":", 1)[1].strip() for line in handle if line.startswith("model name")), "unknown")
    return {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"), "cpu": cpu,
            "cores": os.cpu_count(), "kernel": os.uname().release, "front_core": cores.front,
            "other_core": cores.other, "round_trip_ns": []}


def round_trip_ns(cores, build):
    """A cache line from one of the two cores to the other and back; the program pins itself."""
    done = subprocess.run([pathlib.Path(build) / "tests/bench/round_trip", str(cores.other), str(cores.front)],
                          text=True, capture_output=True, check=True)
    return float(done.stdout)


def missing():
    """What the comparison needs and this machine lacks."""
    lacks = [name for name in ("haproxy", "nginx", "nft", "ethtool") if not shutil.which(name)]
    if not os.path.exists("/usr/lib/nginx/modules/ngx_stream_module.so"):
        lacks.append("nginx's stream module")
    return lacks


def main(build, parts, rounds, names, smoke, with_super):
    """The whole comparison as a dictionary."""
    if os.geteuid() != 0:
        raise SystemExit("tools/bench --side-by-side needs root, for network namespaces: sudo tools/bench --side-by-side")
    if lacks := missing():
        raise SystemExit(f"tools/bench --side-by-side lacks {', '.join(lacks)}: sudo tools/packages peers")
    if "haproxy3" in names:
        Haproxy3.unpack()
    clear_leftovers()
    size = SMOKE if smoke else SIZE
    cores = Cores(size["calm_s"])
    result = {"rounds": rounds, "machine": machine(cores), "frames": {"wire": {}, "super": {}}, "size": size}
    trips = result["machine"]["round_trip_ns"]
    trips.append(round_trip_ns(cores, build))
    result["machine"]["fronts"] = {name: FRONTS[name].says() for name in names}
    wire, large = result["frames"]["wire"], result["frames"]["super"]
    kernels = [name for name in names if name in SUPER["fronts"]]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        compare(cores, build, parts, rounds, size, names, "wire", wire)
        trips.append(round_trip_ns(cores, build))
        if with_super and kernels and "bulk" in parts:
            compare(cores, build, SUPER["parts"], rounds, size, kernels, "super", large)
            trips.append(round_trip_ns(cores, build))
    except KeyboardInterrupt:
        say("told to end: what there is so far follows")
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        result["failed"] = str(error)
        say(f"it ends here: {error}; what there is so far follows")
    for part in ("idle", "flood", "over-limit"):
        result[part] = wire.pop(part, {})
    for fronts in (*wire.values(), *large.values(), result["flood"], result["over-limit"]):
        for name in [name for name, measured in fronts.items() if not measured]:
            del fronts[name]
    every = list(_rounds(result))
    result["machine"]["background"] = statistics.median([one["background"] for one in every] or [0])
    result["machine"]["stolen_s"] = sum(one["stolen_s"] for one in every)
    return result


def _rounds(result):
    """Every single measurement."""
    for kinds in result["frames"].values():
        for fronts in kinds.values():
            for rounds in fronts.values():
                yield from rounds
    for rounds in result["flood"].values():
        for figures in rounds:
            yield from figures.values()
    for rounds in result["over-limit"].values():
        yield from rounds
