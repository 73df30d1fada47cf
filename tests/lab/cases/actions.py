# SPDX-License-Identifier: BSD-3-Clause
"""What a zone's `exceeded` and `mode` do to standing connections."""
import time

from lib import hello, suite
from lib.plan import plan

BAN = {"ban": {"after": 3, "within": "10s", "for": "2s"}}
ZONES = {"management": {"management": True}, "service": {},
         "rp": {"exceeded": "reset", "per_source": {"packets": "20r/s burst=20"}},
         "rb": {"exceeded": "reset", "per_source": {"bytes_up": "10kB/s burst=20kB"}},
         "bc": {"exceeded": BAN, "per_source": {"concurrent": 2}},
         "sc": {"mode": "shadow", "per_source": {"concurrent": 2}, "total": {"concurrent": 3}}}
PLAN = plan(zones=ZONES, add_routes=[{"name": n, "listener": "https", "names": [n + ".z.example"], "zone": n,
                                      "servers": ["service"]} for n in ZONES if n not in ("management", "service")])
DAM_ONLY = True


def _pair(site, zone, **more):
    return site.connect(text=hello.client_hello(zone + ".z.example"), **more)


@suite.each(zone=["rp", "rb"])
def test_reset(site, zone):
    """with `reset`, a connection over its packets or bytes is reset"""
    client, _ = _pair(site, zone)
    client.sock.settimeout(1)
    try:
        for _ in range(200):
            client.send(b"x" * (1000 if zone == "rb" else 1))
            time.sleep(0.001)
    except OSError:
        return
    client.expect_reset(2)


def test_places_after_a_ban(site):
    """connections that ended during a ban give their places back"""
    source = site.sources[4][3]
    pairs = [_pair(site, "bc", source=source) for _ in range(2)]
    for _ in range(3):
        site.open(source=source).send(hello.client_hello("bc.z.example"))
    suite.eventually(lambda: site.front.zone("bc")["bans"], 3, "a ban")
    for client, server in pairs:
        client.reset()
        server.reset()
    time.sleep(2.5)
    _pair(site, "bc", source=source)


def test_shadow_concurrent(site):
    """shadow mode counts concurrent connections over their number"""
    for _ in range(6):
        _pair(site, "sc")
    suite.eventually(lambda: site.front.zone("sc")["shadow_exceeded"], 2, "shadow counts")
