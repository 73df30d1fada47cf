# SPDX-License-Identifier: BSD-3-Clause
"""Two workers on two queues: a packet that arrives at the wrong one is handed to the flow's own."""
import contextlib
import ctypes
import os
import re
import subprocess
import threading

from lib import hello, packet, suite
from lib.packet import SYN
from lib.plan import plan
from lib.site import CLIENT
from lib.stream import both_ways, noise

PLAN = plan(workers=2, queues=2)
DAM_ONLY = True
COST = 20
MIB = 1 << 20
ONE_WORKER = "the xdp driver has one worker"


def _work(site):
    counters = site.front.counters()
    return [counters.worker(index) for index in range(counters.workers)]


@suite.only_on("dpdk", ONE_WORKER)
@suite.each(family=[4, 6])
def test_spread(site, family):
    """connections of many clients spread over both workers, and each gets its own bytes"""
    before = _work(site)
    assert len(before) == 2, before
    for number in range(100):
        client, server = site.connect(family=family, source=site.sources[family][number % 50])
        client.send(noise(2000, number))
        server.expect(noise(2000, number))
        server.send(noise(4000, number))
        client.expect(noise(4000, number))
        client.half_close()
        server.expect_eof()
        server.close()
        client.expect_eof()
    grown = [now["cookies_accepted"] - then["cookies_accepted"] for then, now in zip(before, _work(site))]
    assert sum(grown) >= 100 and min(grown) >= 10, grown


@suite.only_on("dpdk", ONE_WORKER)
@suite.each(family=[4, 6])
def test_hand_off(site, family):
    """packets that reach the wrong worker are handed over, and counted"""
    before = sum(one["handed_off"] for one in _work(site))
    for number in range(40):
        site.finish(*site.connect(family=family, source=site.sources[family][number]))
    handed = sum(one["handed_off"] for one in _work(site)) - before
    site.note(f"{handed} packets")
    assert handed > 40, handed


def _frames_of_queues(site, device):
    """How many frames the XDP program saw, by receive queue."""
    with site.edge:
        text = subprocess.run(["ethtool", "-S", device], text=True, capture_output=True, check=True).stdout
    return [int(count) for count in re.findall(r"rx_queue_\d+_xdp_packets: (\d+)", text)]


@suite.only_on("xdp", "the dpdk driver's queues have a worker each")
@suite.each(family=[4, 6])
def test_two_queues(site, family):
    """one worker takes what climbs from two queues: connections of many clients stay whole"""
    devices = ("front", "service")
    before = {device: _frames_of_queues(site, device) for device in devices}
    for number in range(100):
        client, server = site.connect(family=family, source=site.sources[family][number % 50])
        client.send(noise(20000, number))
        server.expect(noise(20000, number))
        server.send(noise(40000, number))
        client.expect(noise(40000, number))
        site.finish(client, server)
    for device in devices:
        grown = [now - then for then, now in zip(before[device], _frames_of_queues(site, device))]
        site.note(f"{device}: {grown} frames")
        assert len(grown) == 2 and min(grown) > 200, (device, grown)


_PTRACE_SEIZE, _PTRACE_INTERRUPT, _PTRACE_DETACH, _WALL = 0x4206, 0x4207, 17, 0x40000000


@contextlib.contextmanager
def _stopped(thread):
    """One thread alone stands still. Signals would stop its whole process."""
    libc = ctypes.CDLL(None, use_errno=True)

    def ptrace(request):
        if libc.ptrace(request, thread, None, None) != 0:
            raise OSError(ctypes.get_errno(), "ptrace")

    ptrace(_PTRACE_SEIZE)
    ptrace(_PTRACE_INTERRUPT)
    os.waitpid(thread, _WALL)
    try:
        yield
    finally:
        ptrace(_PTRACE_DETACH)


def _worker_threads(site):
    """The threads of the workers; DPDK calls them rte-worker-… or lcore-worker-…."""
    pid = site.front.worker_pid()
    threads = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/comm") as handle:
            if "-worker-" in handle.read():
                threads.append(int(task))
    return threads


@suite.only_on("dpdk", ONE_WORKER)
def test_ring_full(site):
    """while a worker stands still, the ring to it fills, and what it does not take is dropped as such"""
    link, thread = site.keep(site.link()), _worker_threads(site)[0]
    with site.counted("handoff_full", 100):
        with _stopped(thread):
            for number in range(16000):
                link.send(packet.tcp_packet(CLIENT[4], site.public[4], 2000 + number % 60000, 443, number, 0,
                                            SYN))
    for number in range(10):
        site.finish(*site.connect(source=site.sources[4][number]))


def test_bulk(site):
    """transfers both ways over several connections at once stay whole"""
    failures = []

    def one(source):
        try:
            client, server = site.connect(source=source)
            both_ways(client, server, 8 * MIB)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=one, args=(site.sources[4][n],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


def test_hellos_in_segments(site):
    """post-quantum hellos reach one worker with all their segments"""
    for number in range(30):
        text = hello.client_hello("service.example", post_quantum=True)
        client, server = site.connect(text=text, source=site.sources[4][number])
        client.reset()
        server.expect_reset(2)


def test_management(site):
    """management is reachable through either worker"""
    for number in range(20):
        site.finish(*site.connect("management.example", source=site.sources[4][number]))
