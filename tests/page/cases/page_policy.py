# SPDX-License-Identifier: BSD-3-Clause
"""The policy by the live page: rates tried in shadow and enforced, and its history."""
import json
import os
import sys
import time

from lib import suite
from lib.site import SOURCES

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from visit import PLAN, Flood, Visit, close_office, counters, of, office, zone  # noqa: E402

DAM_ONLY = True
COST = 60
teardown = close_office


def _choose(visit, limit, step):
    """In the slider of the service zone; a step of 20 is ten times as much."""
    visit.press("[data-zone=service] summary")
    visit.write("#slider-service-key", limit)
    visit.write("#slider-service", str(step))


def _try(visit, limit, step):
    _choose(visit, limit, step)
    visit.press_named("[data-zone=service]", "Try in shadow")
    visit.until_says("[data-trial=lasts]", "nothing is held back")


def _versions(front):
    return json.loads(front.damctl("history", "--json"))


def _opened_a_second(front, seconds=4):
    """Connections that the service zone lets in, by the dataplane's own counter."""
    def opened():
        return counters(front)["connections_opened"]

    before, began = opened(), time.monotonic()
    time.sleep(seconds)
    return (opened() - before) / (time.monotonic() - began)


@suite.seconds(120)
@suite.each(role=("operator", "admin"))
def test_put_back(site, role):
    """a rate is tried in shadow, by an operator as by an admin: the page says so in words, and puts back what ran before"""
    front = office(site)
    before = zone(front)
    scope, key, wanted = {"operator": ("per_source", "packets", "10r/s burst=10"), "admin": ("total", "concurrent", "10")}[role]
    with Visit(site, role) as visit:
        _try(visit, f"{scope}.{key}", -20)
        tried = zone(front)
        assert tried["mode"] == "shadow" and tried[scope][key] == wanted, tried
        visit.until_says("[data-trial=lasts]", "comes back by itself in")
        assert _versions(front)["unconfirmed"]["version"] == _versions(front)["running"]
        visit.press_named("[data-zone=service]", "Put back")
        visit.until("!document.querySelector('[data-zone=service] .trial')", "the end of the trial")
    assert zone(front) == before and "unconfirmed" not in _versions(front)


@suite.seconds(150)
def test_enforce(site):
    """the effect of a rate is seen in shadow, and once it is enforced the dataplane lets in so many connections and no more"""
    front = office(site)
    with Visit(site, "operator") as visit, Flood(site, SOURCES[4][40]):
        visit.until(f"{of('service', 'held')} > 2", "packets held back", 30)
        assert _opened_a_second(front) < 5, "2r/s are in force"
        _try(visit, "per_source.connections", 20)
        visit.until("Number(document.querySelector('[data-would]')?.dataset.would) > 1", "what it would refuse", 30)
        assert _opened_a_second(front) > 30, "in shadow it holds nothing back"
        visit.press_named("[data-zone=service]", "Enforce")
        visit.until("!document.querySelector('[data-zone=service] .trial')", "the end of the trial")
        assert zone(front)["mode"] == "enforce" and zone(front)["per_source"]["connections"] == "20r/s burst=4", zone(front)
        time.sleep(1)  # the burst
        opened = _opened_a_second(front)
        assert 8 < opened < 26, opened
    front.damctl("rollback", "1")
    site.note(f"{opened:.0f} connections a second of 20")


@suite.seconds(120)
def test_trial_is_over(site):
    """a trial that has ended stays in the page with what it has shown, says that it is over, and can still be enforced"""
    front = office(site)
    before = zone(front)
    with Visit(site, "operator") as visit:
        _try(visit, "per_source.connections", -6)
        front.damctl("rollback", str(_versions(front)["unconfirmed"]["back_to"]))
        visit.until_says("[data-trial=over]", "what ran before runs again")
        assert zone(front) == before
        visit.press_named("[data-zone=service]", "Enforce")
        visit.until("!document.querySelector('[data-zone=service] .trial')", "the end of the trial")
        assert zone(front)["per_source"]["connections"] == "1r/s burst=4", zone(front)
    front.damctl("rollback", "1")


@suite.seconds(120)
def test_trial_is_kept(site):
    """a trial that somebody keeps in the history stays in shadow for good, and the page says so; it can still be enforced"""
    front = office(site)
    with Visit(site, "admin") as visit:
        _try(visit, "per_source.connections", -6)
        visit.press_named("#history .trial", "Keep it")
        visit.until_says("[data-trial=kept]", "is kept, in shadow: nothing is held back")
        assert zone(front)["mode"] == "shadow"
        visit.press_named("[data-zone=service]", "Enforce")
        visit.until("!document.querySelector('[data-zone=service] .trial')", "the end of the trial")
        assert zone(front)["mode"] == "enforce" and zone(front)["per_source"]["connections"] == "1r/s burst=4", zone(front)
    front.damctl("rollback", "1")


@suite.seconds(120)
def test_older(site):
    """the history goes back ten versions at a time, to the first, and to the newest again"""
    front = office(site)
    while (newest := _versions(front)["running"]) < 12:
        front.damctl("zone", "set", "service", f"per_source.connections=2r/s burst={newest + 4}")
    front.damctl("rollback", "1")
    with Visit(site, "viewer") as visit:
        for _ in range(newest // 10 + 1):
            if visit.value("!!document.querySelector('[data-version=\"1\"]')"):
                break
            shown = visit.until("document.querySelector('[data-version]')?.dataset.version", "the history")
            visit.press_named("#history", "Older")
            visit.until(f"document.querySelector('[data-version]')?.dataset.version !== '{shown}'", "older versions")
        visit.until("!!document.querySelector('[data-version=\"1\"]')", "the first")
        visit.press_named("#history", "Newest")
        visit.until(f"!!document.querySelector('[data-version=\"{newest + 1}\"]')", "the newest")


@suite.seconds(120)
def test_others_work(site):
    """an admin who comes back to a page that has stood there ends nothing of others: neither by Put back, Keep it nor Roll back"""
    front = office(site)
    with Visit(site, "admin") as visit:
        number = _versions(front)["running"]
        _try(visit, "per_source.packets", -20)
        visit.look_away()
        front.damctl("rollback", str(_versions(front)["unconfirmed"]["back_to"]))
        front.damctl("zone", "set", "service", "per_source.connections=7r/s burst=9")
        others = zone(front)
        visit.press_named("[data-zone=service]", "Put back")
        visit.until_says("[data-zone=service] [role=alert]", "not done: ")
        visit.until("!!document.querySelector('[data-trial=over]')", "what is so now")
        assert zone(front) == others, "others' change has gone"
        visit.press_named("[data-zone=service]", "Leave it so")
        visit.press(f"[aria-label='Compare: version {number}']")
        visit.until("!!document.querySelector('dialog[open]')", "the difference")
        front.damctl("zone", "set", "service", "per_source.connections=8r/s burst=9")
        others = zone(front)
        visit.press_named("dialog", f"Roll back to version {number}")
        visit.until_says("dialog [role=alert]", "not done: ")
        assert zone(front) == others, "others' change has gone"
        visit.press("dialog .close")
        visit.look_back()
        visit.asks("PATCH", "/v1/zones/service?confirm_within=60s", {"mode": "shadow"})
        visit.until_says("#history .trial", "waits for its confirmation")
        visit.look_away()
        front.damctl("rollback", str(_versions(front)["unconfirmed"]["back_to"]))
        visit.asks("PATCH", "/v1/zones/service?confirm_within=60s", {"per_source.connections": "9r/s burst=9"})
        waits = _versions(front)["unconfirmed"]["version"]
        visit.press_named("#history .trial", "Keep it")
        visit.until_says("#history [role=alert]", "not done: ")
        assert _versions(front)["unconfirmed"]["version"] == waits, "it kept what nobody had seen"
    front.damctl("rollback", str(_versions(front)["unconfirmed"]["back_to"]))
    front.damctl("rollback", "1")


@suite.seconds(120)
def test_operators_own(site):
    """an operator's change that nobody confirms goes by itself; of others' changes and of history an operator ends nothing"""
    front = office(site)
    before = zone(front)
    with Visit(site, "operator") as visit:
        visit.until("!!document.querySelector('[data-version]')", "the history")
        status, _ = visit.asks("PATCH", "/v1/zones/service?confirm_within=2s", {"mode": "shadow"})
        assert status == 200 and zone(front)["mode"] == "shadow"
        suite.eventually(lambda: zone(front) == before, 20, "what ran before")
        front.apply({**PLAN, "zones": {**PLAN["zones"], "service": {"mode": "shadow"}}}, "--confirm-within", "60s")
        visit.until_says("#history .trial", "waits for its confirmation")
        assert not visit.value("!!document.querySelector('#history .trial button')")
        back_to = _versions(front)["unconfirmed"]["back_to"]
        for path in ("/v1/policy/confirm", f"/v1/policy/rollback?to={back_to}"):
            status, answer = visit.asks("POST", path)
            assert status == 403 and "of their own" in answer["errors"][0]["message"], (path, status, answer)
        assert zone(front)["mode"] == "shadow"
        front.damctl("rollback", str(back_to))
        status, _ = visit.asks("POST", "/v1/policy/rollback?to=1")
        assert status == 403, status
        visit.asks("PATCH", "/v1/zones/service?confirm_within=60s", {"mode": "shadow"})
        visit.press_named("#history .trial", "Back now")
        visit.until("!document.querySelector('#history .trial')", "nothing that waits")
    assert zone(front) == before


@suite.seconds(120)
def test_history(site):
    """the history shows how a version differs, goes back to it for a minute, and an admin keeps that"""
    front = office(site)
    before, number = zone(front), _versions(front)["running"]
    front.damctl("zone", "set", "service", "per_source.connections=7r/s burst=9")
    with Visit(site, "admin") as visit:
        visit.press(f"[aria-label='Compare: version {number}']")
        visit.until_says("dialog[open] pre", "-")
        diff = visit.value("document.querySelector('dialog pre').textContent")
        assert any(line.startswith("-") and "7r/s burst=9" in line for line in diff.splitlines()), diff
        visit.screenshot("history")
        visit.press_named("dialog", f"Roll back to version {number}")
        visit.until_says("#history .trial", "waits for its confirmation")
        assert not visit.value("!!document.querySelector('dialog')"), "its dialog stands in the way"
        assert zone(front) == before
        visit.press_named("#history .trial", "Keep it")
        visit.until("!document.querySelector('#history .trial')", "nothing that waits")
    assert zone(front) == before and "unconfirmed" not in _versions(front)
