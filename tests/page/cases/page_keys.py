# SPDX-License-Identifier: BSD-3-Clause
"""The live page by keyboard alone, and with a client certificate."""
import json
import os
import subprocess
import sys

from lib import suite
from lib.office import folder
from lib.site import SOURCES

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from visit import CHROMIUM, NAME, PLAN, READY, Visit, close_office, office, trust  # noqa: E402
from webdriver import Driver  # noqa: E402

DAM_ONLY = True
COST = 30
teardown = close_office


# What has the focus: where in the document, whether it is seen to have it, whether it is on the screen.
FOCUS = """
((e) => {
  const style = getComputedStyle(e), box = e.getBoundingClientRect();
  return {body: e === document.body, label: e.getAttribute('aria-label') || e.id || e.textContent.trim(), at: [...document.querySelectorAll('*')].indexOf(e),
          outline: style.outlineStyle === 'none' ? 0 : parseFloat(style.outlineWidth),
          seen: box.bottom > 0 && box.top < innerHeight && box.height > 0, dialog: !!e.closest('dialog')};
})(document.activeElement)"""
REACHED = "[...document.querySelectorAll('a[href], button, input, select, summary, [tabindex=\"0\"]')].filter((one) => one.checkVisibility()).length"


def _tab_to(visit, label, most=80, shift=False):
    for _ in range(most):
        visit.key("Tab", shift=shift)
        if visit.value(FOCUS)["label"] == label:
            return
    raise AssertionError(f"{label} is not reached by Tab")


@suite.seconds(120)
def test_order(site):
    """Tab reaches everything that can be used, in the order of the page, on the screen, and seen to have the focus"""
    office(site)
    with Visit(site, "admin", height=800) as visit:
        visit.until(f"{READY} && !!document.querySelector('[data-version]')", "the page")
        reached = []
        for _ in range(visit.value(REACHED) + 1):
            visit.key("Tab")
            reached.append(visit.value(FOCUS))
        reached = [one for one in reached if not one["body"]]  # beyond the last
        first = min(range(len(reached)), key=lambda i: reached[i]["at"])  # where it began is not the page's beginning
        reached = reached[first:] + reached[:first]
        places = [one["at"] for one in reached]
        assert places == sorted(set(places)) and len(places) == visit.value(REACHED) > 20, reached
        assert all(one["outline"] >= 2 and one["seen"] for one in reached), [one for one in reached if one["outline"] < 2 or not one["seen"]]


@suite.seconds(120)
def test_log_in_ban_lift(site):
    """by keyboard alone: in by token, a ban placed and lifted, and the focus stays near"""
    office(site)
    with Visit(site) as visit:
        visit.until("document.activeElement.id === 'token'", "the focus in the form")
        visit.type(CHROMIUM["tokens"]["operator"])
        visit.key("Enter")
        visit.until(READY, "the page")
        _tab_to(visit, "ban-source")
        visit.type(SOURCES[4][33])
        _tab_to(visit, "ban-reason")
        visit.type("by keyboard")
        _tab_to(visit, "ban-add")
        visit.key("Enter")
        visit.until_says(f"[data-ban^='{SOURCES[4][33]}']", "by keyboard")
        assert visit.value(FOCUS)["label"] == "ban-add", visit.value(FOCUS)
        _tab_to(visit, f"Lift {SOURCES[4][33]}/32")
        visit.key(" ")
        visit.until(f"!document.querySelector(\"[data-ban^='{SOURCES[4][33]}']\")", "the ban lifted")
        visit.until("document.activeElement.id === 'bans-title'", "the focus at the bans")


@suite.seconds(120)
def test_slider(site):
    """by keyboard alone: a rate chosen with arrows, tried, put back"""
    office(site)
    with Visit(site, "operator") as visit:
        visit.until(READY, "the page")
        visit.value("document.querySelector('[data-zone=service] summary').focus()")
        visit.key("Enter")
        _tab_to(visit, "slider-service")
        visit.key("ArrowRight", 3)
        chosen = visit.value("document.querySelector('#slider-service').ariaValueText")
        assert chosen == "140r/s", chosen
        _tab_to(visit, "Try in shadow")
        visit.key("Enter")
        visit.until("!!document.querySelector('[data-trial=lasts]')", "the trial")
        assert visit.value(FOCUS)["label"] == "Rates of service", visit.value(FOCUS)
        _tab_to(visit, "Put back", most=2)
        visit.key(" ")
        visit.until("!document.querySelector('[data-trial]')", "its end")


@suite.seconds(120)
def test_dialog(site):
    """a dialog takes the focus, keeps it, and gives it back to the button that opened it: by Escape, by Close"""
    office(site)
    with Visit(site, "admin") as visit:
        opener = "[aria-label='Compare: version 1']"
        for close in ("Escape", "Enter"):
            visit.until(f"!!document.querySelector(\"{opener}\")", "the history")
            visit.value(f"document.querySelector(\"{opener}\").focus()")
            visit.key("Enter")
            visit.until("!!document.querySelector('dialog[open]') && !!document.activeElement.closest('dialog')", "the focus in the dialog")
            for _ in range(6):
                visit.key("Tab")
                inside = visit.value("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
                assert inside, visit.value(FOCUS)
            if close == "Enter":
                visit.value("document.querySelector('dialog .close').focus()")
            visit.key(close)
            visit.until("!document.querySelector('dialog')", f"its end by {close}")
            assert visit.value(f"document.activeElement === document.querySelector(\"{opener}\")"), visit.value(FOCUS)


def _certificate_driver(site):
    """A chromedriver whose Chromium has boss's certificate and takes it without asking: by a policy that this process tree alone sees."""
    front = site.front
    home, rules = os.path.join(front.directory, "certified"), os.path.join(front.directory, "chromium")
    database = trust(home, os.path.join(folder(front), "ca.pem"))
    with open(os.path.join(front.directory, "boss.json"), encoding="utf-8") as file:
        profile = json.load(file)
    both, packed = (os.path.join(front.directory, name) for name in ("boss.pem", "boss.p12"))
    with open(both, "w", encoding="utf-8") as file:
        file.write(profile["certificate"] + profile["key"])
    subprocess.run(["openssl", "pkcs12", "-export", "-in", both, "-out", packed, "-passout", "pass:"], check=True)
    subprocess.run(["pk12util", "-i", packed, "-d", "sql:" + database, "-W", "", "-K", ""], check=True, capture_output=True)
    os.makedirs(os.path.join(rules, "policies", "managed"))
    with open(os.path.join(rules, "policies", "managed", "dam.json"), "w", encoding="utf-8") as file:
        json.dump({"AutoSelectCertificateForUrls": [json.dumps({"pattern": f"https://{NAME}", "filter": {}})]}, file)
    with site.management:
        return Driver(home, 9556, os.path.join(front.directory, "certified.log"),
                      under=("unshare", "--mount", "sh", "-c", f'mount --bind {rules} /etc/chromium && exec "$@"', "sh"))


@suite.seconds(120)
def test_certificate(site):
    """a browser with a client certificate needs no token, and changes what its role may"""
    front = office(site)
    CHROMIUM["certified"] = _certificate_driver(site)
    with Visit(site, driver="certified") as visit:
        visit.until(READY, "the page")
        visit.until_says(".who", "boss, admin")
        assert not visit.value("!!document.querySelector('.who button')"), "a certificate has no session to end"
        visit.write("#ban-source", SOURCES[4][34])
        visit.press("#ban-add")
        visit.until(f"!!document.querySelector(\"[data-ban^='{SOURCES[4][34]}']\")", "the ban in the list")
        assert "boss" in front.damctl("audit")
        front.damctl("clients", "revoke", "boss")
        visit.until("!!document.querySelector('#token')", "the form")
