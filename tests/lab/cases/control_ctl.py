# SPDX-License-Identifier: BSD-3-Clause
"""damctl, /metrics and limits that come with a Start, on a running pair."""
import copy
import json
import os
import re
import shutil
import socket
import tempfile
import time

from lib import hello, suite
from lib.plan import plan
from lib.site import DAM

PLAN = plan(limits={"hello": "1k"}, zones={"service": {"per_source": {"connections": "900r/s burst=900"}},
                                           "management": {"management": True}},
            timeouts={"hello": "3s", "connect": "2s", "probe_interval": "500ms"})
DAM_ONLY = True
COST = 20


def _metrics(site):
    with site.edge:
        sock = socket.create_connection(("127.0.0.1", 9415), 5)
    sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: dam\r\n\r\n")
    text = b""
    while chunk := sock.recv(65536):
        text += chunk
    sock.close()
    return text.decode()


def _metric(site, line):
    found = re.search(rf"^{re.escape(line)} (\S+)$", _metrics(site), re.M)
    return float(found.group(1)) if found else None


def test_zones(site):
    """damctl zones shows each zone's limits, and what they counted"""
    site.finish(*site.connect())
    text = site.front.damctl("zones")
    for part in ("service", "management", "front", "per_source.connections", "900r/s burst=900"):
        assert part in text, text
    zones = {zone["name"]: zone for zone in site.front.json("zones")["zones"]}
    assert zones["service"]["counters"]["connections_opened"] >= 1, zones
    assert zones["management"]["management"] and not zones["service"]["management"]


def test_routes(site):
    """damctl routes shows which names lead where"""
    text = site.front.damctl("routes")
    for part in ("service.example", "*.apps.example", "management.example", "https"):
        assert part in text, text
    assert [route["servers"] for route in site.front.json("routes")["routes"]] == [["service"], ["management"]]


def test_servers(site):
    """damctl servers shows their addresses and that they are up; one that ended is down"""
    assert "198.18.1.10" in site.front.damctl("servers") and "198.18.2.10" in site.front.damctl("servers")

    def up(name):
        return {one["name"]: one["up"] for one in site.front.json("servers")["servers"]}[name]

    suite.eventually(lambda: up("service") and up("management"), 5, "both servers up")
    site.servers["management"].stop()
    suite.eventually(lambda: not up("management"), 10, "a server that is down")
    assert up("service")
    site.start_server("management", PLAN["servers"]["management"])
    suite.eventually(lambda: up("management"), 10, "the server back")


def test_status(site):
    """damctl status shows dataplane, policy, tables and workers; --watch repeats it with rates"""
    text = site.front.damctl("status")
    driver = ("xdp (native)", "\nkernel ") if site.front.on_xdp else ("dpdk (net_af_",)
    for part in ("connected", "heartbeat", "version ", "flows", "worker", "\n0 ", *driver):
        assert part in text, text
    assert site.front.on_xdp == ("\nkernel " in text), text
    watched = site.front.damctl("status", "--watch=0.2", "--rounds", "3")
    assert watched.count("dataplane  ") == 3 and "received/s" in watched, watched
    rounds = site.front.damctl("drops", "--json", "--watch=0.1", "-n", "2").splitlines()
    assert len(rounds) == 2 and all("reasons" in json.loads(one) for one in rounds), rounds


def test_exit_codes(site):
    """damctl ends with 0, 1 (refused), 2 (usage) and 3 (no control plane), as its help promises"""
    front = site.front

    def code(*words):
        return front.try_damctl(*words).returncode

    assert code("check", "-f", front.yaml) == 0
    front.write({**PLAN, "workers": 99})
    done = front.try_damctl("check", "-f", front.yaml)
    front.write(PLAN)
    assert done.returncode == 1 and re.search(r"dam\.yaml:\d+:\d+", done.stderr), done
    assert code("zone", "set", "nowhere", "mode=shadow") == 1
    assert code("zone", "set", "service", "per_source.connections=1r/h") == 1
    assert code("nonsense") == 2 and code("zone", "set", "service", "mode") == 2
    done = _elsewhere(front)
    assert done.returncode == 3 and "no control plane answers" in done.stderr, done


def _elsewhere(front):
    before, front.api = front.api, "/nonexistent/control.sock"
    try:
        return front.try_damctl("status")
    finally:
        front.api = before


def test_files_beside_the_policy(site):
    """a list that a policy names lies beside it: damctl apply counts what damctl check counted"""
    front = site.front
    source = site.sources[4][30]
    listing = copy.deepcopy(PLAN)
    listing["deny"] = [{"file": "list.txt"}]
    with tempfile.TemporaryDirectory() as folder:
        front.write(listing)
        theirs, ours = os.path.join(folder, "dam.yaml"), os.path.join(front.directory, "list.txt")
        shutil.copy(front.yaml, theirs)
        front.write(PLAN)
        for path, text in ((os.path.join(folder, "list.txt"), source), (ours, "192.0.2.0/24")):
            with open(path, "w") as handle:
                handle.write(text + "\n")
        said = front.damctl("apply", "-f", theirs)
        assert f"cp {theirs} {front.yaml}" in said, said
        site.expect_no_handshake("denied", source=source)
    os.remove(ours)
    front.apply(PLAN)


def _million(path, first):
    with open(path, "w") as handle:
        handle.write(first + "\n")
        for number in range(1_000_000):
            handle.write(f"2001:db9:{number >> 8:x}:{number & 255:x}::/64\n")


def test_million_networks(site):
    """an admin and a deny list of a million networks each hold, and come into force while traffic flows"""
    front = site.front
    denied, admin, other = site.sources[4][31:34]
    deny_file, admin_file = (os.path.join(front.directory, name) for name in ("deny.txt", "admin.txt"))
    _million(deny_file, f"{denied}\n{admin}")
    _million(admin_file, admin)
    living, server = site.connect(source=other)
    listing = {**copy.deepcopy(PLAN), "deny": [{"file": "deny.txt"}], "admin": [{"file": "admin.txt"}]}
    start = time.monotonic()
    front.apply(listing)
    site.note(f"in force after {time.monotonic() - start:.1f} s")
    site.finish(living, server)
    site.finish(*site.connect(source=other))
    site.finish(*site.connect(source=admin))
    site.expect_no_handshake("denied", source=denied)
    front.apply(PLAN)
    for path in (deny_file, admin_file):
        os.remove(path)


def test_metrics(site):
    """/metrics of the running pair counts what passes, and agrees with the counters' file"""
    before = _metric(site, 'dam_opened_connections_total{zone="service"}')
    for _ in range(3):
        site.finish(*site.connect())
    suite.eventually(lambda: _metric(site, 'dam_opened_connections_total{zone="service"}') == before + 3,
                     3, "three more connections")
    assert _metric(site, "dam_dataplane_up") == 1
    assert site.front.damctl("metrics").count("# HELP") == _metrics(site).count("# HELP")


def test_bad_file_never_starts(site):
    """a control plane with a bad file and nothing kept ends with its errors, and the dataplane keeps what it has"""
    front = site.front
    version = front.counters().policy_version
    front.end(front.controlplane)
    front.write({**PLAN, "routes": [{**PLAN["routes"][0], "zone": "nowhere"}]})
    front.start_controlplane(state="none")
    assert front.controlplane.wait(10) == 1
    assert front.counters().policy_version == version
    site.finish(*site.connect())
    front.write(PLAN)
    front.start_controlplane()
    suite.eventually(lambda: front.try_damctl("status").returncode == 0, 10, "the control plane")


def test_bad_file_and_a_kept_policy(site):
    """a control plane that kept a policy goes on with it when the file has become bad, and says what is wrong"""
    front = site.front
    front.end(front.controlplane)
    front.write({**PLAN, "routes": [{**PLAN["routes"][0], "zone": "nowhere"}]})
    front.start_controlplane()
    suite.eventually(lambda: front.try_damctl("status").returncode == 0, 10, "the control plane")
    with open(os.path.join(front.directory, "controlplane.log")) as handle:
        assert 'no zone is named "nowhere"' in handle.read()
    site.finish(*site.connect())
    front.apply(PLAN)


@suite.each(family=[4, 6])
def test_host_frames(site, family):
    """a packet for the dam's own host: on dpdk it goes nowhere, and is counted; on xdp the host answers"""
    with site.service:
        sock = socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(2)
    sock.connect((DAM["service"][family], 9))
    if site.front.on_xdp:
        before = site.front.host_packets()
        for _ in range(5):
            sock.send(b"is there a host?")
            try:
                sock.recv(100)
            except ConnectionRefusedError:  # its ICMP error
                continue
            raise AssertionError("no port unreachable from the host")
        suite.eventually(lambda: site.front.host_packets() >= before + 5, 3, "5 more packets for the host")
    else:
        with site.counted("not_ours", 5):
            for _ in range(5):
                sock.send(b"is there a host?")
                time.sleep(0.02)
    sock.close()


def test_longest_hello(site):
    """limits.hello bounds the ClientHello, after a restart of the dataplane: 1k, then 64KiB"""
    site.finish(*site.connect(text=hello.client_hello("service.example", padding=500)))
    site.expect_refused(hello.client_hello("service.example", padding=1500), "hello_too_long")
    front = site.front
    longer = copy.deepcopy(PLAN)
    longer["limits"]["hello"] = "64KiB"
    front.write(longer)
    assert "restart needed" in front.damctl("apply", "-f", front.yaml)
    front.end(front.dataplane)
    front.start_dataplane()
    suite.eventually(lambda: front.try_damctl("status").returncode == 0 and
                     front.json("status")["dataplane"]["policy_version"], 15, "a policy")
    text = hello.records(hello.message("service.example", padding=40000), [16000, 16000])
    suite.eventually(lambda: front.server_up("service"), 10, "the server up")
    time.sleep(1)
    site.finish(*site.connect(text=text))


def test_route_by_itself(site):
    """a route and its server are added by damctl alone and serve at once; removed, they serve no more, and what they
    connected goes on; a server that a route names does not go"""
    front, address = site.front, site.servers["service"]
    said = front.damctl("server", "add", "extra", "addresses=[198.18.1.10, 2001:db8:1::10]", "port=443", "proxy=v2")
    assert "+" in said and "applied" in said, said
    dry = front.damctl("route", "add", "extra", "listener=https", "server_names=[extra.example]", "zone=service",
                       "servers=[extra]", "--dry-run")
    assert "Nothing has changed" in dry and "extra" not in front.damctl("routes"), dry
    front.damctl("route", "add", "extra", "listener=https", "server_names=[extra.example]", "zone=service",
                 "servers=[extra]")
    suite.eventually(lambda: front.server_up("extra"), 5, "the new server up")
    pair = site.connect("extra.example", address)
    done = front.try_damctl("server", "remove", "extra")
    assert done.returncode == 1 and "extra" in done.stderr, done
    done = front.try_damctl("route", "remove", "nobody")
    assert done.returncode == 1 and 'no route is named "nobody"' in done.stderr, done
    front.damctl("route", "remove", "extra")
    with site.counted("no_route"):
        stranger = site.open()
        stranger.send(hello.client_hello("extra.example"))
        stranger.expect_closed(2)
    site.finish(*pair)
    front.damctl("server", "remove", "extra")
    assert "extra" not in front.damctl("servers")
    assert [one["comment"] for one in json.loads(front.damctl("history", "--json"))["versions"][:2]] == [
        "server extra removed", "route extra removed"]
