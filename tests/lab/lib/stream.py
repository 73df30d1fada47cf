# SPDX-License-Identifier: BSD-3-Clause
"""One end of a kernel TCP connection, with the expectations that tests have of it."""
import hashlib
import random
import socket
import struct
import threading
import time

TCP_INFO_OPTIONS = {1: "timestamps", 2: "sack", 4: "wscale", 8: "ecn"}


class Stream:
    """A connected socket. Every wait has a limit, and says what it waited for."""

    def __init__(self, sock, header=None, timeout=10):
        self.sock = sock
        self.header = header  # the PROXY header that came first, on a server's end
        sock.settimeout(timeout)

    @property
    def local(self):
        return self.sock.getsockname()[:2]

    @property
    def peer(self):
        return self.sock.getpeername()[:2]

    def send(self, data):
        self.sock.sendall(data)

    def read(self, count):
        """Exactly count bytes."""
        parts, left = [], count
        while left:
            try:
                part = self.sock.recv(min(left, 1 << 18))
            except socket.timeout:
                raise AssertionError(f"{count - left} of {count} bytes came in time") from None
            if not part:
                raise AssertionError(f"the stream ended after {count - left} of {count} bytes")
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def expect(self, data):
        got = self.read(len(data))
        if got != data:
            at = next(i for i, (a, b) in enumerate(zip(got, data)) if a != b)
            raise AssertionError(f"byte {at} of {len(data)} differs: {got[at:at + 16]!r} "
                                 f"instead of {data[at:at + 16]!r}")

    def expect_eof(self, timeout=10):
        self.sock.settimeout(timeout)
        try:
            got = self.sock.recv(1)
        except socket.timeout:
            raise AssertionError(f"no end of stream within {timeout} s") from None
        assert got == b"", f"{got!r} instead of the end of the stream"

    def expect_reset(self, timeout=10):
        self.sock.settimeout(timeout)
        try:
            got = self.sock.recv(1)
        except ConnectionResetError:
            return
        except socket.timeout:
            raise AssertionError(f"no reset within {timeout} s") from None
        raise AssertionError(f"{got!r} instead of a reset")

    def expect_closed(self, timeout=10):
        """Over, by FIN or RST: for clients that get no service."""
        self.sock.settimeout(timeout)
        try:
            got = self.sock.recv(1)
        except (ConnectionResetError, BrokenPipeError):
            return
        except socket.timeout:
            raise AssertionError(f"still open after {timeout} s") from None
        assert got == b"", f"{got!r} instead of the end of the connection"

    def expect_silence(self, seconds):
        self.sock.settimeout(seconds)
        try:
            got = self.sock.recv(64)
        except socket.timeout:
            return
        raise AssertionError(f"{got!r} instead of silence")

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self):
        """Closes with an RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self):
        self.sock.close()

    def drop(self):
        """Gone at once, whatever state it is in: nothing of it lingers in the front."""
        try:
            self.reset()
        except OSError:
            pass

    def options(self):
        """Names of the TCP options in use, from TCP_INFO."""
        bits = self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)[5]
        return {name for bit, name in TCP_INFO_OPTIONS.items() if bits & bit}

    def info(self):
        """A few fields of TCP_INFO by name."""
        raw = self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 240)
        scales = raw[6]
        words = struct.unpack_from("=24I", raw, 8)
        return {"state": raw[0], "snd_wscale": scales & 15, "rcv_wscale": scales >> 4,
                "snd_mss": words[2], "rcv_mss": words[3], "unacked": words[4], "pmtu": words[13],
                "total_retrans": words[23], **dict(zip(("snd_wnd", "rcv_wnd"),
                                                       struct.unpack_from("=2I", raw, 228)))}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()


def noise(count, seed=1):
    """count bytes that are the same for the same seed, and do not repeat for long."""
    block = random.Random(seed).randbytes(min(count, 1 << 20))
    return (block * (count // len(block) + 1))[:count] if count else b""


def transfer(sender, receiver, count, seed=1):
    """Sends count bytes one way and checks every one by a digest; returns bits a second."""
    block = random.Random(seed).randbytes(1 << 20)
    sent, failure = hashlib.blake2b(), []

    def feed():
        try:
            for number in range(0, count, len(block)):
                # The counter makes every megabyte different: a lost or repeated one shows.
                piece = (number.to_bytes(8, "big") + block[8:])[:count - number]
                sent.update(piece)
                sender.sock.sendall(piece)
        except OSError as error:
            failure.append(error)

    feeder = threading.Thread(target=feed, daemon=True)
    start = time.monotonic()
    feeder.start()
    got, left, buffer = hashlib.blake2b(), count, bytearray(1 << 18)
    while left:
        try:
            size = receiver.sock.recv_into(buffer, min(left, len(buffer)))
        except socket.timeout:
            raise AssertionError(f"stalled {left} bytes before the end; sender: {failure}") from None
        if not size:
            raise AssertionError(f"ended {left} bytes too early; sender: {failure}")
        got.update(memoryview(buffer)[:size])
        left -= size
    feeder.join(10)
    assert not failure, failure
    assert got.digest() == sent.digest(), "what came is not what was sent"
    return count * 8 / (time.monotonic() - start)


def both_ways(a, b, count):
    """transfer() in both directions at once."""
    rates, failures = [], []

    def other_way():
        try:
            rates.append(transfer(b, a, count, seed=2))
        except Exception as error:  # noqa: handed to the caller below
            failures.append(error)

    thread = threading.Thread(target=other_way, daemon=True)
    thread.start()
    rates.append(transfer(a, b, count))
    thread.join(120)
    if failures:
        raise failures[0]
    return rates
