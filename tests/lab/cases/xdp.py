# SPDX-License-Identifier: BSD-3-Clause
"""What only the XDP driver does: live connections pass in the kernel and wake nobody, the host lives
beside the dam on the same devices, and nothing is left on them when the dam has ended."""
import contextlib
import os
import socket
import subprocess
import threading
import time

from lib import suite
from lib.plan import plan
from lib.site import CLIENT, DAM, service_address
from lib.stream import noise, transfer

PLAN = plan(timeouts={"hello": "3s", "connect": "2s", "probe_interval": "60s"})
DAM_ONLY = True
ONLY_ON = "xdp", "only driver: xdp does this"
COST = 30
MIB = 1 << 20


def _engine_thread(site):
    """Of the dataplane's two threads the one that is not the control thread."""
    pid = site.front.worker_pid()
    others = [int(task) for task in os.listdir(f"/proc/{pid}/task") if int(task) != pid]
    assert len(others) == 1, others
    return pid, others[0]


def _wakes(pid, thread):
    with open(f"/proc/{pid}/task/{thread}/status") as handle:
        return int(handle.read().split("\nvoluntary_ctxt_switches:")[1].split()[0])


def _cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as handle:
        fields = handle.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _wait_until_quiet(site):
    """No handshake is under way, for which the engine would look at its clock more often."""
    suite.eventually(lambda: site.front.table("half_open") == 0, 8, "no connection without a route")
    time.sleep(0.1)


@contextlib.contextmanager
def _download(client, server):
    """The server sends all the time; gives a function: bytes that the client got so far."""
    got, stop = [0], threading.Event()

    def feed():
        with contextlib.suppress(OSError):
            while not stop.is_set():
                server.sock.send(bytes(65536))

    def drain():
        with contextlib.suppress(OSError):
            while chunk := client.sock.recv(1 << 20):
                got[0] += len(chunk)

    threads = [threading.Thread(target=one, daemon=True) for one in (feed, drain)]
    for thread in threads:
        thread.start()
    try:
        yield lambda: got[0]
    finally:
        stop.set()
        client.sock.shutdown(socket.SHUT_RDWR)  # wakes who waits for it
        client.reset()
        for thread in threads:
            thread.join(10)


@suite.each(family=[4, 6])
def test_wakes_nobody(site, family):
    """packets of live connections wake nobody: during a download the engine's thread sleeps as in idle times"""
    client, server = site.connect(family=family)
    transfer(server, client, MIB)
    pid, thread = _engine_thread(site)
    _wait_until_quiet(site)

    def in_two_seconds():
        before = _wakes(pid, thread)
        time.sleep(2)
        return _wakes(pid, thread) - before

    idle = in_two_seconds()
    with _download(client, server) as received:
        time.sleep(0.3)
        packets, got = site.front.counters().worker(1)["rx_packets"], received()
        busy = in_two_seconds()
        packets, got = site.front.counters().worker(1)["rx_packets"] - packets, received() - got
    site.note(f"{packets} packets, {got / MIB:.0f} MiB; woke {busy} times, idle {idle}")
    assert packets > 10000, f"only {packets} packets"
    assert busy <= idle + 10, f"{busy} wakes during {packets} packets; {idle} when idle"


def test_idle(site):
    """without traffic the dataplane takes less than 1 % of a CPU"""
    pid, _ = _engine_thread(site)
    _wait_until_quiet(site)
    before = _cpu_seconds(pid)
    time.sleep(3)
    spent = _cpu_seconds(pid) - before
    site.note(f"{spent / 3:.1%}")
    assert spent < 0.03, f"{spent} s in 3 s"


def _serve_once(site, family, port):
    """A TCP service of the edge's own kernel; gives what stops it."""
    with site.edge:
        sock = socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((site.public[family], port))
    sock.listen(4)
    sock.settimeout(5)
    return sock


@suite.each(family=[4, 6])
def test_host_service(site, family):
    """a server of the host's own, on another port of the public address, is reached beside the dam's"""
    through, far = site.connect(family=family)
    listening = _serve_once(site, family, 2222)
    try:
        client = site.open(port=2222, family=family)
        other, _ = listening.accept()
        other.settimeout(5)
        client.send(noise(50000))
        got = b""
        while len(got) < 50000 and (chunk := other.recv(65536)):
            got += chunk
        assert got == noise(50000)
        other.sendall(noise(90000, 2))
        client.expect(noise(90000, 2))
        other.close()
        client.expect_eof()
    finally:
        listening.close()
    site.finish(through, far)


@suite.each(family=[4, 6])
def test_host_reaches_out(site, family):
    """the host's own connections to others, from the public address, pass beside the dam's"""
    with site.client:
        listening = socket.create_server((CLIENT[family], 3333),
                                         family=socket.AF_INET6 if family == 6 else socket.AF_INET)
    listening.settimeout(5)
    with site.edge:
        own = socket.create_connection((CLIENT[family], 3333), 5)
    other, (source, *_) = listening.accept()
    assert source == site.public[family], source
    own.sendall(b"from the host")
    assert other.recv(100) == b"from the host"
    for one in (own, other, listening):
        one.close()


@suite.each(family=[4, 6])
def test_ping_is_the_hosts(site, family):
    """ping is answered by the host: on the public address and towards the servers, and not when the host will not"""
    before = site.front.host_packets()
    targets = ((site.client, site.public[family]), (site.service, DAM["service"][family]))
    for namespace, address in targets:
        namespace.run("ping", "-c", "3", "-i", "0.1", "-W", "2", address)
    suite.eventually(lambda: site.front.host_packets() >= before + 6, 3, "6 more packets for the host")
    protocol = {4: "icmp type echo-request", 6: "icmpv6 type echo-request"}[family]
    with site.edge.rules(f"chain in {{ type filter hook input priority 0; {protocol} drop; }}"):
        try:
            site.client.run("ping", "-c", "1", "-W", "1", site.public[family])
        except RuntimeError:
            return
        raise AssertionError("somebody answers ping in the host's place")


def _set_mac(namespace, device, mac):
    namespace.ip("link", "set", "dev", device, "address", mac)


@suite.each(family=[4, 6])
def test_new_mac_of_server(site, family):
    """a server's new link address takes effect within two seconds: its connection goes on"""
    client, server = site.connect(family=family)
    transfer(client, server, MIB)
    old = site.service.mac("eth0").hex(":")
    _set_mac(site.service, "eth0", "02:00:00:00:05:05" if family == 4 else "02:00:00:00:06:06")
    try:
        # What a host does that gets a new card: says so to all (RFC 5227 3, RFC 4861 7.2.6).
        begun = time.monotonic()
        _announce(site, family)
        client.send(b"to the new card")
        server.expect(b"to the new card")
        spent = time.monotonic() - begun
        site.note(f"{spent * 1000:.0f} ms")
        assert spent < 2, f"{spent:.2f} s"
        transfer(server, client, MIB)
        site.finish(*site.connect(family=family))
    finally:
        _set_mac(site.service, "eth0", old)
        _announce(site, family)
    client.send(b"to the old card")
    server.expect(b"to the old card")


def _announce(site, family):
    """The server's kernel asks for the dam's address, and so shows its own."""
    address = DAM["service"][family]
    site.service.ip("neigh", "flush", "dev", "eth0")
    site.service.run("ping", "-c", "1", "-W", "2", "-I", service_address(10)[family], address)


def test_offload_is_switched_on(site):
    """gro that somebody switches on while the dam runs is switched off again, and the log says so"""
    site.edge.run("ethtool", "-K", "service", "gro", "on")

    def gro():
        with site.edge:
            return subprocess.run(["ethtool", "-k", "service"], text=True, capture_output=True, check=True).stdout

    suite.eventually(lambda: "generic-receive-offload: off" in gro(), 3, "gro off again")
    suite.eventually(lambda: "service: somebody switched on gro" in site.front.said(), 2, "a word about it")


@suite.each(family=[4, 6])
def test_fragments_for_the_host(site, family):
    """fragments of what is not TCP reach the host: it answers a ping of 3,000 bytes"""
    site.client.run("ping", "-c", "2", "-W", "1", "-s", "3000", site.public[family])


def test_next_hops_after_link_down(site):
    """after a device was down the kernel is asked anew to keep the next hops' link addresses fresh"""
    site.finish(*site.connect())
    site.edge.ip("link", "set", "service", "down")
    site.edge.ip("link", "set", "service", "up")
    suite.eventually(lambda: "managed" in site.edge.ip("neigh", "show", "dev", "service"), 3, "a managed next hop")
