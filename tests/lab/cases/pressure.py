# SPDX-License-Identifier: BSD-3-Clause
"""More than a link, a queue or the dam's own buffers take: counted under its own reason, and over when
the cause is."""
import contextlib
import os
import re
import signal
import subprocess
import time

from lib import hello, packet, suite
from lib.packet import ACK, SYN
from lib.plan import plan
from lib.site import service_address

NARROW = 1400
PROBE_PORTS = 16  # the first of the source ports
PLAN = plan(
    interface_service={"mtu": NARROW}, timeouts={"hello": "10s", "connect": "10s", "probe_interval": "60s"},
    # Its server is made by hand.
    add_servers={"hand": {"role": "service", "n": 20, "port": 443, "start": False}},
    add_routes=[{"name": "hand", "listener": "https", "names": ["hand.example"], "zone": "service",
                 "servers": ["hand"]}])
DAM_ONLY = True
COST = 15


@suite.each(family=[4, 6])
def test_too_big(site, family):
    """a segment larger than the way out takes is dropped, and its sender told the size that fits"""
    client, server = site.raw_connect(1 + family, family)
    head = 40 if family == 4 else 60
    with site.counted("too_big", 3):
        for _ in range(3):
            client.segment(bytes(NARROW - head + 1))
    told = [one for one in _packets(client.link, 0.3) if _mtu_told(one, family) is not None]
    assert told and all(_mtu_told(one, family) == NARROW for one in told), told
    client.send(bytes(NARROW - head))
    server.expect(bytes(NARROW - head))


def _packets(link, seconds):
    """The IP packets that arrive."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        link.sock.settimeout(left)
        try:
            yield link.sock.recv(65536)[14:]
        except TimeoutError:
            return


def _mtu_told(one, family):
    """What an ICMP error says (RFC 1191, RFC 4443 3.2), or None."""
    if family == 4:
        about = one[0] >> 4 == 4 and one[9] == 1 and one[20:22] == b"\x03\x04"
        return int.from_bytes(one[26:28], "big") if about else None
    about = one[0] >> 4 == 6 and one[6] == 58 and one[40] == 2
    return int.from_bytes(one[44:48], "big") if about else None


def test_link_down(site):
    """what a link that is down cannot take is dropped; when it is up again, its connections go on"""
    client, server = site.raw_connect(20)
    six, far = site.connect(family=6)
    site.edge.sysctl("net.ipv6.conf.service.keep_addr_on_down", 1)  # on xdp they are the edge's own
    site.edge.ip("link", "set", "service", "down")
    try:
        with _dropped_on_the_way_out(site, 100):
            for _ in range(8000):
                client.segment(b"again and again")
    finally:
        site.edge.ip("link", "set", "service", "up")
    client.send(b"again and again")
    server.expect(b"again and again")
    server.send(b"down")
    assert client.read(4) == b"down"
    for family in (4, 6):
        site.finish(*site.connect(family=family))
    site.finish(six, far)


def _drops_of_device(site, device):
    with site.edge:
        text = subprocess.run(["ethtool", "-S", device], text=True, capture_output=True, check=True).stdout
    return sum(int(count) for count in re.findall(r"rx_queue_\d+_drops: (\d+)", text))


@contextlib.contextmanager
def _dropped_on_the_way_out(site, at_least):
    """By the dam; on xdp by the kernel, which learns it after the program has chosen the way, and counts it
    where the packet came in."""
    if not site.front.on_xdp:
        with site.counted("tx_full", at_least):
            yield
        return
    before = _drops_of_device(site, "front")
    yield
    suite.eventually(lambda: _drops_of_device(site, "front") >= before + at_least, 3,
                     f"{at_least} more packets dropped by the kernel")


class _Stopped:
    """The dataplane stands still: what arrives meanwhile it finds as one burst."""

    def __init__(self, site):
        self.pid = site.front.worker_pid()

    def __enter__(self):
        os.kill(self.pid, signal.SIGSTOP)

    def __exit__(self, *_):
        os.kill(self.pid, signal.SIGCONT)


def _syn_of_flow(link, first_port):
    """The dam's own SYN to the hand-made server; probes come from other ports."""
    while (segment := link.receive(3)) is not None:
        if segment.dst == service_address(20)[4] and segment.flags == SYN and segment.sport >= first_port:
            return segment
    raise AssertionError("no SYN came to the server")


def test_no_buffer(site):
    """a server that has everything sent again many times in one burst uses up the frames that the dam
    writes itself; management goes on"""
    link, (first, _) = site.keep(site.link("service")), PLAN["source_ports"]
    with site.service.rules("chain in { type filter hook input priority 0; "
                            f"ip daddr {service_address(20)[4]} drop; }}"):
        client = site.raw(21).connect()
        client.send(hello.client_hello("hand.example"))
        syn = _syn_of_flow(link, first + PROBE_PORTS)
        for _ in range(14):  # held, for the server has not answered
            client.send(bytes(1000))
        client.wait_acked()
        answer = packet.tcp_packet(syn.dst, syn.src, syn.dport, syn.sport, 1000, syn.seq + 1, SYN | ACK,
                                   options=packet.option_mss(536))
        with site.counted("no_buffer"):
            with _Stopped(site):
                for _ in range(8):
                    link.send(answer)
        site.finish(*site.connect("management.example"))
