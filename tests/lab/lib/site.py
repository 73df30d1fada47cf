# SPDX-License-Identifier: BSD-3-Clause
"""A small site: client, edge (where the dam runs), service and management, each a namespace, each on
a cable of its own to the edge.

  far_client ── client ──(wire)── edge ──(wire)── service ── far_server
                                   └───────────── management

far_client and far_server stand behind the client and the service, which route for them: the place for
path MTU. `wire` is a bad cable, where a group of tests asks for one. With `one_arm` a switch stands between
the edge and all others, and the edge has one cable to it."""
import contextlib
import os
import signal
import socket
import sys
import tempfile

from . import hello, netns, packet, raw, suite, wire
from .server import LabServer
from .stream import Stream

PUBLIC = {4: "198.18.0.80", 6: "2001:db8::80"}           # the dam's, with the listeners
CLIENT = {4: "198.18.0.1", 6: "2001:db8::1"}             # also the dam's gateway
SOURCES = {4: [f"203.0.113.{n}" for n in range(1, 61)],  # more addresses of the client
           6: [f"2001:db8:c:{n:x}::1" for n in range(1, 61)]}
FAR_CLIENT = {4: "198.18.8.10", 6: "2001:db8:8::10"}
FAR_SERVER = {4: "198.18.1.77", 6: "2001:db8:1::77"}
DAM = {"service": {4: "198.18.1.1", 6: "2001:db8:1::1"},
       "management": {4: "198.18.2.1", 6: "2001:db8:2::1"}}


def service_address(n):
    """Addresses .10 to .29 are the service's own."""
    return {4: f"198.18.1.{n}", 6: f"2001:db8:1::{n}"}


def management_address(n):
    return {4: f"198.18.2.{n}", 6: f"2001:db8:2::{n}"}


def _addresses(device, pair, bits=(24, 64)):
    return [("addr", "add", f"{pair[4]}/{bits[0]}", "dev", device),
            ("addr", "add", f"{pair[6]}/{bits[1]}", "dev", device, "nodad")]


class Site:
    """Raised by __init__, taken away by close()."""

    def __init__(self, prefix, wires=(), mtu=1500, queues=1, one_arm=False, machine=None):
        """machine: the dam is not on the edge of this site, but on that one (lib/guest.py)."""
        self.one_arm, self.machine = one_arm, machine
        self.prefix, self.children, self.namespaces = prefix, [], []
        self.servers, self.streams, self.notes, self.front = {}, [], [], None
        self.shared, self.pass_program = False, None
        self.wires, self.wire_counts = dict(wires), {}
        try:
            self._raise(mtu, queues)
        except BaseException:
            self.close()
            raise

    def _namespace(self, role):
        namespace = netns.Namespace(f"{self.prefix}-{role}")
        self.namespaces.append(namespace)
        for name, value in {"net.ipv6.conf.all.accept_dad": 0, "net.ipv6.conf.default.accept_dad": 0,
                            "net.ipv4.icmp_ratelimit": 0, "net.ipv6.icmp.ratelimit": 0,
                            "net.ipv4.conf.all.rp_filter": 0,
                            "net.ipv4.conf.default.rp_filter": 0}.items():
            namespace.sysctl(name, value)
        setattr(self, role, namespace)
        return namespace

    def _raise(self, mtu, queues):
        for role in ("client", "service", "management", "far_client", "far_server"):
            self._namespace(role)
        self.edge = self.machine.edge if self.machine else self._namespace("edge")
        self._ends = self.machine.cables if self.machine else self.edge
        if self.one_arm:
            self._switch(mtu, queues)
        self._cable("client", "front", mtu, queues)
        self._cable("service", "service", mtu, queues)
        self._cable("management", "management", mtu, queues)
        self._address(self.client, "eth0", CLIENT)
        self.service.ip_each(words for n in range(10, 30) for words in _addresses("eth0", service_address(n)))
        self._address(self.management, "eth0", management_address(10))
        self.client.ip_each(words for v4, v6 in zip(SOURCES[4], SOURCES[6])
                            for words in _addresses("lo", {4: v4, 6: v6}, (32, 128)))
        # Addresses for hand-made connections: packets to them reach eth0 and go no further.
        self.client.ip_each(("route", "add", "blackhole", network)
                            for network in ("203.0.113.128/25", "2001:db8:f::/48"))
        self._far()

    def _cable(self, role, device, mtu, queues):
        """eth0 of the role to a device of the edge, through a wire where one was asked for."""
        namespace = getattr(self, role)
        end = self.switch if self.one_arm else self._ends
        if role not in self.wires:
            netns.veth(namespace, "eth0", end, device, mtu, queues)
            self._plug_in(device)
            return
        middle = self._namespace("wire_" + role)
        middle.sysctl("net.ipv6.conf.default.disable_ipv6", 1)
        netns.veth(namespace, "eth0", middle, "near", mtu)
        netns.veth(middle, "far", end, device, mtu, queues)
        self._plug_in(device)
        program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "wire.py")
        with tempfile.NamedTemporaryFile(prefix=f"{self.prefix}-wire-", delete=False) as counts:
            counts.write(bytes(wire.COUNTS_BYTES))
        self.wire_counts[role] = counts.name
        self.children.append(middle.popen(
            [sys.executable, program, "near", "far", "--counts", counts.name] + self.wires[role],
            start_new_session=True))

    def _switch(self, mtu, queues):
        switch = self._namespace("switch")
        switch.sysctl("net.ipv6.conf.default.disable_ipv6", 1)
        switch.ip("link", "add", "bridge", "mtu", mtu, "type", "bridge")
        switch.ip("link", "set", "bridge", "up")
        netns.veth(switch, "edge", self._ends, "front", mtu, queues)
        self._plug_in("edge")
        if self.machine:
            self.machine.plug_in("front")

    def _plug_in(self, device):
        if self.one_arm:
            self.switch.ip("link", "set", device, "master", "bridge")
        elif self.machine:
            self.machine.plug_in(device)

    def _address(self, namespace, device, pair, bits=(24, 64)):
        namespace.ip_each(_addresses(device, pair, bits))

    def host_addresses(self):
        """What a dam's own host has where it shares the devices with it: of a device each pair."""
        if self.one_arm:
            return [("front", PUBLIC), *(("front", DAM[role]) for role in DAM if role not in self.wires)]
        return [("front", PUBLIC), *DAM.items()]

    def share_edge_with_host(self, vlan=None):
        """The edge's own kernel has the addresses and answers ARP and NDP (not on a VLAN of the front: some
        kernels lack VLAN devices); what the dam sends by XDP is taken up at the other ends of its cables,
        which needs a program there."""
        if self.shared:
            return
        self.shared = True
        for device, pair in self.host_addresses():
            if vlan is None or device != "front":
                self._address(self.edge, device, pair)
        if self.one_arm:
            self.attach_pass(self.switch, "edge")
            return
        for device in ("front", *DAM):
            role = "client" if device == "front" else device
            if role in self.wires:
                self.attach_pass(getattr(self, "wire_" + role), "far")
            else:
                self.attach_pass(getattr(self, role), "eth0")

    def attach_pass(self, namespace, device):
        """An XDP program that passes everything."""
        if self.pass_program is None:
            root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
            self.pass_program = tempfile.NamedTemporaryFile(suffix=".bpf.o")
            netns.run("clang", "-target", "bpf", "-O2", "-g", f"-I/usr/include/{os.uname().machine}-linux-gnu",
                      "-c", os.path.join(root, "tools/lab.d/pass.bpf.c"), "-o", self.pass_program.name)
        namespace.ip("link", "set", "dev", device, "xdp", "obj", self.pass_program.name, "sec", "xdp")

    def _far(self):
        for near, far, pair in ((self.client, self.far_client, FAR_CLIENT),
                                (self.service, self.far_server, FAR_SERVER)):
            netns.veth(near, "far", far, "eth0")
            near.sysctl("net.ipv4.ip_forward", 1)
            near.sysctl("net.ipv6.conf.all.forwarding", 1)
            gateway = {4: "198.18.9.1", 6: "2001:db8:9::1"}
            self._address(near, "far", gateway, (32, 128))
            self._address(far, "eth0", pair, (32, 128))
            near.ip_each(("route", "add", pair[family], "dev", "far") for family in (4, 6))
            far.ip_each(words for family in (4, 6) for words in (
                ("route", "add", gateway[family], "dev", "eth0"),
                ("route", "add", "default", "via", gateway[family])))
        # The far server looks on-link to the dam: the service answers for it.
        self.service.sysctl("net.ipv4.conf.eth0.proxy_arp", 1)
        self.service.sysctl("net.ipv6.conf.eth0.proxy_ndp", 1)
        self.service.ip("-6", "neigh", "add", "proxy", FAR_SERVER[6], "dev", "eth0")

    # What tests use.

    public, sources = PUBLIC, SOURCES

    def link(self, role="client"):
        """A packet socket on the role's cable, for hand-made packets to the dam."""
        device = "front" if self.one_arm or role == "client" else role
        link = raw.Link(getattr(self, role), "eth0", self.edge.mac(device))
        link.edge_device = device
        return link

    def raw(self, n, family=4, link=None, port=443):
        """A hand-made client of its own address; n is its number, 1 to 99."""
        source = {4: f"203.0.113.{128 + n}", 6: f"2001:db8:f::{n}"}[family]
        link = link or self.keep(self.link())
        return raw.RawTcp(link, source, PUBLIC[family], port)

    def raw_connect(self, n, family=4, name="service.example", **options):
        """The same, connected by that server name; returns it and the server's end."""
        client = self.raw(n, family).connect(**options)
        text = hello.client_hello(name)
        client.send(text)
        server = self.keep(self.servers["service"].take(client.address))
        server.expect(text)
        return client, server

    def open(self, port=443, family=4, source=None, namespace=None, timeout=10, **options):
        """A client's connection to the public address; options are set before connecting."""
        kind = socket.AF_INET6 if family == 6 else socket.AF_INET
        with namespace or self.client:
            sock = socket.socket(kind, socket.SOCK_STREAM)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for name, value in options.items():
            level = socket.IPPROTO_TCP if name.startswith("TCP_") else socket.SOL_SOCKET
            sock.setsockopt(level, getattr(socket, name), value)
        sock.settimeout(timeout)
        if source:
            sock.bind((source, 0))
        sock.connect((PUBLIC[family], port))
        return self.keep(Stream(sock, timeout=timeout))

    def is_refused(self, source, family=4, port=443):
        """A connection from there does not come about."""
        try:
            self.open(source=source, family=family, port=port, timeout=0.7).close()
        except OSError:
            return True
        return False

    def keep(self, stream):
        """Has the stream closed when the test ends."""
        self.streams.append(stream)
        return stream

    def forget(self, *streams):
        """Closes them now: where there will be thousands."""
        for stream in streams:
            stream.sock.close()
            self.streams.remove(stream)

    def finish(self, client, server):
        """Both ends still talk, each to the other, and close in order."""
        for one, other, text in ((client, server, b"up"), (server, client, b"down")):
            one.send(text)
            other.expect(text)
        client.half_close()
        server.expect_eof()
        server.half_close()
        client.expect_eof()

    def connect(self, name="service.example", server=None, text=None, port=443,
                server_timeout=5, **fields):
        """A client's and a server's end of one connection by that server name; both have seen the
        ClientHello, which is `text` if that is given."""
        server = server or self.servers["management" if name.startswith("management") else "service"]
        client = self.open(port=port, **fields)
        text = hello.client_hello(name) if text is None else text
        client.send(text)
        far = self.keep(server.take(client.local, server_timeout))
        far.expect(text)
        return client, far

    def start_servers(self, plan):
        """A server of ours for each of the plan's that does not say start: False."""
        self.servers = {}
        for name, server in plan["servers"].items():
            if server.get("start", True):
                self.start_server(name, server)

    def start_server(self, name, server):
        if server["role"] == "far":
            namespace, addresses = self.far_server, FAR_SERVER
        else:
            namespace = getattr(self, server["role"])
            addresses = globals()[server["role"] + "_address"](server["n"])
        proxied = server.get("proxy", "v2") != "none"
        self.servers[name] = LabServer(namespace, addresses.values(), server["port"], proxied,
                                       server.get("receive_buffer")).start()

    def expect_refused(self, text, reason, **fields):
        """A client that says this gets no service, quickly, and the refusal is counted."""
        with self.counted(reason):
            client = self.open(**fields)
            address = client.local
            client.send(text)
            client.expect_closed(2 if self.front.is_dam else 5)
        assert not any(server.has(address) for server in self.servers.values())

    def expect_no_handshake(self, reason, **fields):
        """A client's SYN goes unanswered, and is counted."""
        with self.counted(reason):
            try:
                self.open(timeout=0.5, **fields)
            except OSError:
                return
            raise AssertionError(f"a handshake for a client that is {reason}")

    @contextlib.contextmanager
    def bad_cables(self, least=1):
        """While what is inside the `with` happens, every bad cable really loses, doubles and reorders."""
        def now():
            return {role: wire.read_counts(path) for role, path in self.wire_counts.items()}

        before = now()
        assert before, "no cable of this site is bad"
        yield
        for role, after in now().items():
            did = {name: after[name] - before[role][name] for name in wire.COUNTED}
            self.note(f"{role}'s cable: " + ", ".join(f"{count} {name}" for name, count in did.items()))
            assert min(did.values()) >= least, f"the {role}'s cable was no bad one: {did}"

    @contextlib.contextmanager
    def counted(self, reason, at_least=1):
        """What happens inside the `with` makes the front count drops for that reason, or for one of
        several. A reason is always named: packets that the dam takes in itself are counted too."""
        reasons = (reason,) if isinstance(reason, str) else reason

        def count():
            drops = self.front.drops()
            return sum(drops[one] for one in reasons)

        if not self.front.is_dam:
            yield
            return
        before = count()
        yield
        suite.eventually(lambda: count() >= before + at_least, 3,
                         f"{at_least} more drops counted for {reason}")

    def expect_not_ours(self, link, packets, reason="not_ours"):
        """Sends packets that are not the dam's. On dpdk they are dropped, and counted for that reason (or
        one of several); on xdp the host gets each of them as it was sent, and nothing is dropped."""
        if not self.front.on_xdp:
            with self.counted(reason, len(packets)):
                for one in packets:
                    link.send(one)
            return
        reasons = (reason,) if isinstance(reason, str) else reason

        def dropped():
            drops = self.front.drops()
            return [drops[one] for one in reasons]

        missing = [packet.ethernet(link.gateway_mac, link.mac, one) for one in packets]
        tap = self.keep(raw.Link(self.edge, link.edge_device, b""))
        tap.sock.settimeout(3)
        before, drops_before = self.front.host_packets(), dropped()
        for one in packets:
            link.send(one)
        count = len(missing)
        while missing:
            try:
                frame = tap.sock.recv(65536)
            except TimeoutError:
                raise AssertionError(f"{len(missing)} of {count} frames did not reach the host") from None
            if frame in missing:
                missing.remove(frame)
        suite.eventually(lambda: self.front.host_packets() >= before + count, 3,
                         f"{count} more packets counted for the host")
        assert dropped() == drops_before, f"{reasons}: {drops_before}, then {dropped()}"

    def note(self, text):
        """Something measured, shown on the test's line."""
        self.notes.append(text)

    def tidy(self):
        """After each test: no connection of it stays open."""
        for stream in self.streams:
            stream.drop()
        self.streams = []
        for server in self.servers.values():
            server.forget()

    def close(self):
        for server in self.servers.values():
            server.stop()
        for child in self.children:
            try:
                os.killpg(child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            child.wait()
        for path in self.wire_counts.values():
            os.unlink(path)
        if self.pass_program:
            self.pass_program.close()
        if self.machine:
            self.machine.unplug()
        for namespace in reversed(self.namespaces):
            namespace.remove()
