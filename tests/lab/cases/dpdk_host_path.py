# SPDX-License-Identifier: BSD-3-Clause
"""host_path: true on driver dpdk. What is not the dam's reaches the host's own stack, as it does on xdp: by an
interface beside the port, dam-host0. The host has the dam's public address there, and one of its own."""
import contextlib
import socket

from lib import hello, packet, suite
from lib.plan import plan
from lib.site import CLIENT, PUBLIC
from lib.stream import both_ways

PLAN = plan(host_path=True, admin=["198.18.0.1/32"])
DAM_ONLY = True
ONLY_ON = ("dpdk", "with driver xdp the interfaces are the host's anyway")
COST = 10
OWN = {4: "198.18.0.90", 6: "2001:db8::90"}
MIB = 1 << 20
_KIND = {4: socket.AF_INET, 6: socket.AF_INET6}


def _give_host_its_addresses(site):
    if OWN[4] in site.edge.ip("address", "show", "dev", "dam-host0"):
        return
    for pair in (PUBLIC, OWN):
        site._address(site.edge, "dam-host0", pair)


@contextlib.contextmanager
def _listening(namespace, address, port, family):
    with namespace:
        server = socket.create_server((address, port), family=_KIND[family])
    server.settimeout(5)
    try:
        yield server
    finally:
        server.close()


def _talk(one, other):
    for sender, receiver, text in ((one, other, b"there"), (other, one, b"and back")):
        sender.sendall(text)
        assert receiver.recv(100) == text


@suite.each(family=[4, 6])
def test_ping(site, family):
    """the host answers ping on its own address, the dam on the public one"""
    _give_host_its_addresses(site)
    before = site.front.counters().worker(0)
    site.client.run("ping", "-c", "3", "-i", "0.1", "-W", "2", OWN[family])
    site.client.run("ping", "-c", "3", "-i", "0.1", "-W", "2", PUBLIC[family])

    def both_counted():
        now = site.front.counters().worker(0)
        return all(now[name] >= before[name] + 3 for name in ("host_packets", "host_sent"))

    suite.eventually(both_counted, 3, "packets to the host and from it are counted")


@suite.each(family=[4, 6], own=[True, False])
def test_server_of_the_host(site, family, own):
    """who connects to the host's SSH gets it, on its own address and on the public one, while the dam serves"""
    _give_host_its_addresses(site)
    address = OWN[family] if own else PUBLIC[family]
    with _listening(site.edge, address, 22, family) as server:
        with site.client:
            client = socket.create_connection((address, 22), 5)
        accepted, _ = server.accept()
        with client, accepted:
            _talk(client, accepted)
            through, far = site.connect(text=hello.client_hello("service.example"), family=family)
            both_ways(through, far, 4 * MIB)
            site.finish(through, far)
            _talk(client, accepted)


@suite.each(family=[4, 6])
def test_connection_of_the_host(site, family):
    """the host opens connections of its own, from the public address too"""
    _give_host_its_addresses(site)
    with _listening(site.client, CLIENT[family], 3333, family) as server:
        with site.edge:
            own = socket.create_connection((CLIENT[family], 3333), 5)
        other, _ = server.accept()
        with own, other:
            _talk(own, other)


def test_closed_port(site):
    """a closed port is refused by the host, TCP by RST and UDP by an ICMP error"""
    _give_host_its_addresses(site)
    with site.client:
        for port in (81, 8080):
            try:
                socket.create_connection((PUBLIC[4], port), 5)
            except ConnectionRefusedError:
                continue
            raise AssertionError("no RST")
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sock:
        sock.settimeout(3)
        sock.connect((OWN[4], 9))
        sock.send(b"is there a host?")
        try:
            sock.recv(100)
        except ConnectionRefusedError:
            return
    raise AssertionError("no port unreachable from the host")


def test_fragments(site):
    """fragments of UDP reach the host, fragments of TCP to the dam do not"""
    _give_host_its_addresses(site)
    text = bytes(range(256)) * 12
    with site.edge:
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind((PUBLIC[4], 5353))
    server.settimeout(5)
    with site.client:
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with server, client:
        client.sendto(text, (PUBLIC[4], 5353))
        assert server.recv(8000) == text
    link = site.keep(site.link())
    whole = bytearray(packet.tcp_packet("203.0.113.140", PUBLIC[4], 5555, 443, 1, 0, packet.SYN))
    whole[6] |= 0x20  # more fragments
    whole[10:12] = b"\0\0"
    whole[10:12] = packet.checksum(bytes(whole[:20])).to_bytes(2, "big")
    with site.counted("fragment"):
        link.send(bytes(whole))


def test_flood(site):
    """a flood of strangers' UDP to the host leaves the dam's connections and an administrator's alone"""
    _give_host_its_addresses(site)
    link = site.keep(site.link())
    body = b"\x13\x88\x00\x09\x00\x20\x00\x00" + bytes(24)
    flood = packet.ip_packet("203.0.113.141", OWN[4], 17, body)
    with _listening(site.edge, OWN[4], 22, 4) as server:
        with site.client:
            client = socket.create_connection((OWN[4], 22), 5)
        accepted, _ = server.accept()
        with client, accepted:
            for _ in range(20):
                for _ in range(500):
                    link.send(flood)
                _talk(client, accepted)
            site.finish(*site.connect())


def test_ports_are_reserved(site):
    """the host gives the dam's source ports to nobody"""
    reserved = site.edge.run("sysctl", "-n", "net.ipv4.ip_local_reserved_ports").strip()
    said = site.front.said()
    assert reserved != "" or "so none are reserved" in said, said
