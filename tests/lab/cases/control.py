# SPDX-License-Identifier: BSD-3-Clause
"""Steering while traffic flows: changed policies, a control plane that dies, a dataplane that holds no
privileges."""
import copy
import os
import signal
import socket
import struct
import threading
import time

from lib import hello, packet, suite
from lib.beside import Beside
from lib.plan import plan
from lib.site import DAM
from lib.stream import noise

PLAN = plan(zones={"service": {}, "management": {"management": True},
                   "limited": {"per_source": {"bytes_down": "500kB/s burst=150kB"}}},
            timeouts={"hello": "3s", "connect": "2s", "probe_interval": "500ms"},
            add_servers={"new": {"role": "service", "n": 11, "port": 443}},
            add_routes=[{"name": "limited", "listener": "https", "names": ["limited.example"],
                         "zone": "limited", "servers": ["service"]}])
DAM_ONLY = True
COST = 30
CAP_NET_ADMIN, CAP_BPF = 12, 39


class Chatter(Beside):
    """Connections that say something every few milliseconds, and notice every gap."""

    def __init__(self, site, count=4):
        self.pairs = [site.connect(family=6 if n % 2 else 4) for n in range(count)]
        self.longest, self.number = 0.0, 0
        super().__init__()

    def once(self, _):
        self.number += 1
        start = time.monotonic()
        for client, server in self.pairs:
            client.send(noise(700, self.number))
            server.expect(noise(700, self.number))
            server.send(noise(900, self.number))
            client.expect(noise(900, self.number))
        self.longest = max(self.longest, time.monotonic() - start)
        time.sleep(0.005)

    def __exit__(self, *what):
        super().__exit__(*what)
        assert self.longest < 1.5, f"a gap of {self.longest:.2f} s"


def test_policy_change(site):
    """a changed policy (routes, servers, zones) holds for new connections; living ones notice nothing"""
    changed = copy.deepcopy(PLAN)
    changed["routes"][0]["servers"] = ["new"]
    changed["routes"].append({"name": "fresh", "listener": "https", "names": ["fresh.example"],
                              "zone": "service", "servers": ["new"]})
    try:
        with Chatter(site):
            time.sleep(0.3)
            site.front.apply(changed)
            time.sleep(0.3)
            site.finish(*site.connect(server=site.servers["new"]))
            site.finish(*site.connect("fresh.example", site.servers["new"]))
            time.sleep(0.3)
    finally:
        site.front.apply(PLAN)
    site.finish(*site.connect())


def test_route_taken_away(site):
    """a route that the new policy lacks refuses strangers, and keeps the connections it made"""
    lacking = copy.deepcopy(PLAN)
    lacking["routes"] = [one for one in lacking["routes"] if one["name"] != "limited"]
    client, server = site.connect("limited.example", site.servers["service"])
    try:
        site.front.apply(lacking)
        with site.counted("no_route"):
            stranger = site.open()
            stranger.send(hello.client_hello("limited.example"))
            stranger.expect_closed(2)
        site.finish(client, server)
    finally:
        site.front.apply(PLAN)


def test_many_changes(site):
    """thirty changes in a row hurt no connection"""
    changed = copy.deepcopy(PLAN)
    changed["routes"].append({"name": "fresh", "listener": "https", "names": ["fresh.example"],
                              "zone": "service", "servers": ["new"]})
    with Chatter(site):
        for number in range(30):
            site.front.apply(changed if number % 2 else PLAN)
    site.front.apply(PLAN)


def test_rate_changed_live(site):
    """a zone's rate changes while a download runs, and the download's speed with it"""
    client, server = site.connect("limited.example", site.servers["service"])
    # BBR remembers a limit for long after it is gone.
    server.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"reno")

    def feed():
        try:
            while True:
                server.sock.send(bytes(65536))
        except OSError:
            pass

    threading.Thread(target=feed, daemon=True).start()

    def speed(during=1.5):
        got, end = 0, time.monotonic() + during
        while time.monotonic() < end:
            got += len(client.sock.recv(65536))
        return got / during

    speed(1)  # the burst
    slow = speed()
    site.front.damctl("zone", "set", "limited", "per_source.bytes_down=3MB/s burst=1MB")
    assert 150e3 < slow < 750e3, f"{slow / 1e3:.0f} kB/s"
    speed(1)  # the larger burst
    # TCP needs a moment to find the new rate.
    fast = suite.eventually(lambda: (now := speed()) > 1.2e6 and now, 12, "a download of over 1.2 MB/s")
    assert fast < 4.2e6, f"{fast / 1e3:.0f} kB/s"
    client.reset()


def test_bad_policy(site):
    """a policy with errors is refused whole, and the old one stays"""
    version = site.front.counters().policy_version
    bad = copy.deepcopy(PLAN)
    bad["routes"][0]["zone"] = "nowhere"
    bad["routes"][1]["servers"] = ["nobody"]
    site.front.write(bad)
    done = site.front.try_damctl("apply", "-f", site.front.yaml)
    site.front.write(PLAN)
    assert done.returncode == 1, done
    text = done.stdout + done.stderr
    assert "nowhere" in text and "nobody" in text, text
    assert site.front.counters().policy_version == version
    site.finish(*site.connect())


def test_deny_cuts(site):
    """a source that a new policy denies loses its live connections too; the others keep theirs"""
    source = site.sources[4][20]
    client, server = site.connect(source=source)
    other, other_server = site.connect(source=site.sources[4][21])
    denying = copy.deepcopy(PLAN)
    denying["deny"] = [source]
    try:
        with site.counted("denied"):
            site.front.apply(denying)
            client.sock.settimeout(2)
            try:
                for _ in range(10):
                    client.send(b"still there?")
                    time.sleep(0.05)
            except OSError:
                pass  # reset: cut as well
            _gets_nothing(server)
        other.send(b"fine")
        other_server.expect(b"fine")
    finally:
        site.front.apply(PLAN)


def _gets_nothing(server):
    server.sock.settimeout(0.5)
    try:
        got = server.sock.recv(100)
    except OSError:
        return
    assert got == b"", f"{got!r} passed a ban"


def _statuses(pid):
    """/proc/PID/status of every thread."""
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status") as handle:
            yield dict(line.rstrip("\n").split(":\t", 1) for line in handle if ":\t" in line)


def test_privileges(site):
    """the dataplane runs as an ordinary user and can gain no capability: it has none, or on xdp two in its
    control thread alone"""
    pid = site.front.worker_pid()
    statuses = list(_statuses(pid))
    assert len(statuses) > 1, statuses
    for status in statuses:
        control = site.front.on_xdp and status["Pid"] == str(pid)
        expected = 1 << CAP_NET_ADMIN | 1 << CAP_BPF if control else 0
        for name in ("Uid", "Gid"):
            assert "0" not in status[name].split(), (name, status)
        for name in ("CapEff", "CapPrm"):
            assert int(status[name], 16) == expected, (name, status)
        for name in ("CapInh", "CapAmb", "CapBnd"):
            assert int(status[name], 16) == 0, (name, status)
        assert status["NoNewPrivs"] == "1", status


def test_privileges_of_keeper(site):
    """its keeper, which only cleans up after it, holds two capabilities at most and can gain none"""
    for status in _statuses(site.front.dataplane.pid):
        assert bin(int(status["CapEff"], 16)).count("1") <= 2, status
        assert int(status["CapEff"], 16) == int(status["CapPrm"], 16), status
        assert status["NoNewPrivs"] == "1", status


def test_drop_reasons(site):
    """damctl shows the drops by name, and the sum of what the counters' file says"""
    client = site.open()
    client.send(hello.client_hello("nobody.example"))
    client.expect_closed(2)
    assert "no_route" in site.front.damctl("drops")

    def agree():
        said = [zone.get("no_route", 0) for zone in site.front.json("drops")["drops"].values()]
        return sum(said) == site.front.drops()["no_route"] >= 1

    suite.eventually(agree, 3, "one number of no_route in damctl and in the counters' file")


def test_control_plane_killed(site):
    """when the control plane is killed, forwarding goes on, old connections and new ones; a new one
    takes over"""
    front = site.front
    with Chatter(site):
        time.sleep(0.2)
        front.end(front.controlplane, signal.SIGKILL)
        time.sleep(0.5)
        for family in (4, 6):
            site.finish(*site.connect(family=family))
            site.finish(*site.connect("management.example", family=family))
        front.start_controlplane()
        suite.eventually(lambda: front.try_damctl("status").returncode == 0, 10, "the new control plane")
        time.sleep(0.3)
    site.finish(*site.connect())
    front.apply(PLAN)


def test_restart_of_dataplane(site):
    """a dataplane that crashed and is started anew goes on with the last policy, without any control
    plane"""
    front = site.front
    front.end(front.controlplane, signal.SIGKILL)
    os.kill(front.worker_pid(), signal.SIGKILL)
    suite.eventually(lambda: not front.alive(), 5, "the end of its keeper")
    front.start_dataplane()
    deadline = time.monotonic() + 15
    while True:
        try:
            site.finish(*site.connect(server_timeout=1))
            break
        except (OSError, AssertionError):
            assert time.monotonic() < deadline, "nothing is forwarded after the restart"
            time.sleep(0.2)
    front.start_controlplane()
    suite.eventually(lambda: front.try_damctl("status").returncode == 0, 10, "the control plane")


def test_ping(site):
    """the dam's own addresses answer ping, and their neighbours find them by ARP and NDP"""
    for family, address in site.public.items():
        site.client.ip(f"-{family}", "neigh", "flush", "dev", "eth0")
        _ping(site.client, address)
    for role in ("service", "management"):
        namespace = getattr(site, role)
        for family, address in DAM[role].items():
            namespace.ip(f"-{family}", "neigh", "flush", "dev", "eth0")
            _ping(namespace, address)


def _ping(namespace, address):
    v6 = ":" in address
    with namespace:
        sock = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_RAW,
                             socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP)
    sock.settimeout(0.5)
    body = struct.pack("!BBHHH", 128 if v6 else 8, 0, 0, 77, 1) + b"are you there?"
    if not v6:
        body = body[:2] + packet.checksum(body).to_bytes(2, "big") + body[4:]
    deadline = time.monotonic() + 4
    while time.monotonic() < deadline:
        sock.sendto(body, (address, 0))
        try:
            while True:
                got = sock.recv(2048)
                got = got if v6 else got[20:]
                if got[0] == (129 if v6 else 0) and got[8:] == b"are you there?":
                    sock.close()
                    return
        except socket.timeout:
            pass
    raise AssertionError(f"{address} does not answer")
