# SPDX-License-Identifier: BSD-3-Clause
"""damctl watch, under a real terminal: what it shows, how it fits, and that the terminal is as before when it ends."""
import fcntl
import json
import os
import re
import signal
import struct
import subprocess
import termios
import threading

from lib import hello, suite
from lib.plan import plan

PLAN = plan(zones={"service": {"total": {"connections": "10r/s burst=10"}}, "management": {"management": True},
                   "spare": {"mode": "shadow"}},
            timeouts={"probe_interval": "500ms"})
DAM_ONLY = True
COST = 20
SGR = re.compile(r"\x1b\[[0-9;]*m")


class Watch:
    """damctl watch on a terminal of its own."""

    def __init__(self, front, columns, rows, *words, **environment):
        self.master, self.slave = os.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(self.slave)
        self.text, self.lock = "", threading.Lock()
        self.process = subprocess.Popen(
            [front.programs["damctl"], "-s", front.api, "watch", *words], stdin=self.slave, stdout=self.slave,
            stderr=self.slave, start_new_session=True, env={**os.environ, "TERM": "xterm", **environment},
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        try:
            while chunk := os.read(self.master, 65536):
                with self.lock:
                    self.text += chunk.decode(errors="replace")
        except OSError:
            pass

    def resize(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys):
        os.write(self.master, keys.encode())

    def raw(self):
        with self.lock:
            return self.text

    def lines(self):
        """Those of the last whole picture, without colours."""
        whole = [one.split("\x1b[J")[0] for one in self.raw().split("\x1b[H")[1:] if "\x1b[J" in one]
        return [SGR.sub("", line.removesuffix("\x1b[K")) for line in whole[-1].split("\r\n")] if whole else []

    def shows(self, words, within=10):
        suite.eventually(lambda: any(words in line for line in self.lines()), within,
                         f"{words!r} on the screen:\n" + "\n".join(self.lines()))

    def row(self, name):
        return next((line for line in self.lines() if name in line), "")

    def end(self, number=None, keys="q"):
        """Ends it by a key or a signal; the terminal must be as it was."""
        if number is None:
            self.type(keys)
        else:
            self.process.send_signal(number)
        try:
            status = self.process.wait(10)
        finally:
            self.process.kill()
        suite.eventually(lambda: self.raw().endswith("\x1b[?1049l"), 5, "the shell's screen back")
        assert "\x1b[?25h" in self.raw()[-40:] and "\x1b[?7h" in self.raw()[-40:], self.raw()[-40:]
        assert termios.tcgetattr(self.slave) == self.before, "echo, or keys one by one, have stayed"
        os.close(self.slave)
        os.close(self.master)
        return status


def _fits(watch, columns, rows):
    lines = watch.lines()
    assert len(lines) == rows, (len(lines), lines)
    assert max(map(len, lines)) <= columns, [line for line in lines if len(line) > columns]
    return lines


def test_zones_and_servers(site):
    """zones are water levels that rise with what comes, and say what is held back; servers are up, or down in words"""
    watch = Watch(site.front, 110, 30)
    try:
        watch.shows("dataplane up")
        watch.shows("SERVERS")
        assert re.search(r"service +\[ *\] +0% ", watch.row("service ")), watch.lines()
        assert "no total limit" in watch.row("spare") and "shadow" in watch.row("spare"), watch.lines()
        servers = watch.lines()[next(i for i, line in enumerate(watch.lines()) if "SERVERS" in line):]
        assert any(re.match(r"  management +up +\d", line) for line in servers), watch.lines()

        def flooded():
            for _ in range(30):
                one = site.open()
                one.send(hello.client_hello("service.example"))
                one.close()
            found = re.search(r"! service +\[(~+) *\] +(\d+)% +([\d.k]+)", "\n".join(watch.lines()))
            return found and float(found.group(2)) >= 50 and found.group(3) != "0"
        suite.eventually(flooded, 20, "a high level in zone service that holds back")
    finally:
        status = watch.end()
    assert status == 0, status


@suite.each(colours=["", "1"])
def test_phone(site, colours):
    """at 40 by 20 nothing wraps, and all of it is there; a larger terminal is used at once; NO_COLOR is honoured"""
    watch = Watch(site.front, 40, 20, NO_COLOR=colours)
    try:
        watch.shows("SERVERS")
        lines = _fits(watch, 40, 20)
        for words in ("Traffic Dam", "dataplane up", "ZONES", "service", "management", "q quit"):
            assert any(words in line for line in lines), (words, lines)
        assert bool(SGR.search(watch.raw())) == (colours == ""), "NO_COLOR"
        watch.resize(200, 60)
        watch.shows("down/s")
        _fits(watch, 200, 60)
        watch.resize(30, 6)
        suite.eventually(lambda: len(watch.lines()) == 6, 5, "a small picture")
        _fits(watch, 30, 6)
    finally:
        watch.end()


def test_top(site):
    """who sends most is there by what b chooses, at a phone's width too"""
    watch = Watch(site.front, 40, 24)
    try:
        def sent(by):
            client, server = site.connect("management.example")
            for _ in range(20):
                client.send(b"water")
                server.expect(b"water")
            client.close()
            lines = watch.lines()
            at = next((i for i, line in enumerate(lines) if "TOP SOURCES" in line and by in line), None)
            return at and re.match(r"  \d+\.\d+\.\d+\.\d+ +[1-9.]", lines[at + 1])
        suite.eventually(lambda: sent("packets/s"), 30, "a source by packets")
        watch.type("b")
        suite.eventually(lambda: sent("bytes/s"), 30, "a source by bytes")
        _fits(watch, 40, 24)
    finally:
        watch.end()


def test_keys(site):
    """p holds the picture, space looks once, p goes on; + and - change the pace"""
    watch = Watch(site.front, 60, 20)
    try:
        watch.shows("dataplane up")
        watch.type("p")
        watch.shows("PAUSED")
        site.front.damctl("zone", "set", "service", "mode=shadow")
        assert not any("s service" in line for line in watch.lines()), watch.lines()
        watch.type(" ")
        watch.shows("s service")
        watch.type("+")
        watch.shows("0.5s")
        watch.type("p")
        site.front.damctl("zone", "set", "service", "mode=enforce")
        suite.eventually(lambda: not any("PAUSED" in line or "s service" in line for line in watch.lines()), 10,
                         "the picture goes on")
    finally:
        watch.end()


@suite.each(how=["Ctrl-C", "SIGINT", "SIGTERM", "SIGHUP"])
def test_ends(site, how):
    """whatever ends it leaves the terminal as it was, and whoever waits for it is told by what it ended"""
    watch = Watch(site.front, 80, 24)
    try:
        watch.shows("ZONES")
    finally:
        status = watch.end(keys="\x03") if how == "Ctrl-C" else watch.end(getattr(signal, how))
    assert status == -(signal.SIGINT if how == "Ctrl-C" else getattr(signal, how)), status


def test_control_plane_away(site):
    """a control plane that is gone is said, with what was seen last, and seen again once it is back"""
    front = site.front
    watch = Watch(front, 80, 24)
    try:
        watch.shows("ZONES")
        front.end(front.controlplane, signal.SIGKILL)
        watch.shows("NO ANSWER for")
        watch.shows("no control plane answers at")
        watch.shows("service ")
        _fits(watch, 80, 24)
        front.start_controlplane()
        suite.eventually(lambda: not any("NO ANSWER" in line for line in watch.lines()), 15, "it is back")
        watch.shows("dataplane up")
    finally:
        watch.end()


def test_no_terminal(site):
    """where there is no terminal it says what scripts have instead, and --json is that"""
    refused = site.front.try_damctl("watch")
    assert refused.returncode == 2 and "damctl watch --json" in refused.stderr, refused
    lines = site.front.damctl("watch", "--json", "-n", "2", "-i", "0.3").splitlines()
    first, second = (json.loads(line) for line in lines)
    assert {"service", "management"} <= {zone["name"] for zone in first["zones"]["zones"]}, first
    assert second["zones"]["sampled_at"] > first["zones"]["sampled_at"]
    away = subprocess.run([site.front.programs["damctl"], "-s", site.front.api + ".not", "watch", "--json"],
                          capture_output=True, text=True)
    assert away.returncode == 3 and "no control plane answers" in away.stderr, away
