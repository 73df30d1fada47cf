# SPDX-License-Identifier: BSD-3-Clause
"""The dam has just been started: what the first client meets."""
import os
import time

from lib import packet, suite
from lib.packet import RST, SYN
from lib.plan import plan
from lib.site import CLIENT

PLAN = plan()
DAM_ONLY = True
COST = 20


def _restart(site):
    """A dataplane that knows nobody, just opening its ports."""
    front = site.front
    front.stop()
    os.unlink(os.path.join(front.directory, "counters"))  # else the old policy would seem to be there
    front.start_dataplane("--fresh")
    front.start_controlplane()


@suite.each(family=[4, 6], client=["on the link", "behind the gateway"])
def test_first_connection(site, family, client):
    """the first connection after the start waits for no neighbour"""
    _restart(site)
    suite.eventually(site.front.has_policy, 20, "the first policy")
    source = site.sources[family][0] if client == "behind the gateway" else None
    begun = time.monotonic()
    near, far = site.connect(family=family, source=source)
    spent = time.monotonic() - begun
    site.note(f"{spent * 1000:.0f} ms")
    site.finish(near, far)
    assert spent < 0.6, f"{spent:.2f} s"


def test_before_the_policy(site):
    """what comes between the opening of the ports and the first policy is dropped as such, or on xdp the
    host's, which resets"""
    link = site.keep(site.link())
    _restart(site)
    opened, sent = _syns_until_policy(site, link)
    site.note(f"{sent - opened} of {sent} SYNs")
    if site.front.on_xdp:
        assert _resets_after(link, opened) > 0
        assert site.front.drops()["no_policy"] == 0
    else:
        assert site.front.drops()["no_policy"] > 0
    site.finish(*site.connect())


def _resets_after(link, number):
    """How many SYNs with a higher sequence number were refused."""
    count = 0
    while (answer := link.receive(0.2, to=CLIENT[4])) is not None:
        count += bool(answer.flags & RST and answer.dport == 5000 and answer.ack > number + 1)
    return count


def _syns_until_policy(site, link):
    """A SYN each half of a millisecond; gives how many were sent before the ports were seen to be open,
    and how many in all."""
    opened, sent, deadline = None, 0, time.monotonic() + 20
    counters = os.path.join(site.front.directory, "counters")  # made when the ports are open
    while not site.front.has_policy():
        assert time.monotonic() < deadline, "no policy"
        if opened is None and os.path.exists(counters):
            opened = sent
        for _ in range(10):
            sent += 1
            link.send(packet.tcp_packet(CLIENT[4], site.public[4], 5000, 443, sent, 0, SYN))
            time.sleep(0.0005)
    return sent if opened is None else opened, sent
