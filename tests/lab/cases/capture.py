# SPDX-License-Identifier: BSD-3-Clause
"""Captures, as Wireshark's own programs read them: what passed, what was dropped and why, and their bounds."""
import contextlib
import os
import pty
import signal
import stat
import subprocess
import time

from lib import hello
from lib.plan import plan
from lib.site import SOURCES
from lib.suite import each, eventually

PLAN = plan(
    zones={"management": {"management": True}, "service": {},
           "packets": {"per_source": {"packets": "50r/s burst=20"}}},
    timeouts={"probe_interval": "500ms"},
    add_routes=[{"name": "packets", "listener": "https", "names": ["packets.zone.example"], "zone": "packets",
                 "servers": ["service"]}])
DAM_ONLY = True
COST = 40
OVER_THE_BUCKET = ("dropped: source_packets (over the zone's packet rate for one source); zone packets; "
                   "bucket per_source.packets")


class Capture:
    """A damctl that captures into a file; end() waits for its end."""

    def __init__(self, site, *words):
        self.file = os.path.join(site.front.directory, f"{time.monotonic_ns()}.pcapng")
        self.process = subprocess.Popen(
            [site.front.programs["damctl"], "-s", site.front.api, "capture", "-w", self.file, *words],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        eventually(lambda: self.process.poll() is not None or
                   os.path.exists(self.file) and os.path.getsize(self.file), 10, "the head of the file")

    def end(self, by=signal.SIGINT):
        """Ends it as Ctrl-C does (None: it ends by itself); what damctl says of it."""
        if by is not None:
            self.process.send_signal(by)
        _, said = self.process.communicate(timeout=30)
        assert self.process.returncode == 0, (self.process.returncode, said)
        return said

    def packets(self, *fields, options=()):
        """These fields of each packet."""
        words = [word for field in fields for word in ("-e", field)]
        text = _checked("tshark", "-n", *options, "-r", self.file, "-T", "fields", "-E", "separator=/t", *words)
        return [line.split("\t") for line in text.splitlines()]


def _checked(*words):
    done = subprocess.run(words, text=True, capture_output=True, timeout=60)
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout


def _talk(site, source, times):
    client, server = site.connect(source=source, family=6 if ":" in source else 4,
                                  text=hello.client_hello("packets.zone.example"))
    for _ in range(times):
        client.send(b"x")
        time.sleep(0.001)
    return client, server


@each(family=[4, 6])
def test_dropped(site, family):
    """a macro over its bucket: each of its packets that were dropped says reason, zone and bucket; no other is there"""
    source = SOURCES[family][0]
    capture = Capture(site, "--dropped", "--client", source, "--seconds", "60")
    with site.counted("source_packets", 5):
        _talk(site, source, 300)
        _talk(site, SOURCES[family][1], 300)
    said = capture.end()
    seen = capture.packets("frame.comment", "ip.src" if family == 4 else "ipv6.src", "tcp.dstport",
                           "frame.interface_name")
    assert len(seen) >= 5 and f"{len(seen)} packets; it was stopped" in said, (len(seen), said)
    kinds = {tuple(one) for one in seen}
    assert kinds == {(OVER_THE_BUCKET, source, "443", "front")}, kinds
    assert stat.S_IMODE(os.stat(capture.file).st_mode) == 0o600
    about = _checked("capinfos", "-M", capture.file)
    assert f"Number of packets:   {len(seen)}" in about and "nanoseconds" in about, about
    assert f"dropped packets of {source}" in about and "Traffic Dam" in about, about


@each(family=[4, 6])
def test_passed(site, family):
    """what passed of a client is there whole, both ways, with its time, as segments that TCP can read"""
    source = SOURCES[family][2]
    before = time.time()
    capture = Capture(site, "--passed", "--client", source, "--snap", "2048", "--seconds", "60")
    site.finish(*site.connect(source=source, family=family))
    capture.end()
    seen = capture.packets("frame.comment", "tcp.checksum.status", "frame.time_epoch", "tcp.payload",
                           "frame.len", "frame.cap_len", "frame.interface_name",
                           options=("-o", "tcp.check_checksum:TRUE"))
    assert seen and all(one[1] == "1" for one in seen), "a TCP checksum is wrong, or it is no TCP"
    assert all(before - 1 < float(one[2]) < time.time() + 1 for one in seen), seen
    assert all(one[4] == one[5] for one in seen), seen
    ways = {(one[0], one[6]) for one in seen}
    assert ("passed: zone service, from the client", "front") in ways, ways
    assert ("passed: zone service, from the server", "service") in ways, ways
    assert any(comment.startswith("taken in by the dam itself") for comment, _ in ways), ways
    for text, comment in ((b"up", "from the client"), (b"down", "from the server")):
        assert any(one[3] == text.hex() and one[0].endswith(comment) for one in seen), (text, seen)


def test_reason(site):
    """one reason alone: names without a route are dropped in the front zone, by no bucket"""
    capture = Capture(site, "--reason", "no_route", "--zone", "front", "--seconds", "60")
    with site.counted("no_route"):
        client = site.open(source=SOURCES[4][3])
        client.send(hello.client_hello("nobody.example"))
        client.expect_reset(2)
    capture.end()
    seen = capture.packets("frame.comment", "ip.src")
    assert seen and all(one == ["dropped: no_route (no route for this name, protocol, path and source); zone front",
                                SOURCES[4][3]] for one in seen), seen


def test_bounds(site):
    """it ends with its packets, or its time, and each frame is cut to what was asked for"""
    source = SOURCES[4][4]
    capture = Capture(site, "--client", source, "-n", "5", "--snap", "64", "--seconds", "60")
    site.finish(*site.connect(source=source))
    said = capture.end(by=None)
    seen = capture.packets("frame.len", "frame.cap_len")
    assert len(seen) == 5 and "5 packets; all packets that were asked for" in said, (seen, said)
    assert all(int(cut) == min(int(whole), 64) for whole, cut in seen), seen
    assert any(int(whole) > 64 for whole, _ in seen), seen
    quiet = Capture(site, "--client", "203.0.113.250", "--seconds", "1")
    assert "0 packets; its time is over" in quiet.end(by=None)
    assert "Number of packets:   0" in _checked("capinfos", "-c", "-M", quiet.file)


def test_one_at_a_time(site):
    """a second one is refused and told whose the first is; anybody may end that, and its file is whole"""
    front = site.front
    capture = Capture(site, "--seconds", "60")
    site.finish(*site.connect())
    refused = front.try_damctl("capture", "-w", os.path.join(front.directory, "second.pcapng"))
    assert refused.returncode == 1 and "A capture of root is under way" in refused.stderr, refused
    assert "The capture of root has ended" in front.damctl("capture", "--stop")
    capture.end(by=None)
    assert len(capture.packets("frame.comment")) > 5
    assert front.try_damctl("capture", "--stop").returncode == 1


def test_killed(site):
    """when its damctl is killed, the capture ends within a moment, and what is in the file can be read"""
    source = SOURCES[4][6]  # who then is silent: no write fails
    capture = Capture(site, "--client", source, "--seconds", "300", "-n", "100000")
    head = os.path.getsize(capture.file)
    site.finish(*site.connect(source=source))
    eventually(lambda: os.path.getsize(capture.file) > head + 1000, 5, "packets in the file")
    capture.process.kill()
    capture.process.communicate(timeout=10)
    assert len(capture.packets("frame.comment")) > 5
    eventually(lambda: site.front.try_damctl("capture", "--seconds", "1", "-w", "/dev/null").returncode == 0, 10,
               "another capture")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode) and os.stat("/dev/null").st_mode & 0o777 == 0o666


def test_words(site):
    """what cannot be captured is named with what there is, and nothing is written to a terminal"""
    front = site.front
    refused = front.try_damctl("capture", "--zone", "packet", "-w", "/dev/null")
    assert refused.returncode == 1 and 'no zone "packet"; there are: front, ' in refused.stderr, refused
    refused = front.try_damctl("capture", "--reason", "flood", "-w", "/dev/null")
    assert refused.returncode == 1 and "one of none, malformed" in refused.stderr, refused
    main, end = pty.openpty()
    try:
        done = subprocess.run([front.programs["damctl"], "-s", front.api, "capture"], stdout=end,
                              stderr=subprocess.PIPE, text=True, timeout=10)
    finally:
        os.close(main)
        os.close(end)
    assert done.returncode == 2 and "wireshark -k -i -" in done.stderr, done


def test_pipe(site):
    """through a pipe tshark shows packets while they come, and the capture ends when it does"""
    front = site.front
    source = SOURCES[4][5]
    capture = subprocess.Popen([front.programs["damctl"], "-s", front.api, "capture", "--seconds", "60",
                                "--client", source], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    reader = subprocess.Popen(["tshark", "-n", "-l", "-i", "-", "-c", "3", "-T", "fields", "-e", "ip.src"],
                              stdin=capture.stdout, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    capture.stdout.close()
    try:
        time.sleep(1)
        site.finish(*site.connect(source=source))
        shown, _ = reader.communicate(timeout=20)
        assert shown.split()[0] == source, shown
        with contextlib.suppress(OSError):
            site.finish(*site.connect(source=source))  # the next write finds nobody there
        capture.wait(20)
    finally:
        for process in (reader, capture):
            process.kill()
            process.wait()
