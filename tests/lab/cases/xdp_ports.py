# SPDX-License-Identifier: BSD-3-Clause
"""The dam's source ports on a host that uses the same devices: its kernel gives them to nobody else. And
what else the dam changes on the host is as it was when it has ended."""
import os
import signal
import socket
import subprocess

from lib import suite
from lib.plan import plan
from lib.site import CLIENT

PLAN = plan(source_ports=(20000, 50000))
DAM_ONLY = True
ONLY_ON = "xdp", "with driver: dpdk the devices are not the host's"
COST = 20
RESERVED = "net.ipv4.ip_local_reserved_ports"
OTHERS = "8080-8081"


def setup(site):
    site.edge.sysctl(RESERVED, OTHERS)


def test_host_ports(site):
    """connections of the host's own never come from the dam's range, by TCP or UDP, IPv4 or IPv6"""
    assert site.edge.sysctl(RESERVED) == OTHERS + ",20000-50000"
    assert site.edge.sysctl("net.ipv4.ip_local_port_range").split() == ["32768", "60999"]
    ports = []
    for family, kind in ((4, socket.SOCK_STREAM), (6, socket.SOCK_STREAM), (4, socket.SOCK_DGRAM)):
        with site.client:
            there = socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET, kind)
        there.bind((CLIENT[family], 3333))
        if kind == socket.SOCK_STREAM:
            there.listen(300)
        own = []
        for _ in range(200):
            with site.edge:
                own.append(socket.socket(there.family, kind))
            own[-1].settimeout(5)
            own[-1].connect((CLIENT[family], 3333))
            ports.append(own[-1].getsockname()[1])
        for one in (there, *own):
            one.close()
    taken = [port for port in ports if 20000 <= port <= 50000]
    assert len(ports) == 600 and not taken, taken
    site.finish(*site.connect())


def test_policy_changes_the_range(site):
    """another policy's range takes the place of the last; one that would leave the host nothing is not reserved"""
    front = site.front
    front.apply({**PLAN, "source_ports": [20000, 40000]})
    suite.eventually(lambda: site.edge.sysctl(RESERVED) == OTHERS + ",20000-40000", 3, "the new range")
    front.apply({**PLAN, "source_ports": [1024, 65535]})
    suite.eventually(lambda: site.edge.sysctl(RESERVED) == OTHERS, 3, "what others have reserved, alone")
    assert "would leave the host fewer than" in front.said(), front.said()
    front.apply(PLAN)
    suite.eventually(lambda: site.edge.sysctl(RESERVED) == OTHERS + ",20000-50000", 3, "the first range")
    site.finish(*site.connect())


def _rxvlan(site):
    with site.edge:
        text = subprocess.run(["ethtool", "-k", "front"], text=True, capture_output=True, check=True).stdout
    return text.split("rx-vlan-offload: ")[1].split()[0]


def _end(site, how):
    front = site.front
    front.end(front.controlplane)
    if how == "SIGTERM":
        front.end(front.dataplane)
        return
    os.kill(front.worker_pid() if how == "SIGKILL" else front.dataplane.pid, signal.SIGKILL)
    front.dataplane.wait(10)


def _start(site):
    front = site.front
    front.start_dataplane("--fresh")
    front.start_controlplane()
    suite.eventually(front.has_policy, 20, "a policy")
    suite.eventually(lambda: front.server_up("service"), 5, "the server up")
    assert site.edge.sysctl(RESERVED) == OTHERS + ",20000-50000" and _rxvlan(site) == "off"


@suite.each(how=["SIGTERM", "SIGKILL"])
def test_given_back_at_detach(site, how):
    """ports stay reserved, and offloads off, for connections that outlive the dataplane; damctl detach gives all back"""
    _end(site, how)
    assert site.edge.sysctl(RESERVED) == OTHERS + ",20000-50000" and _rxvlan(site) == "off"
    _start(site)
    _end(site, how)
    assert site.front.detach()[0] == 0
    assert site.edge.sysctl(RESERVED) == OTHERS and _rxvlan(site) == "on"
    _start(site)
    site.finish(*site.connect())


@suite.each(how=["SIGTERM", "SIGKILL", "SIGKILL of its keeper"])
def test_given_back_without_pins(site, how):
    """where nothing outlives the dataplane, its end gives back ports and offloads, however it came"""
    front = site.front
    pins = front.pins
    front.stop()
    front.pins = os.path.join(front.directory, "no-bpffs")
    try:
        _start(site)
        assert "no bpffs" in front.said(), front.said()
        site.finish(*site.connect())
        _end(site, how)
        suite.eventually(lambda: site.edge.sysctl(RESERVED) == OTHERS, 3, "what others have reserved, alone")
        suite.eventually(lambda: _rxvlan(site) == "on", 3, "rxvlan on again")
        assert "prog/xdp" not in site.edge.ip("link", "show", "front"), "a program is left"
    finally:
        front.stop()
        front.pins = pins
        _start(site)
    site.finish(*site.connect())
