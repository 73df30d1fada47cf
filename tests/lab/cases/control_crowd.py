# SPDX-License-Identifier: BSD-3-Clause
"""Many changes, by many at once, while traffic flows: no request fails, no change is lost, and both planes end with
what was applied last."""
import copy
import json
import os
import threading
import time

from lib import suite
from lib.beside import Beside
from lib.dam import configuration
from lib.office import Caller, open_office
from lib.plan import plan
from lib.site import SOURCES

PLAN = plan(zones={"service": {"per_source": {"packets": "100000r/s burst=100000"}}, "management": {"management": True}},
            timeouts={"probe_interval": "500ms"},
            add_servers={"new": {"role": "service", "n": 11, "port": 443}})
DAM_ONLY = True
COST = 60
CLIENTS, ROUNDS = 8, 12


class Visitors(Beside):
    """Each opens a connection, asks, gets an answer, and begins anew."""

    def __init__(self, site, count=3):
        self.site, self.served = site, 0
        super().__init__(count)

    def once(self, number):
        family = 6 if number % 2 else 4
        pair = self.site.connect(source=SOURCES[family][30 + number], family=family, server=self.site.servers["service"])
        client, server = pair
        client.send(b"GET / please")
        server.expect(b"GET / please")
        server.send(b"here it is" * 300)
        client.expect(b"here it is" * 300)
        self.site.finish(*pair)
        self.site.forget(*pair)
        self.served += 1
        time.sleep(0.01)


def _policy(site, n):
    """One of many: its routes, servers, lists and rates differ from the one before."""
    changed = copy.deepcopy(PLAN)
    changed["zones"]["service"]["per_source"]["packets"] = f"{100000 + n}r/s burst=100000"
    if n % 2:
        changed["zones"]["extra"] = {"per_source": {"connections": "5r/s burst=9"}}
        changed["routes"].append({"name": "fresh", "listener": "https", "names": ["fresh.example"], "zone": "extra",
                                  "servers": ["new"]})
    if n % 3 == 0:
        changed["deny"] = [f"198.51.100.{n % 200 + 1}"]
    return json.dumps(configuration(changed, site.front.driver_name))


@suite.seconds(240)
def test_five_hundred(site):
    """500 policies are applied under traffic without a failed request, and the last one is in force in both planes"""
    front = open_office(site, {"boss": "admin"})
    callers = [Caller(site), Caller(site, "boss")]  # the socket and TLS take turns
    with Visitors(site) as visitors:
        for n in range(500):
            status, said, _ = callers[n % 2]("POST", f"/v1/policy?folder={front.directory}", _policy(site, n))
            assert status == 200 and said["applied"], (n, status, said)
    assert visitors.served > 500, visitors.served
    print(f"{visitors.served} visits; slowest apply {max(one.slowest for one in callers) * 1000:.0f} ms")
    status, said, _ = callers[0]("GET", "/v1/zones", None)
    assert status == 200 and "100499r/s" in json.dumps(said), said
    # The last one leads a name to another server, and the one before did not: twice by the kernel's or the worker's way.
    for family in (4, 6):
        site.finish(*site.connect("fresh.example", site.servers["new"], family=family))
    site.front.apply(PLAN)
    site.finish(*site.connect())


class Crowd:
    """Eight who change things at once, each in its own way; four by the socket, four by TLS."""

    def __init__(self, site):
        self.site, self.failures, self.statuses = site, [], []
        self.callers = [Caller(site, None if n % 2 else f"admin{n}") for n in range(CLIENTS)]

    def run(self):
        threads = [threading.Thread(target=self._work, args=(n,), daemon=True) for n in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(150)
        assert not any(thread.is_alive() for thread in threads), "somebody never got an answer"
        assert not self.failures, self.failures

    def _work(self, n):
        try:
            for number in range(ROUNDS):
                (self._deny, self._rate, self._ban, self._look)[n % 4](n, number, self.callers[n])
        except Exception as error:
            self.failures.append(f"client {n}: {error!r}")

    def _must(self, answer, *statuses):
        self.statuses.append(answer[0])
        assert answer[0] in statuses, answer
        return answer

    def _deny(self, n, number, caller):
        """Reads the policy, adds a line, and writes it only where nobody was faster."""
        address = f"203.0.113.{100 + n * ROUNDS + number}"
        for _ in range(500):
            _, seen, etag = self._must(caller("GET", "/v1/policy"), 200)
            policy = json.loads(seen["text"])
            policy["deny"].append(address)
            answer = caller("POST", f"/v1/policy?folder={self.site.front.directory}", json.dumps(policy), If_Match=etag)
            if self._must(answer, 200, 412)[0] == 200:
                return
        raise AssertionError("500 others were faster")

    def _rate(self, n, number, caller):
        self._must(caller("PATCH", "/v1/zones/service",
                          {"per_source.connections": f"{1000 + n * ROUNDS + number}r/s burst=5000"}), 200)

    def _ban(self, n, number, caller):
        source = f"198.51.{100 + n}.{number + 1}"
        self._must(caller("POST", "/v1/bans", {"source": source, "for": "1h", "reason": f"client {n}"}), 200, 201)
        if number % 2:
            self._must(caller("DELETE", f"/v1/bans/{source}"), 200)

    def _look(self, _, number, caller):
        for path in ("/v1/status", "/v1/zones", "/v1/bans", "/v1/flows?count=10", "/v1/top?by=packets", "/v1/policy/versions",
                     "/v1/explain/198.51.100.1", "/metrics"):
            self._must(caller("GET", path), 200)
        self._must(caller("PATCH", "/v1/servers/new", {"weight": 1 + number % 5}), 200)


@suite.seconds(240)
def test_eight_clients(site):
    """eight clients change policies, rates, bans and servers at once: nobody gets an error, nothing that was
    acknowledged is lost, and the history names each change with its author"""
    front = open_office(site, {"boss": "admin"})
    for n in range(0, CLIENTS, 2):
        path = os.path.join(front.directory, f"admin{n}.json")
        if not os.path.exists(path):
            front.damctl("enroll", f"admin{n}", "--role", "admin", "-o", path)
    site.front.apply(PLAN)
    crowd = Crowd(site)
    with Visitors(site, 2) as visitors:
        crowd.run()
    assert visitors.served > 20, visitors.served
    print(f"{len(crowd.statuses)} requests, {crowd.statuses.count(412)} were told that others were faster; slowest "
          f"{max(one.slowest for one in crowd.callers) * 1000:.0f} ms; {visitors.served} visits")
    caller = Caller(site)
    policy = json.loads(caller("GET", "/v1/policy")[1]["text"])
    wanted = {f"203.0.113.{100 + n * ROUNDS + number}" for n in (0, 4) for number in range(ROUNDS)}
    assert wanted <= set(policy["deny"]), wanted - set(policy["deny"])
    bans = {one["source"]: one for one in caller("GET", "/v1/bans?count=200")[1]["bans"]}
    kept = {f"198.51.{100 + n}.{number + 1}/32" for n in (2, 6) for number in range(0, ROUNDS, 2)}
    assert kept <= set(bans), kept - set(bans)
    lifted = {f"198.51.{100 + n}.{number + 1}/32" for n in (2, 6) for number in range(1, ROUNDS, 2)}
    assert not lifted & set(bans), lifted & set(bans)
    for source in kept:
        caller("DELETE", f"/v1/bans/{source}")
    site.front.apply(PLAN)
