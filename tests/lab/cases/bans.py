# SPDX-License-Identifier: BSD-3-Clause
"""Bans of operators: they cut what stands, hold without either process, end by themselves, and never hit an
administrator. Zones' bans are seen, lifted, and grow where a source comes back. `damctl explain` says why."""
import json
import os
import signal
import subprocess
import threading
import time

from lib import hello, suite
from lib.plan import plan
from lib.site import SOURCES

BAN = {"ban": {"after": 3, "within": "10s", "for": "4s"}}
ADMIN = "203.0.113.50"
PLAN = plan(zones={"service": {}, "management": {"management": True},
                   "banning": {"exceeded": BAN, "per_source": {"concurrent": 1}}},
            admin=[ADMIN, "2001:db8:c:32::/64"], timeouts={"probe_interval": "500ms"},
            add_listeners={"banning": {"port": 8443, "protocol": "tls"}},
            add_routes=[{"name": "banning", "listener": "banning", "names": ["banning.example"], "zone": "banning",
                         "servers": ["service"]}])
DAM_ONLY = True
COST = 60
IMPORTED = 100_000


def _let_in(site, source, family=4, port=443, within=10):
    suite.eventually(lambda: not site.is_refused(source, family, port), within, f"{source} let in")


def _bans(site, *words):
    return {ban["source"]: ban for ban in json.loads(site.front.damctl("bans", "--json", *words))["bans"]}


def _explain(site, address):
    return json.loads(site.front.damctl("explain", address, "--json"))


def _kill_controlplane(site):
    site.front.end(site.front.controlplane, signal.SIGKILL)


def _start_controlplane(site):
    site.front.start_controlplane()
    suite.eventually(lambda: site.front.try_damctl("status").returncode == 0, 10, "the control plane back")


class Download:
    """A server that sends all the time; when its client heard the last of it."""

    def __init__(self, site, source, family):
        self.client, self.server = site.connect(source=source, family=family)
        self.heard, self.over, self.error = 0.0, threading.Event(), None
        threading.Thread(target=self._feed, daemon=True).start()
        threading.Thread(target=self._read, daemon=True).start()

    def _feed(self):
        try:
            while True:
                self.server.sock.send(bytes(16384))
                time.sleep(0.002)
        except OSError:
            pass

    def _read(self):
        try:
            while self.client.sock.recv(65536):
                self.heard = time.monotonic()
        except OSError as error:
            self.error = error
        self.over.set()


@suite.each(family=[4, 6])
def test_cuts_a_download(site, family):
    """a ban ends a download that runs, at both its ends and within a second, and keeps its source out until it is
    lifted; others' downloads go on"""
    source, other = SOURCES[family][2], SOURCES[family][3]
    banned, free = Download(site, source, family), Download(site, other, family)
    suite.eventually(lambda: banned.heard and free.heard, 5, "two downloads")
    with site.counted("source_banned"):
        start = time.monotonic()
        said = site.front.damctl("ban", source, "--for", "10m", "--reason", "it floods")
        spent = time.monotonic() - start
        assert said.startswith("ok"), said
        assert banned.over.wait(5), "the download goes on"
        site.note(f"in force after {spent * 1000:.0f} ms, last bytes {(banned.heard - start) * 1000:.0f} ms after "
                  "the word")
        assert isinstance(banned.error, ConnectionResetError), banned.error
        assert site.is_refused(source, family)
    assert not free.over.is_set() and time.monotonic() - free.heard < 1
    site.finish(*site.connect(source=other, family=family))
    assert "it floods" in site.front.damctl("bans") and "it floods" in _explain(site, source)["verdict"]
    site.front.damctl("unban", source)
    _let_in(site, source, family, within=3)
    assert site.front.try_damctl("unban", source).returncode == 1


def test_policy_leaves_them(site):
    """an applied policy leaves the bans as they are, and the admin list wins over a ban at once"""
    source = SOURCES[4][4]
    site.front.damctl("ban", "203.0.113.4/31")
    assert site.is_refused(source)
    try:
        site.front.apply({**PLAN, "admin": [ADMIN, source]})
        _let_in(site, source, within=3)
        assert "admin list" in _explain(site, source)["verdict"]
        site.front.apply(PLAN)
        suite.eventually(lambda: site.is_refused(source), 5, "the ban again")
    finally:
        site.front.apply(PLAN)
        site.front.damctl("unban", "203.0.113.4/31")


def test_refusals(site):
    """nobody bans an administrator, himself, a server, a gateway, the dam, or the internet by mistake"""
    front = site.front

    def refused(source, *words, under=()):
        done = subprocess.run([*under, front.programs["damctl"], "-s", front.api, "ban", source, *words], text=True,
                              capture_output=True)
        assert done.returncode == 1, done
        return done.stderr

    assert "the admin network 203.0.113.50/32" in refused("203.0.113.48/28", "--force")
    assert "the admin network 2001:db8:c:32::/64" in refused("2001:db8:c::/46")
    assert "your own address 203.0.113.9" in refused(
        "203.0.113.8/29", under=("env", "SSH_CONNECTION=203.0.113.9 4711 198.18.0.80 22"))
    assert "server service" in refused("198.18.1.10")
    assert "gateway" in refused("198.18.0.1") and "dam's own address" in refused("198.18.0.80")
    assert "wider than /8" in refused("100.0.0.0/7") and "not a network" in refused("300.1.2.3")
    assert "no time" in refused("203.0.113.7", "--for", "0s")
    assert not _bans(site)


def _metric(site, name):
    lines = [line for line in site.front.metrics().splitlines() if line.startswith(name + " ")]
    return float(lines[0].split()[1]) if lines else None


def test_counted_and_told(site):
    """bans are counted by origin and what became of them, the dataplane has the wanted version of their list, and a ban
    that ends by time is an event"""
    front, source, other = site.front, SOURCES[4][6], SOURCES[4][7]
    by_operator = '_bans_total{origin="operator"}'
    before = {what: _metric(site, f"dam_{what}{by_operator}") for what in ("begun", "lifted", "expired")}
    front.damctl("ban", source, "--for", "2s")
    front.damctl("ban", other)
    assert _metric(site, 'dam_held_bans{origin="operator"}') == 2
    wanted = _metric(site, "dam_bans_wanted_version")
    suite.eventually(lambda: _metric(site, "dam_bans_in_force_version") == wanted, 5, "the dataplane has them")
    front.damctl("unban", other)

    def ended():
        lines = front.damctl("events", "--json", "--kind", "ban", "-n", "100").splitlines()
        return [one for one in map(json.loads, lines) if one["reason"] == "expired" and source in one["text"]]
    suite.eventually(ended, 20, "an event of its end")
    assert ended()[0]["subject"] == "operator", ended()
    now = {what: _metric(site, f"dam_{what}{by_operator}") for what in before}
    assert {what: now[what] - before[what] for what in now} == {"begun": 2, "lifted": 1, "expired": 1}, (before, now)
    assert _metric(site, 'dam_held_bans{origin="operator"}') == 0


def test_ends_without_control_plane(site):
    """a ban ends by itself while the control plane is dead, and until then it holds"""
    source = SOURCES[4][6]
    site.front.damctl("ban", source, "--for", "4s")
    _kill_controlplane(site)
    try:
        assert site.is_refused(source)
        _let_in(site, source)
    finally:
        _start_controlplane(site)
    assert not _bans(site)


def test_outlive_both(site):
    """bans outlive kill -9 of the control plane and of the dataplane, which comes back with them by itself"""
    front, source, other = site.front, SOURCES[4][7], SOURCES[4][8]
    front.damctl("ban", source, "--reason", "for long")
    _kill_controlplane(site)
    os.kill(front.worker_pid(), signal.SIGKILL)
    front.dataplane.wait(10)
    front.start_dataplane()
    suite.eventually(front.has_policy, 20, "the saved policy")
    _let_in(site, other, within=15)
    assert site.is_refused(source), "the ban is gone with the processes"
    _start_controlplane(site)
    assert _bans(site)["203.0.113.8/32"]["reason"] == "for long"
    front.damctl("unban", source)
    _let_in(site, source, within=3)


def test_comes_back(site):
    """a dataplane that starts with nothing has the bans again within a second of its policy"""
    front, source = site.front, SOURCES[4][9]
    front.damctl("ban", source)
    os.kill(front.worker_pid(), signal.SIGKILL)
    front.dataplane.wait(10)
    front.start_dataplane("--fresh")
    suite.eventually(front.has_policy, 20, "a policy")
    _let_in(site, SOURCES[4][10], within=15)
    suite.eventually(lambda: site.is_refused(source), 5, "the ban again")
    front.damctl("unban", source)


@suite.seconds(120)
def test_import(site):
    """a list of 100,000 is in force as a whole within seconds, or not at all"""
    front, source = site.front, SOURCES[4][11]
    path = os.path.join(front.directory, "bans.txt")
    lines = [f"{10 + (n >> 16)}.{n >> 8 & 255}.{n & 255}.{n % 250} scans" for n in range(IMPORTED - 2)]
    lines += [f"{source} one of many", '{"source": "2001:db8:c:c::/64", "for": "1h", "reason": "six"}']

    def take(text):
        with open(path, "w") as handle:
            handle.write(text)
        return front.try_damctl("bans", "import", path, "--for", "2h")

    done = take("\n".join(lines[:10] + ["198.51.100.300", *lines[10:]]))
    assert done.returncode == 1 and "bans.txt:11:1: error: neither a network" in done.stderr, done
    done = take("\n".join([*lines, ADMIN]))
    assert done.returncode == 1 and f"bans.txt:{IMPORTED + 1}:1" in done.stderr, done.stderr
    assert not _bans(site) and not site.is_refused(source)
    start = time.monotonic()
    done = take("\n".join(lines))
    spent = time.monotonic() - start
    assert done.stdout.startswith(f"ok: all {IMPORTED} of the list are banned"), done
    assert site.is_refused(source) and site.is_refused(SOURCES[6][11], 6)
    site.finish(*site.connect(source=SOURCES[4][12]))
    start = time.monotonic()
    front.damctl("unban", source)
    one = time.monotonic() - start
    _let_in(site, source, within=3)
    exported = front.damctl("bans", "export").splitlines()
    assert len(exported) == IMPORTED - 1 and json.loads(exported[0])["reason"] == "scans", exported[:2]
    site.note(f"{IMPORTED} held by the dataplane after {spent:.2f} s, one lifted after {one * 1000:.0f} ms")
    assert spent < 20, f"{spent:.1f} s"
    # All at once again: another list is no way, so the rest ends with the state.
    front.end(front.controlplane, signal.SIGTERM)
    for name in os.listdir(front.directory):
        if name.startswith("bans.db"):
            os.unlink(os.path.join(front.directory, name))
    _start_controlplane(site)
    _let_in(site, SOURCES[6][11], 6, within=10)


def _violate(site, source):
    text = hello.client_hello("banning.example")
    first = site.open(source=source, port=8443)
    first.send(text)
    site.keep(site.servers["service"].take(first.local))
    for _ in range(4):
        try:
            site.open(source=source, port=8443, timeout=0.7).send(text)
        except OSError:
            break
    return first


def _banned_by_zone(site, source):
    return suite.eventually(lambda: _bans(site, "--origin", "zone").get(source + "/32"), 5, "the zone's ban")


def test_zones_bans(site):
    """what a zone bans by itself is seen with its origin and explained, and can be lifted"""
    source = SOURCES[4][13]
    before = _explain(site, source)
    assert before["let_in"] == "now" and before["zones"] == [], before
    _violate(site, source)
    ban = _banned_by_zone(site, source)
    assert ban["origin"] == "zone banning" and ban["by_zone"] and ban["until"] > time.time(), ban
    said = _explain(site, source)
    assert "zone banning has banned it for" in said["verdict"] and said["let_in"].endswith("UTC"), said
    assert {zone["zone"]: zone for zone in said["zones"]}["banning"]["banned_until"] == ban["until"], said
    assert site.is_refused(source, port=8443) and not site.is_refused(source)
    site.front.damctl("unban", source)
    _let_in(site, source, port=8443, within=2)
    after = _explain(site, source)
    assert "banned" not in after["verdict"] and not after["bans"], after


def test_comes_again(site):
    """a source that a zone bans again soon stays banned there for longer, and everywhere else it is as welcome as before"""
    source = SOURCES[4][14]
    _violate(site, source).drop()
    _banned_by_zone(site, source)
    _let_in(site, source, port=8443)
    _violate(site, source)
    ban = suite.eventually(lambda: next((one for one in [_bans(site).get(source + "/32")]
                                         if one and one["times"] == 2), None), 10, "a second ban")
    assert ban["by_zone"] and ban["origin"] == "zone banning" and ban["author"] == "dam", ban
    assert ban["until"] - ban["made"] >= 6, ban
    suite.eventually(lambda: {zone["zone"]: zone for zone in _explain(site, source)["zones"]}["banning"].get(
        "banned_until", 0) >= ban["until"] - 2, 3, "the zone holds it as long")
    assert not site.is_refused(source), "another zone"
    site.front.damctl("unban", source)
    _let_in(site, source, port=8443, within=3)


def test_explain_counts(site):
    """explain names the open connections and how full the buckets are"""
    source = SOURCES[4][15]
    pairs = [site.connect(source=source) for _ in range(3)]
    said = suite.eventually(lambda: next((one for one in [_explain(site, source)] if one["connections"] == 3), None),
                            3, "three connections")
    assert {zone["zone"] for zone in said["zones"]} >= {"service"}, said
    assert "nothing holds it back" in site.front.damctl("explain", source)
    for pair in pairs:
        site.finish(*pair)
    assert site.front.try_damctl("explain", "nobody").returncode == 1
