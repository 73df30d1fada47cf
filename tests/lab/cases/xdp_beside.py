# SPDX-License-Identifier: BSD-3-Clause
"""xdp.beside_others: the dam and other people's XDP programs on the same devices, by libxdp's dispatcher."""
import contextlib
import os
import signal

from lib import libxdp, suite
from lib.libxdp import Counter
from lib.plan import plan
from lib.stream import transfer

PLAN = plan()
BESIDE = {**PLAN, "beside_others": True}
DAM_ONLY = True
ONLY_ON = "xdp", "only driver: xdp puts a program on the devices"
COST = 30
DEVICES = ("front", "service", "management")


def _needs_dispatcher():
    if not libxdp.has_dispatcher():
        raise suite.Skipped("this kernel lets no BPF program extend another, of which libxdp's dispatcher is made")


def _start(site, plan_):
    front = site.front
    front.write(plan_)
    front.start_dataplane("--fresh")
    front.start_controlplane()


def _end(site, how):
    front = site.front
    front.end(front.controlplane)
    os.kill(front.worker_pid(), how)
    front.dataplane.wait(10)


def _wait_ready(site):
    suite.eventually(site.front.has_policy, 20, "a policy")
    for name in ("service", "management"):
        suite.eventually(lambda name=name: site.front.server_up(name), 10, f"{name} up")


@contextlib.contextmanager
def _stopped(site):
    """No dam inside; the usual one after it."""
    site.front.stop()
    try:
        yield
    finally:
        site.front.stop()
        _start(site, PLAN)
        _wait_ready(site)


def test_without_dispatcher(site):
    """beside a program that was attached without the dispatcher nobody can live: it is named and left alone"""
    with _stopped(site):
        site.attach_pass(site.edge, "service")
        try:
            _start(site, BESIDE)
            suite.eventually(lambda: "without libxdp's dispatcher" in site.front.said(), 10, "a refusal")
            said = site.front.said()
            assert "service: an XDP program pass (id " in said and "xdp-loader load service" in said, said
            assert "prog/xdp" in site.edge.ip("link", "show", "service"), "the other program is gone"
            assert "prog/xdp" not in site.edge.ip("link", "show", "front"), "the dam began what it could not end"
        finally:
            site.edge.ip("link", "set", "dev", "service", "xdp", "off")


def test_kernel_without(site):
    """a kernel on which there can be no dispatcher is said to be one, and nothing is done; alone, the dam runs"""
    if libxdp.has_dispatcher():
        raise suite.Skipped("this kernel has what the dispatcher needs")
    with _stopped(site):
        _start(site, BESIDE)
        suite.eventually(lambda: "program_type ext" in site.front.said(), 10, "a refusal")
        said = site.front.said()
        assert "leave beside_others out of dam.yaml" in said and site.front.alive(), said
        for device in DEVICES:
            assert "prog/xdp" not in site.edge.ip("link", "show", device), f"a program is on {device}"
    site.finish(*site.connect())


def test_unasked(site):
    """a dam that is not asked to live beside others names the dispatcher, and how to ask"""
    _needs_dispatcher()
    with _stopped(site), Counter(site.edge, "front"):
        _start(site, PLAN)
        suite.eventually(lambda: "xdp: {beside_others: true}" in site.front.said(), 10, "a refusal")
        assert libxdp.names(site.edge, "front") == ["lab_count"]


@suite.seconds(180)
def test_beside(site):
    """a program that libxdp has attached and the dam see the same frames; the other comes and goes as it likes"""
    _needs_dispatcher()
    with _stopped(site):
        with Counter(site.edge, "front") as other:
            _start(site, BESIDE)
            _wait_ready(site)
            assert libxdp.names(site.edge, "front") == ["lab_count", "dam_gate"]
            client, server = site.connect()
            before, packets = other.frames(), site.front.counters().worker(1)["rx_packets"]
            transfer(client, server, 200000)
            seen = other.frames() - before
            assert seen >= 130, seen
            # Collected ten times a second.
            suite.eventually(lambda: site.front.counters().worker(1)["rx_packets"] - packets >= 130, 3, "the dam's count")
            site.note(f"the other saw {seen} frames on one device, and so did the dam")
        transfer(server, client, 50000)
        with Counter(site.edge, "front") as other:
            transfer(client, server, 50000)
            assert other.frames() >= 30, other.frames()
        site.finish(client, server)


@suite.seconds(180)
@suite.each(how=["SIGKILL", "SIGTERM"])
def test_survive(site, how):
    """connections beside others outlive the dataplane as they do alone, and there is one dam in the dispatcher"""
    _needs_dispatcher()
    with _stopped(site), Counter(site.edge, "front") as other:
        _start(site, BESIDE)
        _wait_ready(site)
        pairs = [site.connect() for _ in range(5)]
        _end(site, getattr(signal, how))
        before = other.frames()
        for client, server in pairs:
            transfer(client, server, 50000)
            transfer(server, client, 50000)
        assert other.frames() > before
        _start(site, BESIDE)
        _wait_ready(site)
        assert libxdp.names(site.edge, "front") == ["lab_count", "dam_gate"]
        assert site.front.table("flows") == len(pairs), site.front.table("flows")
        for client, server in pairs:
            transfer(client, server, 50000)
            site.finish(client, server)
        site.finish(*site.connect())


@suite.seconds(180)
def test_detach(site):
    """damctl detach takes the dam out of the dispatcher, and leaves the other program where it is"""
    _needs_dispatcher()
    with _stopped(site), Counter(site.edge, "front") as other:
        _start(site, BESIDE)
        _wait_ready(site)
        _end(site, signal.SIGKILL)
        assert libxdp.names(site.edge, "service") == ["dam_gate"]
        status, said = site.front.detach()
        assert status == 0 and "front is free of the dam" in said, (status, said)
        assert libxdp.names(site.edge, "front") == ["lab_count"] and not os.path.exists(site.front.pins)
        assert "prog/xdp" not in site.edge.ip("link", "show", "service"), "something is left of the dam"
        before = other.frames()
        site.client.run("ping", "-c", "2", "-i", "0.2", site.public[4])
        assert other.frames() > before


@suite.seconds(180)
def test_two_dams(site):
    """of two dams only one is in a dispatcher: the second is told, and the first goes on"""
    _needs_dispatcher()
    with _stopped(site):
        _start(site, BESIDE)
        _wait_ready(site)
        client, server = site.connect()
        _end(site, signal.SIGKILL)
        first, site.front.pins = site.front.pins, site.front.pins + "-second"
        try:
            _start(site, BESIDE)
            suite.eventually(lambda: "Another dam is in the dispatcher" in site.front.said(), 10, "a refusal")
            site.front.stop()
        finally:
            site.front.pins = first
        transfer(client, server, 50000)
        _start(site, BESIDE)
        _wait_ready(site)
        site.finish(client, server)
