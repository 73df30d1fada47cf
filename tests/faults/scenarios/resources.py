# SPDX-License-Identifier: BSD-3-Clause
"""Disk, memory and huge pages that are not there."""
import contextlib
import json
import os
import resource
import signal
import subprocess
import time

from lib import suite
from lib.dam import configuration

from fault.outcome import Promise, Scenario
from fault.plan import PLAN


def _fill(folder):
    """Whatever is free."""
    with open(os.path.join(folder, "fill"), "wb", buffering=0) as handle:
        try:
            while True:
                handle.write(bytes(4096))
        except OSError:
            pass


def _try_all(world, held, numbers):
    """Changes, each acknowledged or refused in words; gives what was said of those refused."""
    refused = set()
    for number in numbers:
        source = f"198.51.100.{number}"
        done = world.front.try_damctl("ban", source, "--for", "2h")
        if done.returncode == 0:
            held.add(source + "/32")
        else:
            assert done.returncode == 1 and done.stderr.strip(), done
            refused.add(done.stderr.strip().splitlines()[0][:100])
    done = world.front.try_damctl("zone", "set", "service", f"per_source.connections={number}r/s burst=200")
    assert done.returncode in (0, 1), done
    if done.returncode:
        refused.add(done.stderr.strip().splitlines()[0][:100])
    return refused


@contextlib.contextmanager
def _small_disk(world, mib):
    """The control plane keeps state and logs on it."""
    front, folder = world.front, os.path.join(world.directory, "small")
    os.mkdir(folder)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m", "faults", folder], check=True)
    logs, front.log_folder = front.log_folder, os.path.join(folder, "logs")
    os.mkdir(front.log_folder)
    front.end(front.controlplane)
    try:
        yield folder
    finally:
        front.log_folder = logs
        front.end(front.controlplane)
        front.start_controlplane()
        subprocess.run(["umount", "-l", folder], check=True)
        world.wait_well()


def _again(world, state):
    """kill -9, and a new one on the same state."""
    front = world.front
    front.end(front.controlplane, signal.SIGKILL)
    front.start_controlplane(state=state)
    world.wait_well()


def disk_full(world):
    """State and logs of the control plane on a disk that fills; kill -9 while it is full."""
    held = set()
    with _small_disk(world, 2) as folder:
        state = os.path.join(folder, "policy.db")
        _again(world, state)
        assert not _try_all(world, held, range(101, 104))
        _fill(folder)
        refused = _try_all(world, held, range(104, 110))
        assert refused, "the disk was not full"
        _again(world, state)
        refused |= _try_all(world, held, range(110, 113))
        assert held <= world.bans(), f"while the disk is full: {held - world.bans()} are gone"
        os.unlink(os.path.join(folder, "fill"))
        assert not _try_all(world, held, range(113, 116))
        _again(world, state)
        assert held <= world.bans(), f"acknowledged bans are gone: {held - world.bans()}"
    return f"{len(held)} bans acknowledged and held; refused: {sorted(refused)}"


def _address_space(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as handle:
        return int(handle.read().split()[0]) * resource.getpagesize()


def memory_short(world):
    """The control plane gets no more memory than it has (RLIMIT_AS), and is asked for much. Should it end for that, it is
    started again, without the limit."""
    front, said = world.front, []
    path = os.path.join(world.directory, "many")
    with open(path, "w", encoding="ascii") as handle:
        handle.writelines(f"100.{64 + n // 65536}.{n // 256 % 256}.{n % 256}\n" for n in range(100_000))
    most = _address_space(front.controlplane.pid) + (1 << 20)
    resource.prlimit(front.controlplane.pid, resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))
    acknowledged = front.try_damctl("ban", "198.51.100.252", "--for", "2h").returncode == 0
    done = front.try_damctl("bans", "import", path)
    said.append("100,000 bans: " + ("taken" if done.returncode == 0 else "refused"))
    refused = 0
    for _ in range(20):
        refused += front.try_damctl("metrics").returncode != 0
        refused += front.try_damctl("apply", "-f", front.yaml).returncode != 0
    time.sleep(1)
    said.append(f"{refused} of 40 requests refused; the control plane " + ("lives" if front.controlplane.poll() is None else "ended"))
    world.start_again()
    resource.prlimit(front.controlplane.pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    world.wait_well()
    assert not acknowledged or "198.51.100.252/32" in world.bans(), "an acknowledged ban is gone"
    return "; ".join(said)


def _with_huge_pages(world, value):
    """Both start anew with that value."""
    front = world.front
    with open(front.yaml, "w", encoding="utf-8") as handle:
        json.dump({**configuration(PLAN, front.driver_name), "hugepages": value}, handle)
    front.end(front.controlplane)
    front.end(front.dataplane, signal.SIGKILL)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(front.directory, "counters"))  # else the old policy would seem to be there
    front.start_dataplane("--fresh")
    front.start_controlplane(state="none")


def huge_pages_gone(world):
    """`on` is refused in words and opens nothing; `auto` takes ordinary pages. Connections wait meanwhile."""
    with open("/proc/sys/vm/nr_hugepages", encoding="ascii") as handle:
        if handle.read().strip() != "0":
            return "left out: this machine has huge pages"
    front = world.front
    _with_huge_pages(world, "on")
    text = suite.eventually(lambda: [line for line in front.said().splitlines() if "huge" in line], 10, "a word about them")
    time.sleep(1)
    assert not front.has_policy(), "it runs without them"
    _with_huge_pages(world, "auto")
    world.wait_well()
    assert "in ordinary pages" in front.said(), front.said()
    front.write(PLAN)
    front.end(front.controlplane)
    front.start_controlplane()
    world.wait_well()
    return text[0][:150]


SCENARIOS = [
    Scenario("the disk is full", disk_full),
    Scenario("no more memory", memory_short, Promise(
        why="the dataplane allocates when it starts alone")),
    Scenario("no huge pages", huge_pages_gone, Promise(
        retried=0.8, management_p99_ms=20000, why="nobody answers while the dataplane has refused to start"), only_on="dpdk"),
]
