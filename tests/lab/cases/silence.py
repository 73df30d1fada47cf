# SPDX-License-Identifier: BSD-3-Clause
"""Connections that fall silent: idle ones, half-closed ones and ended ones go when the policy says, and not
before, as the kernels at both ends see it."""
import threading
import time

from lib import suite
from lib.plan import plan

IDLE, HALF_CLOSED, CLOSING = 2, 1, 0.4
PLAN = plan(timeouts={"hello": "3s", "connect": "2s", "idle": f"{IDLE}s", "half_closed": f"{HALF_CLOSED}s",
                      "closing": f"{int(CLOSING * 1000)}ms", "port_rest": "200ms"})
DAM_ONLY = True
COST = 25


def _reset_after(stream, start, limit):
    """The kernel is told by an RST, neither before the limit nor long after it."""
    stream.expect_reset(limit + 3)
    spent = time.monotonic() - start
    assert limit - 0.1 <= spent <= limit + 2, f"reset after {spent:.2f} s, the limit is {limit} s"


def _both_reset(client, server, limit):
    """Both ends, watched at once."""
    start, failures = time.monotonic(), []

    def watch():
        try:
            _reset_after(server, start, limit)
        except AssertionError as error:
            failures.append(error)

    thread = threading.Thread(target=watch)
    thread.start()
    _reset_after(client, start, limit)
    thread.join()
    assert not failures, failures


@suite.each(family=[4, 6])
def test_idle(site, family):
    """a connection that says nothing for the idle time is reset at both ends, and its place is free"""
    client, server = site.connect(family=family)
    _both_reset(client, server, IDLE)
    suite.eventually(lambda: site.front.table("flows") == 0, 3, "an empty table")


@suite.each(who=["client", "server"])
def test_not_idle(site, who):
    """one that says a word now and then lives on, whichever end says it"""
    client, server = site.connect()
    one, other = (client, server) if who == "client" else (server, client)
    end = time.monotonic() + 2 * IDLE
    while time.monotonic() < end:
        one.send(b"a word")
        other.expect(b"a word")
        time.sleep(IDLE * 0.6)
    site.finish(client, server)


@suite.each(family=[4, 6], who=["client", "server"])
def test_half_closed(site, family, who):
    """a half-closed one has the shorter time, from its last packet on; then both ends are told"""
    client, server = site.connect(family=family)
    one, other = (client, server) if who == "client" else (server, client)
    one.half_close()
    other.expect_eof()
    for _ in range(3):  # what the other end still says keeps it
        time.sleep(HALF_CLOSED * 0.6)
        other.send(b"still here")
        one.expect(b"still here")
    start = time.monotonic()
    _reset_after(one, start, HALF_CLOSED)
    try:
        other.send(b"anybody?")  # after its EOF no read tells of a reset, a write does
        time.sleep(0.1)
        other.send(b"nobody")
    except OSError:
        return
    raise AssertionError("the other end was not told")


def test_closed(site):
    """one that both ends have closed is forgotten after the closing time, which is shorter still"""
    pairs = [site.connect() for _ in range(5)]
    for client, server in pairs:
        site.finish(client, server)
    start = time.monotonic()
    suite.eventually(lambda: site.front.table("flows") == 0, CLOSING + 2, "an empty table")
    assert time.monotonic() - start < HALF_CLOSED, "it took as long as a half-closed one"
