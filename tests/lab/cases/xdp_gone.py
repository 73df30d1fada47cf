# SPDX-License-Identifier: BSD-3-Clause
"""A device that goes while the dam runs, and comes back."""
import os
import time

from lib import netns, suite
from lib.plan import plan
from lib.site import DAM, management_address
from lib.stream import transfer

PLAN = plan()
DAM_ONLY = True
ONLY_ON = "xdp", "with driver: dpdk the devices are not the kernel's"
COST = 15
MIB = 1 << 20


def _cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as handle:
        fields = handle.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _plug_in(site):
    """A new cable to the management server, like the one that was pulled."""
    netns.veth(site.management, "eth0", site.edge, "management")
    site._address(site.management, "eth0", management_address(10))
    site._address(site.edge, "management", DAM["management"])
    site.attach_pass(site.management, "eth0")


def test_device_goes_and_comes_back(site):
    """without one device the others go on, and nothing spins; when it is back a new dataplane takes it up"""
    front = site.front
    client, server = site.connect()
    site.edge.ip("link", "del", "management")
    suite.eventually(lambda: "management is gone" in front.said(), 3, "a word about it")
    transfer(server, client, MIB)
    site.finish(*site.connect())
    before = _cpu_seconds(front.worker_pid())
    time.sleep(2)
    spent = _cpu_seconds(front.worker_pid()) - before
    site.note(f"{spent / 2:.1%} of a CPU meanwhile")
    assert spent < 0.2, f"{spent} s of CPU in 2 s"
    site.finish(client, server)
    _plug_in(site)
    suite.eventually(lambda: not front.alive(), 5, "the end of the dataplane")
    assert "A device is back" in front.said(), front.said()
    front.start_dataplane()
    suite.eventually(front.has_policy, 20, "a policy")
    for name in ("service", "management"):
        suite.eventually(lambda name=name: front.server_up(name), 10, f"{name} up")
    site.servers["management"].stop()
    site.start_server("management", PLAN["servers"]["management"])
    site.finish(*site.connect("management.example"))
    site.finish(*site.connect())
