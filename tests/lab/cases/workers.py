# SPDX-License-Identifier: BSD-3-Clause
"""Two workers on two queues: a packet that arrives at the wrong one is handed to the flow's own."""
import threading

from lib import hello, suite
from lib.plan import plan
from lib.stream import both_ways, noise

PLAN = plan(workers=2, queues=2)
DAM_ONLY = True
COST = 20
MIB = 1 << 20


def _work(site):
    counters = site.front.counters()
    return [counters.worker(index) for index in range(counters.workers)]


@suite.each(family=[4, 6])
def test_spread(site, family):
    """connections of many clients spread over both workers, and each gets its own bytes"""
    before = _work(site)
    assert len(before) == 2, before
    for number in range(60):
        client, server = site.connect(family=family, source=site.sources[family][number % 50])
        client.send(noise(2000, number))
        server.expect(noise(2000, number))
        server.send(noise(4000, number))
        client.expect(noise(4000, number))
        client.half_close()
        server.expect_eof()
        server.close()
        client.expect_eof()
    grown = [now["cookies_accepted"] - then["cookies_accepted"] for then, now in zip(before, _work(site))]
    assert sum(grown) >= 60 and min(grown) >= 5, grown


def test_hand_off(site):
    """packets that reach the wrong worker are handed over, and counted"""
    before = sum(one["handed_off"] for one in _work(site))
    for number in range(40):
        site.finish(*site.connect(source=site.sources[4][number]))
    assert sum(one["handed_off"] for one in _work(site)) > before, "nothing was handed over"


def test_bulk(site):
    """transfers both ways over several connections at once stay whole"""
    failures = []

    def one(source):
        try:
            client, server = site.connect(source=source)
            both_ways(client, server, 8 * MIB)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=one, args=(site.sources[4][n],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


def test_hellos_in_segments(site):
    """post-quantum hellos reach one worker with all their segments"""
    for number in range(30):
        text = hello.client_hello("service.example", post_quantum=True)
        client, server = site.connect(text=text, source=site.sources[4][number])
        client.reset()
        server.expect_reset(2)


def test_management(site):
    """management is reachable through either worker"""
    for number in range(20):
        site.finish(*site.connect("management.example", source=site.sources[4][number]))
