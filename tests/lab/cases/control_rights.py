# SPDX-License-Identifier: BSD-3-Clause
"""Who may steer the dam, what its worker could do once it is taken over, and what a restart finds."""
import copy
import json
import os
import signal
import stat
import struct
import subprocess
import sys
import time

from lib import suite
from lib.plan import plan

PLAN = plan(timeouts={"hello": "3s", "connect": "2s", "probe_interval": "500ms"})
DAM_ONLY = True
COST = 30
NOBODY = 65534

# Connects, and prints what it is told.
ASK = """
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(5)
s.connect(sys.argv[1])
said = b""
while part := s.recv(4096):
    said += part
print(said)
"""


def _as_nobody(*words):
    return subprocess.run(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *words],
                          text=True, capture_output=True, timeout=20)


def _owner(path):
    info = os.stat(path)
    return info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode)


def _serves(site, timeout=15):
    deadline = time.monotonic() + timeout
    while True:
        try:
            return site.finish(*site.connect(server_timeout=1))
        except (OSError, AssertionError):
            assert time.monotonic() < deadline, "nothing is forwarded"
            time.sleep(0.2)


def _restart_dataplane(site):
    site.front.end(site.front.dataplane)
    site.front.start_dataplane()


def _log(site, name):
    with open(os.path.join(site.front.directory, name + ".log")) as handle:
        return handle.read()


def test_owners(site):
    """sockets, counters and what was saved belong to root; the worker owns the folder of the policy alone"""
    front = site.front
    assert _owner(front.socket) == (0, 0, 0o600), _owner(front.socket)
    assert _owner(front.api)[2] == 0o660, _owner(front.api)
    assert _owner(os.path.join(front.directory, "counters")) == (0, 0, 0o640)
    saved = os.path.join(front.directory, "saved")
    assert _owner(saved) == (0, 0, 0o711), _owner(saved)
    assert _owner(os.path.join(saved, "start.pb")) == (0, 0, 0o600)
    assert _owner(os.path.join(saved, "policy")) == (NOBODY, NOBODY, 0o700)
    assert _owner(os.path.join(saved, "policy", "snapshot.pb")) == (NOBODY, NOBODY, 0o600)


def test_worker_cannot_name_devices(site):
    """the worker's account can neither write the saved Start nor put another in its place"""
    saved = os.path.join(site.front.directory, "saved")
    for script in (f"open({saved + '/start.pb'!r}, 'a')", f"open({saved + '/start.pb.new'!r}, 'w')",
                   f"import os; os.rename({saved + '/policy/snapshot.pb'!r}, {saved + '/start.pb'!r})"):
        done = _as_nobody(sys.executable, "-c", script)
        assert done.returncode != 0 and "PermissionError" in done.stderr, (script, done)


def test_strangers_may_not_steer(site):
    """another user is refused on the control socket, even where its mode lets him in, and the log says so"""
    front = site.front
    done = _as_nobody(sys.executable, "-c", ASK, front.socket)
    assert "PermissionError" in done.stderr, done
    os.chmod(front.socket, 0o666)
    try:
        done = _as_nobody(sys.executable, "-c", ASK, front.socket)
    finally:
        os.chmod(front.socket, 0o600)
    assert "You may not steer the dam" in done.stdout, done
    suite.eventually(lambda: "Refused on the control socket: user 65534" in _log(site, "dataplane"), 5,
                     "a line in the log")


def test_second_dataplane(site):
    """a second dataplane on the same socket ends at once and says why; the first one is still steered"""
    front = site.front
    second = site.edge.popen([front.programs["dataplane"], "--socket", front.socket], text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said, _ = second.communicate(timeout=20)
    assert second.returncode == 1 and "Another dam-dataplane serves" in said, said
    assert os.path.exists(front.socket)
    version = front.counters().policy_version
    changed = copy.deepcopy(PLAN)
    changed["zones"]["service"] = {"per_source": {"connections": "900r/s"}}
    front.apply(changed)
    assert front.counters().policy_version > version
    _serves(site)
    front.apply(PLAN)


def _write_interface(front, **fields):
    """dam.yaml with another management interface."""
    front.write(PLAN)
    with open(front.yaml) as handle:
        policy = json.load(handle)
    policy["interfaces"]["management"].update(fields)
    with open(front.yaml, "w") as handle:
        json.dump(policy, handle)


def test_mistyped_interface(site):
    """a policy that names an interface which is not there is refused whole; a restart finds the old one,
    with and without a control plane, and a mended file is taken up"""
    front = site.front
    version = front.counters().policy_version
    _write_interface(front, device="managment")
    done = front.try_damctl("apply", "-f", front.yaml)
    assert done.returncode == 1, done
    assert 'There is no interface "managment"' in done.stderr and "Nothing has changed" in done.stderr, done
    assert front.counters().policy_version == version
    # Everything anew, with the mistyped file: the dataplane goes on with what it had.
    front.end(front.controlplane, signal.SIGKILL)
    _restart_dataplane(site)
    front.start_controlplane()
    _serves(site)
    trouble = suite.eventually(lambda: front.json("status")["dataplane"]["trouble"], 10, "words on the trouble")
    assert 'There is no interface "managment"' in trouble, trouble
    front.apply(PLAN)
    assert not front.json("status")["dataplane"]["trouble"]
    _serves(site)


def test_other_interfaces(site):
    """other interfaces are taken up by a restart: until then damctl says that one is needed"""
    front = site.front
    _write_interface(front, mtu=1400)
    assert "restart needed" in front.damctl("apply", "-f", front.yaml)
    assert front.json("status")["dataplane"]["restart_needed"]
    _restart_dataplane(site)
    suite.eventually(lambda: front.json("status")["dataplane"]["started"], 15, "open ports")
    _serves(site)
    assert not front.json("status")["dataplane"]["restart_needed"]
    front.apply(PLAN)
    _restart_dataplane(site)
    _serves(site)


def test_ports_that_do_not_open(site):
    """interfaces that can be seen but not opened are refused, by the end of a run where only trying tells; those
    before go on"""
    front = site.front
    device = "net_af_packet_x,iface=management,blocksz=7"
    if front.on_xdp:  # one that has an XDP program of somebody else's
        device = "busy"
        site.edge.ip("link", "add", device, "type", "veth", "peer", "name", "busy_end")
        site.attach_pass(site.edge, device)
    _write_interface(front, device=device)
    front.damctl("apply", "-f", front.yaml)
    front.end(front.dataplane)
    front.start_dataplane()
    if front.on_xdp:
        suite.eventually(lambda: "Going on with the saved policy" in front.said(), 20, "the interfaces before")
        assert "Refused: busy: an XDP program pass" in front.said(), front.said()
    else:
        front.dataplane.wait(30)
        assert front.dataplane.returncode == 1
        front.start_dataplane()
    _serves(site)
    front.apply(PLAN)
    assert not front.json("status")["dataplane"]["restart_needed"]
    if front.on_xdp:
        site.edge.ip("link", "del", device)


@suite.only_on("xdp", "dpdk's ports are opened by name")
def test_two_names_of_a_device(site):
    """a policy that names one device by two of its names is refused"""
    front = site.front
    site.edge.ip("link", "property", "add", "dev", "service", "altname", "other_name")
    _write_interface(front, device="other_name")
    done = front.try_damctl("apply", "-f", front.yaml)
    site.edge.ip("link", "property", "del", "dev", "service", "altname", "other_name")
    front.write(PLAN)
    assert done.returncode == 1, done
    assert "other_name is another name of a device that is taken already" in done.stderr, done


def _pipe_of(pid):
    """The worker's end of the pipe to its keeper."""
    for number in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{number}")
        except OSError:
            continue
        if target.startswith("pipe:"):
            with open(f"/proc/{pid}/fdinfo/{number}") as handle:
                if int(handle.read().split("flags:")[1].split()[0], 8) & 1:
                    return f"/proc/{pid}/fd/{number}"
    raise AssertionError("no pipe")


def test_keeper_believes_no_worker(site):
    """what the worker tells its keeper after the ports are open moves nothing: no interface is changed"""
    front = site.front
    site.edge.ip("link", "add", "victim", "type", "veth", "peer", "name", "victim_end")
    site.edge.ip("link", "set", "victim", "promisc", "on", "up")
    worker = front.worker_pid()
    with open(_pipe_of(worker), "wb", buffering=0) as pipe:
        pipe.write(struct.pack("16s??", b"victim", False, True))
    os.kill(worker, signal.SIGKILL)
    suite.eventually(lambda: not front.alive(), 5, "the end of its keeper")
    with site.edge:
        links = json.loads(subprocess.run(["ip", "-json", "link", "show", "victim"], text=True,
                                          capture_output=True, check=True).stdout)
    assert "PROMISC" in links[0]["flags"], links
    site.edge.ip("link", "del", "victim")
    front.start_dataplane()
    _serves(site)
