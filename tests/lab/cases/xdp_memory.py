# SPDX-License-Identifier: BSD-3-Clause
"""What a host may keep from driver: xdp: memory that may be locked (RLIMIT_MEMLOCK), and a bpffs."""
import contextlib
import os
import resource
import signal

from lib import suite
from lib.plan import plan
from lib.stream import transfer

PLAN = plan()
DAM_ONLY = True
ONLY_ON = "xdp", "driver: dpdk has neither AF_XDP frames of its own nor pins"
COST = 25
FRAMES = 32 << 20  # what AF_XDP locks
TINY = 64 << 10
DEVICES = ("front", "service", "management")


def _without(*rights):
    """No root in it has these, whatever it executes."""
    return ["setpriv", "--bounding-set", ",".join("-" + right for right in rights),
            "--inh-caps", ",".join("-" + right for right in rights)]


def _locks(soft, hard=None):
    return ["prlimit", f"--memlock={soft}:{hard or soft}"]


def _in_own_mounts(script):
    """A mount namespace in which the script is done first."""
    return ["unshare", "--mount", "sh", "-ec", script + '; exec "$@"', "sh"]


def _start(site, *under):
    site.front.start_dataplane("--fresh", under=under)
    suite.eventually(site.front.has_policy, 20, "a policy")
    for name in ("service", "management"):
        suite.eventually(lambda name=name: site.front.server_up(name), 10, f"{name} up")


def _end(site):
    os.kill(site.front.worker_pid(), signal.SIGKILL)
    site.front.dataplane.wait(10)


@contextlib.contextmanager
def _under(site, *words):
    """The dataplane as it is under these words inside; the usual one after it."""
    site.front.end(site.front.dataplane)
    site.front.detach()
    try:
        _start(site, *words)
        yield
    finally:
        site.front.end(site.front.dataplane)
        site.front.detach()
        _start(site)


def test_tiny_memlock(site):
    """a limit of 64 KiB keeps nobody out who may lock memory (CAP_IPC_LOCK), though nobody may raise the limit"""
    with _under(site, *_locks(TINY), *_without("sys_resource")):
        site.finish(*site.connect())


def test_no_memlock(site):
    """without that right a tiny limit refuses the start, and says what to type; what stood before goes on"""
    client, server = site.connect()
    _end(site)
    try:
        site.front.start_dataplane("--fresh", under=[*_locks(TINY), *_without("sys_resource", "ipc_lock")])
        suite.eventually(lambda: "AF_XDP may not lock the 32 MiB" in site.front.said(), 10, "a refusal")
        said = site.front.said()
        assert "LimitMEMLOCK=infinity" in said and "CAP_IPC_LOCK" in said, said
        transfer(client, server, 100000)
        site.front.end(site.front.dataplane)
        site.front.detach()
        site.front.start_dataplane("--fresh", under=[*_locks(TINY), *_without("sys_resource", "ipc_lock")])
        suite.eventually(lambda: "AF_XDP may not lock" in site.front.said(), 10, "a refusal")
        for device in DEVICES:
            assert "prog/xdp" not in site.edge.ip("link", "show", device), f"a program is left on {device}"
        assert not os.path.exists(site.front.pins), "pins are left"
    finally:
        site.front.end(site.front.dataplane)
        _start(site)
    client.reset()
    site.finish(*site.connect())


def test_raised_memlock(site):
    """a limit that is tiny, and may be raised by itself far enough, is raised: neither right is needed"""
    most = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]
    if most not in (resource.RLIM_INFINITY, -1) and most < 2 * FRAMES and not _may_raise():
        raise suite.Skipped(f"nobody here may lock more than {most >> 10} KiB")
    with _under(site, *_locks(TINY, 2 * FRAMES), *_without("sys_resource", "ipc_lock")):
        site.finish(*site.connect())


def _may_raise():
    with open("/proc/self/status") as status:
        effective = int(status.read().split("CapEff:")[1].split()[0], 16)
    return effective >> 24 & 1  # CAP_SYS_RESOURCE


def test_mounts_bpffs(site):
    """where no bpffs is mounted the dataplane mounts one itself, and keeps what must outlive it there"""
    with _under(site, *_in_own_mounts("umount /sys/fs/bpf")):
        assert "WARNING: Connections will end" not in site.front.said(), site.front.said()
        pid = site.front.worker_pid()
        with open(f"/proc/{pid}/mounts") as mounts:
            assert any(line.split()[1:3] == ["/sys/fs/bpf", "bpf"] for line in mounts)
        assert os.path.exists(f"/proc/{pid}/root{site.front.pins}/dam_flows")
        assert not os.path.exists(site.front.pins), "the pins are the host's"
        site.finish(*site.connect())


def test_no_bpffs(site):
    """where none can be mounted it says so and what to type; the dam runs, and all ends with its process"""
    with _under(site, *_in_own_mounts("umount /sys/fs/bpf"), *_without("sys_admin")):
        said = site.front.said()
        assert "WARNING: Connections will end with this process: /sys/fs/bpf is no bpffs" in said, said
        assert "mount -t bpf bpf /sys/fs/bpf" in said, said
        site.finish(*site.connect())
        _end(site)
        for device in DEVICES:
            assert "prog/xdp" not in site.edge.ip("link", "show", device), f"a program is left on {device}"


def test_beside_needs_bpffs(site):
    """beside other programs a dam without a bpffs does not start at all, and says why"""
    front = site.front
    front.stop()
    front.write({**PLAN, "beside_others": True})
    try:
        front.start_dataplane("--fresh", under=[*_in_own_mounts("umount /sys/fs/bpf"), *_without("sys_admin")])
        front.start_controlplane()
        suite.eventually(lambda: "xdp.beside_others: " in front.said(), 10, "a refusal")
        said = front.said()
        assert "mount -t bpf bpf /sys/fs/bpf" in said or "program_type ext" in said, said
    finally:
        front.stop()
        front.write(PLAN)
        front.start_dataplane("--fresh")
        front.start_controlplane()
        suite.eventually(front.has_policy, 20, "a policy")
