# SPDX-License-Identifier: BSD-3-Clause
"""What the API takes, in time and memory, while there are a million connections and a hundred thousand bans; and that
new connections notice nothing of it."""
import json
import os
import statistics
import time

from lib import pinned, suite
from lib.beside import Beside
from lib.office import Caller
from lib.plan import plan
from lib.site import SOURCES

FLOWS, BANS, CLIENTS = 1_000_000, 100_000, 10_000
POOL = [f"many{n}" for n in range(25)]
PORTS = range(12000, 52000)  # 40,000 of each server
PLAN = plan(zones={"service": {}, "management": {"management": True}}, timeouts={"probe_interval": "500ms", "idle": "1h"},
            limits={"flows": FLOWS + 300_000, "sources": 200_000},
            add_servers={name: {"role": "service", "n": 12, "port": 5000 + n, "start": False}
                         for n, name in enumerate(POOL)})
DAM_ONLY = True
ONLY_ON = "xdp", "its flow table can be filled from outside"
COST = 60
ASKED = ("/v1/status", "/v1/zones", "/v1/servers", "/v1/drops", "/v1/flows?count=100", "/v1/flows?client=198.51.0.1",
         "/v1/flows?count=0&zone=service", "/v1/bans?count=100", "/v1/explain/198.51.0.1", "/v1/top?by=packets",
         "/v1/events", "/metrics")


def _memory_mib(pid):
    with open(f"/proc/{pid}/status") as handle:
        fields = dict(line.split(":", 1) for line in handle)
    return sum(int(fields[name].split()[0]) for name in ("RssAnon", "RssShmem", "RssFile")) / 1024


class Latency(Beside):
    """Connections that are opened and served one after the other; how long each took."""

    def __init__(self, site):
        self.site, self.took = site, []
        super().__init__()

    def once(self, _):
        begun = time.monotonic()
        pair = self.site.connect(source=SOURCES[4][40])
        self.took.append(time.monotonic() - begun)
        self.site.finish(*pair)
        self.site.forget(*pair)
        time.sleep(0.005)

    def p99(self):
        return sorted(self.took)[len(self.took) * 99 // 100]

    def words(self):
        p50 = statistics.median(self.took)
        return f"p50 {p50 * 1000:.1f} ms, p99 {self.p99() * 1000:.1f} ms of {len(self.took)}"


class Echo(Beside):
    """Round trips on a connection that stands; how long each took."""

    def __init__(self, client, server):
        self.client, self.server, self.took = client, server, []
        super().__init__()

    def once(self, _):
        begun = time.monotonic()
        for one, other in ((self.client, self.server), (self.server, self.client)):
            one.send(b"ping")
            other.expect(b"ping")
        self.took.append(time.monotonic() - begun)
        time.sleep(0.0005)

    def at(self, share):
        return sorted(self.took)[int(len(self.took) * share)] * 1e6


def _scrape(site, pair):
    """Ten scrapes a second beside a connection's packets, in turns with none: what each costs the other."""
    quiet, scraped, took = [], [], []
    for _ in range(4):
        with Echo(*pair) as echo:
            time.sleep(2)
        quiet.append(echo)
        with Echo(*pair) as echo:
            for _ in range(20):
                begun = time.monotonic()
                site.front.metrics()
                took.append(time.monotonic() - begun)
                time.sleep(0.1)
        scraped.append(echo)
    took.sort()
    print(f"scrapes: median {statistics.median(took) * 1000:.1f} ms, slowest {took[-1] * 1000:.1f} ms of {len(took)}")
    for name, echoes in (("none", quiet), ("ten a second", scraped)):
        p50, p99 = (statistics.median(one.at(share) for one in echoes) for share in (0.5, 0.99))
        print(f"round trips, scrapes {name}: p50 {p50:.0f} us, p99 {p99:.0f} us (medians of {len(echoes)} turns)")
    assert took[len(took) // 2] < 0.5, took


def _fill(site):
    """A million connections of ten thousand clients, adopted by a dataplane that starts."""
    front = site.front
    pair = site.connect()
    client, server = pair
    client.send(b"hello")
    server.expect(b"hello")
    suite.eventually(lambda: front.table("flows") == 1, 5, "one connection")
    slots = front.counters().server_slots()
    os.kill(front.worker_pid(), 9)
    front.dataplane.wait(10)
    made = pinned.multiply(os.path.join(front.pins, "dam_flows"), FLOWS, CLIENTS,
                           [slots[name] for name in POOL], PORTS)
    assert made == FLOWS, made
    begun = time.monotonic()
    front.start_dataplane("--fresh")
    suite.eventually(front.has_policy, 60, "a policy")
    print(f"{made} connections adopted, {time.monotonic() - begun:.1f} s after the dataplane's start the policy is in force")
    suite.eventually(lambda: front.table("flows") >= FLOWS, 10, "all of them")
    return pair


def _ban(site):
    path = os.path.join(site.front.directory, "list")
    with open(path, "w") as handle:
        for n in range(BANS):
            handle.write(f"100.{64 + n // 65536}.{n // 256 % 256}.{n % 256} of a list\n")
    begun = time.monotonic()
    site.front.damctl("bans", "import", path)
    print(f"{BANS} bans imported and in force in {time.monotonic() - begun:.1f} s")


@suite.seconds(240)
def test_loaded(site):
    """with a million connections and 100,000 bans every view answers, new connections are served meanwhile, and one
    of the million still works"""
    pair = _fill(site)
    with Latency(site) as quiet:
        time.sleep(2)
    _ban(site)
    caller, slowest = Caller(site), {}
    with Latency(site) as busy:
        for path in ASKED:
            took = []
            for _ in range(10):
                begun = time.monotonic()
                status, said, _ = caller("GET", path)
                took.append(time.monotonic() - begun)
                assert status == 200, (path, status, said)
            slowest[path] = max(took)
            print(f"{path}: median {statistics.median(took) * 1000:.1f} ms, slowest {slowest[path] * 1000:.1f} ms")
            time.sleep(0.6)  # within the rate of one caller
    print(f"new connections: {quiet.words()}; beside those requests: {busy.words()}")
    _scrape(site, pair)
    front = site.front
    print(f"memory: control plane {_memory_mib(front.controlplane.pid):.0f} MiB, "
          f"dataplane {_memory_mib(front.worker_pid()):.0f} MiB with its tables")
    assert max(slowest.values()) < 3, slowest
    assert busy.p99() < max(0.25, 10 * quiet.p99()), (busy.words(), quiet.words())
    assert _memory_mib(front.controlplane.pid) < 512 and _memory_mib(front.worker_pid()) < 1024
    assert json.loads(front.damctl("flows", "--json", "--client", "198.51.0.1"))["matched"] == FLOWS // CLIENTS
    assert caller("GET", "/v1/bans?count=1")[1]["total"] >= BANS
    site.finish(*pair)
    site.finish(*site.connect())
