# SPDX-License-Identifier: BSD-3-Clause
"""As in standing_dpdk, with two workers: each finds its own connections, and its packets find it."""
import signal

from lib import suite
from lib.plan import plan
from lib.restart import dead, finish_all
from lib.stream import transfer

PLAN = plan(workers=2, queues=2, timeouts={"hello": "3s", "connect": "2s", "closing": "1s"})
DAM_ONLY = True
ONLY_ON = "dpdk", "the xdp driver has one worker"
COST = 20


@suite.each(how=["SIGKILL", "SIGTERM"], family=[4, 6])
def test_connections_survive(site, how, family):
    """connections of both workers go on under the next dataplane"""
    suite.eventually(lambda: site.front.table("flows") == 0, 10, "an empty table")
    pairs = [site.connect(family=family, source=source) for source in site.sources[family][:40]]
    for client, server in pairs:
        transfer(client, server, 1000)
        transfer(server, client, 1000)
    with dead(site, getattr(signal, how)):
        for client, server in pairs[:10]:
            client.send(b"while nobody is there")
    for client, server in pairs[:10]:
        server.expect(b"while nobody is there")
    suite.eventually(lambda: site.front.table("flows") == len(pairs), 3, "the table's fill")
    more = [site.connect(family=family, source=source) for source in site.sources[family][:40]]
    finish_all(site, pairs + more)
