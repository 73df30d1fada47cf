# SPDX-License-Identifier: BSD-3-Clause
"""A deny list of a million networks, applied to the running dam through its control plane."""
import ipaddress
import os
import random
import threading
import time

from lib import suite
from lib.plan import plan

PLAN = plan()
DAM_ONLY = True
COST = 20
COUNT = 1_000_000
FILE = "deny.txt"


def _random_networks(count, seed=7):
    """Neither repeated nor side by side, so that nobody can write them as fewer; in ranges that the site
    does not use."""
    dice = random.Random(seed)
    for number in range(count):
        if number % 4:
            yield f"{ipaddress.IPv4Address((10 << 24) + number * 16 + dice.choice((0, 4, 8)))}/30"
        else:
            yield f"fd00:{number >> 16:x}:{number & 0xFFFF:x}:{dice.randrange(1 << 15) * 2:x}::/64"


def _listed(site, *own):
    with open(os.path.join(site.front.directory, FILE), "w") as handle:
        handle.write("# of the test\n" + "\n".join([*_random_networks(COUNT - len(own)), *own]) + "\n")
    return plan(deny=[{"file": FILE}])


class Talk:
    """A connection that says something all the time, and the longest that an answer took."""

    def __init__(self, site):
        self.client, self.server = site.connect("management.example")
        self.longest, self.failure, self._stop = 0, None, threading.Event()
        self._thread = threading.Thread(target=self._talk, daemon=True)

    def _talk(self):
        try:
            while not self._stop.is_set():
                start = time.monotonic()
                self.client.send(b"x" * 100)
                self.server.expect(b"x" * 100)
                self.longest = max(self.longest, time.monotonic() - start)
                time.sleep(0.002)
        except Exception as error:
            self.failure = error

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(10)
        assert self.failure is None, f"a living connection was hurt: {self.failure}"


def test_a_million(site):
    """a million networks are in force within seconds; who is on the list is refused, others are served, and
    a connection that lives meanwhile goes on"""
    denied = {4: site.sources[4][20], 6: site.sources[6][20]}
    listed = _listed(site, denied[4] + "/32", "2001:db8:c:15::/64")
    for family in (4, 6):
        site.finish(*site.connect(family=family, source=denied[family]))
    try:
        with Talk(site) as talk:
            start = time.monotonic()
            site.front.apply(listed)
            spent = time.monotonic() - start
            site.note(f"in force after {spent:.1f} s, longest answer meanwhile {talk.longest * 1000:.0f} ms")
            for family in (4, 6):
                site.expect_no_handshake("denied", family=family, source=denied[family])
                site.finish(*site.connect(family=family, source=site.sources[family][21]))
        assert spent < 20, f"{spent:.1f} s"
        assert talk.longest < 1.5, f"{talk.longest:.2f} s without an answer"
    finally:
        site.front.apply(PLAN)
    for family in (4, 6):  # forgiven
        site.finish(*site.connect(family=family, source=denied[family]))


def test_missing_file(site):
    """a list that cannot be read is refused by its name, and the policy stays as it was"""
    site.front.write(plan(deny=[{"file": "nowhere.txt"}]))
    done = site.front.try_damctl("apply", "-f", site.front.yaml)
    site.front.write(PLAN)
    assert done.returncode == 1 and "nowhere.txt" in done.stdout + done.stderr, done
    site.finish(*site.connect())


def test_bad_line(site):
    """a line that is no network is refused by its number"""
    with open(os.path.join(site.front.directory, "bad.txt"), "w") as handle:
        handle.write("192.0.2.0/24\n192.0.2.256\n")
    site.front.write(plan(deny=[{"file": "bad.txt"}]))
    done = site.front.try_damctl("apply", "-f", site.front.yaml)
    site.front.write(PLAN)
    assert done.returncode == 1 and "bad.txt:2:1: error: not a network" in done.stdout + done.stderr, done
    site.finish(*site.connect())
