# SPDX-License-Identifier: BSD-3-Clause
"""The front's core: who runs on it, and how long it was not idle."""
import ctypes
import os
import re
import time

_TICKS = os.sysconf("SC_CLK_TCK")
_SCHED_SETATTR, _TURN_NS = 314, 100_000  # x86-64's number
_FRONT, _END = re.compile(r"napi/(front|service|management)-\d+"), re.compile(r"napi/eth0-\d+")


def napi_threads():
    """Kernel threads that take in a device's packets: {pid: name}."""
    return {pid: name for pid, name in _names() if name.startswith("napi/")}


def _names():
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/comm", encoding="ascii", errors="replace") as handle:
                    yield int(entry), handle.read().strip()
            except OSError:
                continue


def with_children(pid):
    pids = [pid]
    for one in pids:
        with open(f"/proc/{one}/task/{one}/children", encoding="ascii") as handle:
            pids += [int(child) for child in handle.read().split()]
    return pids


class _SchedAttr(ctypes.Structure):  # struct sched_attr, linux/sched/types.h
    _fields_ = [("size", ctypes.c_uint32), ("policy", ctypes.c_uint32), ("flags", ctypes.c_uint64),
                ("nice", ctypes.c_int32), ("priority", ctypes.c_uint32), ("runtime", ctypes.c_uint64),
                ("deadline", ctypes.c_uint64), ("period", ctypes.c_uint64)]


def _take_turns_early(pid):
    """Shorter turns than processes have, so that a packet does not wait until theirs is over (3 ms; a veth's
    ring is full after 1 ms of 250,000 packets a second). Whoever takes in packets has no larger share for it."""
    attributes = _SchedAttr(size=ctypes.sizeof(_SchedAttr), runtime=_TURN_NS)
    if ctypes.CDLL(None, use_errno=True).syscall(_SCHED_SETATTR, pid, ctypes.byref(attributes), 0) != 0:
        raise OSError(ctypes.get_errno(), f"sched_setattr: {os.strerror(ctypes.get_errno())}")


class Work:
    """CPU time and sleeps of some processes so far, all of their threads together."""

    def __init__(self, pids):
        self.cpu_s, self.woke = 0.0, 0
        for pid in pids:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as handle:
                    self.cpu_s += int(handle.read().split()[0]) / 1e9
                with open(f"/proc/{pid}/task/{task}/status", encoding="ascii") as handle:
                    self.woke += int(handle.read().split("\nvoluntary_ctxt_switches:")[1].split()[0])


class Cores:
    """One core for the front, one for the clients, the servers and everybody else."""

    def __init__(self, calm_s=0.4):
        self.calm_s = calm_s  # how long the background is looked at
        usable = sorted(os.sched_getaffinity(0))
        if len(usable) < 2:
            raise SystemExit("tools/bench --side-by-side needs two cores: one is the front's alone")
        self.front, self.other = usable[-1], usable[0]
        self._strangers = set(napi_threads())
        self._softirqs = [pid for pid, name in _names() if name == f"ksoftirqd/{self.front}"]
        os.sched_setaffinity(0, {self.other})

    def pin(self):
        """Pins what takes in packets: the edge's ends of the cables to the front's core, other ends to the
        other. To be called when a front has started, since an XDP program gives its device new threads.
        Gives the front's new ones."""
        pinned = []
        for pid, name in napi_threads().items():
            core = self.front if _FRONT.fullmatch(name) else self.other if _END.fullmatch(name) else None
            if core is None or pid in self._strangers:
                continue
            self._strangers.add(pid)
            os.sched_setaffinity(pid, {core})
            _take_turns_early(pid)
            if core == self.front:
                pinned.append(pid)
        return pinned

    def _stat(self, *columns):
        with open("/proc/stat", encoding="ascii") as handle:
            fields = next(line for line in handle if line.startswith(f"cpu{self.front} ")).split()[1:]
        return sum(int(fields[column]) for column in columns) / _TICKS

    def _busy(self, work):
        began, idle = time.monotonic(), self._stat(3, 4)
        result = work()
        wall = time.monotonic() - began
        return result, wall, wall - (self._stat(3, 4) - idle)

    def _background(self):
        """The share of the front's core that others take while nothing is offered."""
        _, wall, busy = self._busy(lambda: time.sleep(self.calm_s))
        return max(busy, 0) / wall

    def busy_during(self, work, front):
        """What work() returns, and seconds of the front's core, counted twice. core_s: it was not idle, less what
        the background takes before and after. The kernel reads a clock when idling begins and ends, and
        interrupts are not idling; so that holds without CONFIG_IRQ_TIME_ACCOUNTING. threads_s: the front's
        own threads, those that take in its packets, and ksoftirqd, with the interrupts that they meet."""
        pids = front.napi + front.pids() + self._softirqs
        before, mine = self._background(), Work(pids)
        processes, stolen = Work(front.pids()), self._stat(7)
        result, wall, busy = self._busy(work)
        threads = Work(pids).cpu_s - mine.cpu_s
        after_processes = Work(front.pids())
        background = (before + self._background()) / 2
        return result, {"core_s": busy - background * wall, "threads_s": threads, "wall_s": wall,
                        "background": background, "stolen_s": self._stat(7) - stolen,
                        "process_s": after_processes.cpu_s - processes.cpu_s,
                        "process_woke": after_processes.woke - processes.woke}
