# SPDX-License-Identifier: BSD-3-Clause
"""A device on which somebody else's XDP program is, or another dataplane's."""
import os

from lib import suite
from lib.plan import plan

PLAN = plan()
DAM_ONLY = True
ONLY_ON = "xdp", "only driver: xdp puts a program on the devices"
COST = 12


def test_other_program(site):
    """a program of somebody else's is named and left alone; when it is removed the dam starts by itself"""
    front = site.front
    front.stop()
    site.attach_pass(site.edge, "service")
    front.start_dataplane("--fresh")
    front.start_controlplane()
    suite.eventually(lambda: "is attached already" in front.said(), 10, "a refusal")
    said = front.said()
    assert "service: an XDP program pass (id " in said, said
    assert "ip link set dev service xdp off" in said and front.alive(), said
    assert "prog/xdp" in site.edge.ip("link", "show", "service"), "the other program is gone"
    assert "prog/xdp" not in site.edge.ip("link", "show", "front"), "the dam began with what it could not end"
    site.edge.ip("link", "set", "dev", "service", "xdp", "off")
    suite.eventually(front.has_policy, 10, "a policy")
    suite.eventually(lambda: front.server_up("service"), 5, "the server up")
    site.finish(*site.connect())


def test_two_dataplanes(site):
    """a second dataplane on the same devices is refused, and told who has them; the first goes on"""
    front = site.front
    client, server = site.connect()
    paths = {name: os.path.join(front.directory, f"second-{name}") for name in ("dataplane", "control", "log")}
    with open(paths["log"], "w") as log:
        second = [site.edge.popen([front.programs["dataplane"], "--socket", paths["dataplane"], "--fresh",
                                   "--pins", front.pins + "-second", "--tables", front.tables + "-second"],
                                  stdout=log, stderr=log, start_new_session=True)]
        suite.eventually(lambda: os.path.exists(paths["dataplane"]), 5, "the second dataplane's socket")
        second.append(site.edge.popen(
            [front.programs["controlplane"], "--config", front.yaml, "--dataplane-socket", paths["dataplane"],
             "--api-socket", paths["control"], "--state", "none", "--metrics-address", "none"],
            stdout=log, stderr=log, start_new_session=True))

    def said():
        with open(paths["log"]) as handle:
            return handle.read()

    try:
        wanted = f"Another dam-dataplane has front: process {front.worker_pid()}."
        suite.eventually(lambda: wanted in said(), 10, wanted)
        assert second[0].poll() is None, "the second ended, and could not try again"
    finally:
        for process in reversed(second):
            front.end(process)
    site.finish(client, server)
    site.finish(*site.connect())
