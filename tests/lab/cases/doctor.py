# SPDX-License-Identifier: BSD-3-Clause
"""damctl doctor on the edge's real interfaces, and what `driver: auto` makes of them."""
import json
import subprocess

from lib import suite
from lib.plan import plan

PLAN = plan(queues=2, workers=2)
DAM_ONLY = True
ONLY_ON = "xdp", "the edge's kernel has no address with the other one"
COST = 12


def _doctor(site, *words, as_user=None):
    """Exit code and answer of damctl doctor --json, inside the edge."""
    command = [site.front.programs["damctl"], "doctor", "--json", *words]
    if as_user:
        command = ["setpriv", "--reuid", as_user, "--regid", "nogroup", "--clear-groups", *command]
    child = site.edge.popen(command, stdout=subprocess.PIPE, text=True)
    text = child.communicate(timeout=20)[0]
    return child.returncode, json.loads(text)


def _findings(answer, device):
    return {one["says"]: one for one in answer["interfaces"][device]["findings"]}


def test_while_the_dam_runs(site):
    """doctor finds nothing wrong, and knows the dam's own program and who holds it"""
    code, answer = _doctor(site, "-f", site.front.yaml)
    assert code == 0 and answer["problems"] == 0 and answer["root"], answer
    assert answer["driver"] == "xdp", answer
    front = answer["interfaces"][0]
    assert front["device"] == "front" and front["kernel_driver"] == "veth" and front["queues"] == 2, front
    assert front["xdp_native"] == "yes" and front["xdp_zero_copy"] == "no" and front["offloads_on"] == "", front
    program = front["xdp_program"]
    assert "program dam_xdp" in program and f"dam-dataplane (pid {site.front.worker_pid()})" in program, program


def test_as_nobody(site):
    """without root it says what it could not look at, and goes on"""
    code, answer = _doctor(site, "front", as_user="nobody")
    assert not answer["root"] and any("not root" in one["says"] for one in answer["machine"]), answer
    assert answer["interfaces"][0]["xdp_native"] == "yes", answer


def test_findings(site):
    """what is wrong with an interface is a problem, with what to type; typed, it is gone"""
    front = site.front
    front.stop()
    try:
        site.edge.ip("link", "set", "service", "mtu", "1400")
        site.edge.ip("addr", "del", "198.18.2.1/24", "dev", "management")
        site.edge.ip("link", "set", "front", "down")
        site.edge.run("ethtool", "-K", "front", "gro", "on")
        site.attach_pass(site.edge, "service")
        code, answer = _doctor(site, "-f", front.yaml)
        assert code == 1, answer
        commands = [one["command"] for device in range(3) for one in _findings(answer, device).values()
                    if one["level"] == "problem"]
        assert sorted(commands) == ["ip addr add 198.18.2.1/24 dev management",
                                    "ip addr add 2001:db8::80/64 dev front",  # went when the device went down
                                    "ip link set dev front up", "ip link set dev service mtu 1500",
                                    "ip link set dev service xdp off"], commands
        assert "gro" in answer["interfaces"][0]["offloads_on"], answer
        for command in commands:
            site.edge.run(*command.split())
        code, answer = _doctor(site, "-f", front.yaml)
        assert code == 0, answer
    finally:
        site.edge.run("ethtool", "-K", "front", "gro", "off")
        site.edge.ip("link", "set", "dev", "service", "mtu", "1500", "xdp", "off")
        site.edge.ip("link", "set", "front", "up")
        for device, pair in (("management", "198.18.2.1/24"), ("front", "2001:db8::80/64")):
            site.edge.ip("addr", "replace", pair, "dev", device)
        front.start()
    site.finish(*site.connect())


def test_auto(site):
    """driver: auto takes xdp here, since the host has addresses on the interfaces; status and log say why"""
    front = site.front
    reason = "the host has 198.18.0.80 on front"
    front.stop()
    front.driver_name = "auto"
    try:
        front.start()
        status = json.loads(front.damctl("status", "--json"))["dataplane"]
        assert status["driver"] == "xdp (native)" and status["driver_reason"].startswith(reason), status
        assert f"driver: auto is xdp: {reason}" in front.said(), front.said()
        assert f"driver: auto: {reason}" in front.damctl("status")
        code, answer = _doctor(site, "-f", front.yaml)
        assert code == 0 and answer["driver"] == "xdp" and answer["driver_reason"].startswith(reason), answer
        site.finish(*site.connect())
    finally:
        front.driver_name = front.driver
        front.stop()
        front.start()
    suite.eventually(lambda: json.loads(front.damctl("status", "--json"))["dataplane"]["driver_reason"] == "", 3,
                     "a driver that was named")
