# SPDX-License-Identifier: BSD-3-Clause
"""A TCP endpoint made by hand on a packet socket, for what kernels never send. Its address belongs to
no kernel (see site.py), so that no kernel answers for it."""
import random
import socket
import struct
import time

from . import packet
from .packet import ACK, FIN, PSH, RST, SYN

_ETH_ALL = 3
_SOL_PACKET, _IGNORE_OUTGOING, _AUXDATA = 263, 23, 8


def link_socket(namespace, device, incoming=True):
    """A packet socket on the device that sees frames of others, not its own."""
    with namespace:
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_ALL if incoming else 0))
    sock.bind((device, _ETH_ALL if incoming else 0))
    sock.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
    sock.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
    return sock


class Link:
    """Sends IP packets from a namespace's device straight to the dam's MAC."""

    def __init__(self, namespace, device, gateway_mac):
        self.mac, self.gateway_mac = namespace.mac(device), gateway_mac
        self.sock = link_socket(namespace, device)

    def send(self, ip_packet):
        self.sock.send(packet.ethernet(self.gateway_mac, self.mac, ip_packet))

    def receive(self, timeout, to=None):
        """The next TCP segment that arrives (to that address, where one is given), or None."""
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            self.sock.settimeout(left)
            try:
                segment = packet.parse_tcp(self.sock.recv(65536))
            except socket.timeout:
                return None
            if segment is not None and to in (None, segment.dst):
                return segment
        return None

    def close(self):
        self.sock.close()

    drop = close


class RawTcp:
    """One connection by hand. Sequence numbers given to its methods count from the first data byte
    that we send; nothing is sent unless a method says so."""

    def __init__(self, link, src, dst, dport, sport=None):
        self.link, self.src, self.dst, self.dport = link, src, dst, dport
        self.sport = sport or random.randrange(20000, 60000)
        self.iss = random.randrange(1 << 32)
        self.irs = None
        self.sent = 0      # data bytes, for send()
        self.received = 0  # data bytes in order, for read()
        self.data = b""    # what read() has not yet given out
        self.ooo = {}
        self.syn_ack = None
        self.timestamps = False
        self.window = 64240

    @property
    def address(self):
        return (self.src, self.sport)

    def raw(self, flags, seq, ack=0, options=b"", payload=b"", **fields):
        """A segment with absolute numbers."""
        fields.setdefault("window", self.window)
        self.link.send(packet.tcp_packet(self.src, self.dst, self.sport, self.dport, seq, ack, flags,
                                         options=options, payload=payload, **fields))

    def wait(self, wanted, timeout=3, what="segment"):
        """The first segment of this connection for which wanted(segment) holds."""
        deadline, seen = time.monotonic() + timeout, []
        while (left := deadline - time.monotonic()) > 0:
            segment = self.link.receive(left)
            if segment is None:
                break
            if (segment.sport, segment.dport, segment.dst) != (self.dport, self.sport, self.src):
                continue
            assert segment.checksum_ok, f"a bad TCP checksum: {segment.raw.hex()}"
            seen.append(f"{segment.flags:#x}/{len(segment.payload)}")
            if wanted(segment):
                return segment
        raise AssertionError(f"no {what} within {timeout} s; seen flags/lengths: {seen[-12:]}")

    def none(self, unwanted, seconds, what="segment"):
        try:
            segment = self.wait(unwanted, seconds)
        except AssertionError:
            return
        raise AssertionError(f"an unwanted {what}: flags {segment.flags:#x}, "
                             f"{len(segment.payload)} bytes")

    def connect(self, mss=1460, wscale=None, sack=False, timestamps=False, ecn=False, data=b""):
        self.open(mss, wscale, sack, timestamps, ecn)
        self.segment(data)
        self.sent += len(data)
        return self

    def open(self, mss=1460, wscale=None, sack=False, timestamps=False, ecn=False):
        """SYN out, SYN-ACK in; the acknowledgement is still to be sent."""
        options = packet.option_mss(mss) if mss else b""
        options += packet.OPTION_SACK_PERMITTED if sack else b""
        options += packet.option_timestamps(self._now(), 0) if timestamps else b""
        options += packet.option_wscale(wscale) if wscale is not None else b""
        flags = SYN | (packet.ECE | packet.CWR if ecn else 0)
        for attempt in range(3):
            self.raw(flags, self.iss, options=options)
            try:
                self.syn_ack = self.wait(lambda s: s.flags & SYN, 1, "SYN-ACK")
                break
            except AssertionError:
                if attempt == 2:
                    raise
        assert self.syn_ack.ack == (self.iss + 1) & 0xFFFFFFFF, "the SYN-ACK acknowledges another SYN"
        self.irs = self.syn_ack.seq
        self.timestamps = timestamps and "timestamps" in self.syn_ack.options
        self.echo = self.syn_ack.options["timestamps"][0] if self.timestamps else 0

    def _now(self):
        return int(time.monotonic() * 1000)

    def segment(self, payload=b"", seq=None, flags=ACK, ack=None, options=b"", **fields):
        """A segment at data offset seq, acknowledging what read() has seen."""
        seq = self.sent if seq is None else seq
        ack = self.received if ack is None else ack
        if self.timestamps:
            options = packet.option_timestamps(self._now(), self.echo) + options
        self.raw(flags | (PSH if payload else 0), self.iss + 1 + seq, self.irs + 1 + ack, options,
                 payload, **fields)

    def send(self, payload, flags=ACK):
        self.segment(payload, flags=flags)
        self.sent += len(payload) + bool(flags & FIN)

    def wait_acked(self, count=None, timeout=3):
        """Until everything sent so far is acknowledged."""
        count = self.sent if count is None else count
        want = (self.iss + 1 + count) & 0xFFFFFFFF
        return self.wait(lambda s: s.flags & ACK and s.ack == want, timeout, f"ACK of byte {count}")

    def read(self, count, timeout=5):
        """That many bytes from the peer, in order, each segment acknowledged."""
        deadline = time.monotonic() + timeout
        while len(self.data) < count:
            segment = self.wait(lambda s: s.payload, deadline - time.monotonic(), "data")
            self.take(segment)
            self.segment()
        data, self.data = self.data[:count], self.data[count:]
        return data

    def take(self, segment):
        """Takes a segment's payload in, in order."""
        if "timestamps" in segment.options:
            self.echo = segment.options["timestamps"][0]
        offset = (segment.seq - self.irs - 1) & 0xFFFFFFFF
        if offset < 1 << 31:
            self.ooo[offset] = segment.payload
        for offset in sorted(self.ooo):
            if offset > self.received:
                break
            fresh = self.ooo.pop(offset)[self.received - offset:]
            self.data += fresh
            self.received += len(fresh)

    def is_reset(self, segment):
        return bool(segment.flags & RST)

    def expect_reset(self, timeout=3):
        return self.wait(self.is_reset, timeout, "RST")
