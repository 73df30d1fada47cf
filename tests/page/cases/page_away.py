# SPDX-License-Identifier: BSD-3-Clause
"""The live page on bad days: no control plane, no dataplane, a session that has ended."""
import os
import signal
import sys

from lib import suite
from lib.site import SOURCES

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from visit import CHROMIUM, PLAN, READY, Flood, Visit, begin_again, close_office, of, office  # noqa: E402

DAM_ONLY = True
COST = 30
teardown = close_office


def test_session_ended(site):
    """a session ends when its token is removed; the page says so, asks anew, and still has its chart"""
    front = office(site)
    token = front.damctl("token", "add", "short", "--role", "viewer").strip()
    with Visit(site) as visit:
        visit.log_in(token)
        visit.until(READY, "the page")
        with Flood(site, SOURCES[4][50]):
            visit.until_says("#drops .lines", "source_connections", 30)
        front.damctl("token", "remove", "short")
        visit.until_says("form [role=status]", "Your session has ended")
        visit.log_in(CHROMIUM["tokens"]["viewer"])
        visit.until(READY, "the page again")
        visit.until_says("#drops .lines", "source_connections", 3)
        visit.press(".who button")
        visit.until("!!document.querySelector('#token')", "the form")
        assert not visit.value("!!document.querySelector('form [role=status]')"), "who logs out is told that the session has ended"


def test_one_part_unheard(site):
    """a part whose answers fail says of when it is, alone; a change without an answer is neither called done nor not done"""
    office(site)
    with Visit(site, "operator") as visit:
        visit.until(f"{READY} && !!document.querySelector('#bans .key')", "the page")
        visit.value("broken.push('/v1/bans')")
        visit.until("[...document.querySelectorAll('[data-old=true]')].map((one) => one.id).join() === 'bans'", "one part that is old")
        visit.write("#ban-source", "198.51.100.78")
        visit.press("#ban-add")
        visit.until_says("#bans form [role=alert]", "it is not known whether it was done")
        visit.value("broken.pop()")
        visit.until("!document.querySelector('[data-old=true]')", "news")


def test_first_asks_fail(site):
    """what was never heard is not called nothing, and is asked for again in seconds"""
    office(site)
    with Visit(site, "viewer") as visit:
        visit.until(READY, "the page")
        visit.again("window.broken = ['/v1/drops', '/v1/bans', '/v1/events']")
        visit.until(READY, "the page again")
        visit.until_says("#drops", "not known yet")
        visit.until_says("#bans h2", "Bans (…)")
        assert "Nothing has happened" not in visit.value("document.querySelector('#events').textContent")
        visit.value("broken.length = 0")
        visit.until_says("#drops", "Nothing was dropped", 60)
        visit.until_says("#bans h2", "Bans (0)")


def test_seen_again(site):
    """a page that is looked at again asks at once"""
    office(site)
    with Visit(site, "viewer") as visit:
        visit.until(READY, "the page")
        visit.look_away()
        visit.value("performance.clearResourceTimings()")
        visit.look_back()
        asked = "performance.getEntriesByType('resource').map((one) => new URL(one.name).pathname)"
        visit.until(f"['/v1/drops', '/v1/routes'].every((one) => {asked}.includes(one))", lambda: visit.value(asked), 10)


def test_no_such_token(site):
    """letters that no header carries are a wrong token, and no silence of the control plane"""
    office(site)
    with Visit(site) as visit:
        visit.log_in("dam_ключ")
        visit.until_says("[role=alert]", "this is no token")


@suite.seconds(120)
def test_control_plane_dies(site):
    """when the control plane dies every part says of when it is; when it is back the page goes on after a log-in"""
    front = office(site)
    with Visit(site, "operator") as visit:
        visit.until(READY, "the page")
        assert not visit.value("!!document.querySelector('[data-old=true]')")
        front.end(front.controlplane, signal.SIGKILL)
        try:
            visit.until_says(".banner[role=alert]", "The control plane does not answer since")
            parts = visit.value("[...document.querySelectorAll('section')].map((one) => one.textContent.includes('as of'))")
            assert len(parts) == 7 and all(parts), parts
            assert visit.value("!!document.querySelector('[data-server]')"), "what was known has gone"
            assert visit.axe() == [], visit.axe()
            visit.screenshot("silent")
            site.finish(*site.connect(server_timeout=1))
        finally:
            begin_again(site)
        visit.until("!!document.querySelector('#token')", "the form: sessions are in memory")
        visit.log_in(CHROMIUM["tokens"]["operator"])
        visit.until(READY, "the page again")
        visit.until("!document.querySelector('[data-old=true]') && document.querySelector('.banner')?.dataset.condition === 'well'", "news")


@suite.seconds(150)
def test_dataplane_away(site):
    """when the dataplane is away the page says so, shows a gap and no figures, and says that a ban waits; when it is back so are figures"""
    front = office(site)
    with Visit(site, "operator") as visit:
        visit.until(READY, "the page")
        with Flood(site, SOURCES[4][51]):
            visit.until_says("#drops .lines", "source_connections", 30)
        front.end(front.dataplane, signal.SIGKILL)
        visit.until_says(".banner[role=alert]", "The dataplane is away since")
        visit.until_says("[data-zone=service]", "no figures")
        assert visit.value(of("service", "held")) == -1
        visit.until("Number(document.querySelector('#drops [data-gaps]').dataset.gaps) >= 2", "a gap")
        said = visit.value("document.querySelector('#drops .lines').textContent")
        assert "no figure" in said and "packets/s" not in said, said
        visit.write("#ban-source", "198.51.100.77")
        visit.press("#ban-add")
        visit.until_says("#bans form [role=status]", "the dataplane did not have it yet")
        visit.until("!!document.querySelector(\"[data-ban^='198.51.100.77']\")", "the ban in the list")
        assert visit.axe() == [], visit.axe()
        visit.screenshot("away")
        front.start_dataplane()
        visit.until("document.querySelector('.banner')?.dataset.condition === 'well'", "an end of it", 30)
        visit.until(READY, "figures")
