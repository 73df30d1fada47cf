# SPDX-License-Identifier: BSD-3-Clause
"""A browser on the management network before the live page: Chromium, the control plane's HTTPS, a token or a certificate."""
import json
import os
import socket
import sys
import time

from lib import hello, suite
from lib.beside import Beside
from lib.office import HOST, PORT, folder, open_office, restart
from lib.plan import plan

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "browser"))
from webdriver import Browser, Driver, trust  # noqa: E402

NAME = "dam.example.org"
PLAN = plan(zones={"service": {"per_source": {"connections": "2r/s burst=4"}}, "management": {"management": True}},
            limits={"half_open": 1024}, timeouts={"probe_interval": "500ms"})
PAGE = f"https://{NAME}:{PORT}/"
# Before any script of the page: what its policy forbids, and when it painted.
WATCHER = """
window.violations = []; window.paints = [];
document.addEventListener('securitypolicyviolation', (e) => violations.push(e.violatedDirective + ' ' + e.blockedURI));
new PerformanceObserver((list) => paints.push(...list.getEntries().map((e) => [e.name, e.startTime])))
  .observe({type: 'paint', buffered: true});
window.broken = []; // paths that get no answer
const real = window.fetch;
window.fetch = (path, ...more) => broken.some((one) => path.startsWith(one)) ? Promise.reject(new TypeError('broken')) : real(path, ...more);
"""
KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "ArrowRight": 39, "ArrowDown": 40}
CHROMIUM = {}  # of the group that runs: tokens and drivers


def _tokens(front):
    return {role: front.damctl("token", "add", "page-" + role, "--role", role).strip()
            for role in ("viewer", "operator", "admin")}


def _web(site):
    return ("--web", os.path.join(site.options.build, "web"))


def office(site):
    """The control plane with the page, tokens of each role, and chromedriver on the management server, once."""
    front = site.front
    if CHROMIUM:
        return front
    open_office(site, {}, more=_web(site))
    front.damctl("rollback", "1")  # a second version, to compare with
    front.damctl("enroll", "boss", "--role", "admin", "--san", NAME, "--renew", "--tls", folder(front), "-o",
                 os.path.join(front.directory, "boss.json"))
    home = os.path.join(front.directory, "home")
    trust(home, os.path.join(folder(front), "ca.pem"))
    CHROMIUM["tokens"] = _tokens(front)
    with site.management:
        CHROMIUM["driver"] = Driver(home, 9555, os.path.join(front.directory, "chromedriver.log"))
    return front


def begin_again(site, *more):
    """The control plane, as office() has it, with more words of its command line."""
    restart(site.front, more=(*_web(site), *more))


def close_office(_=None):
    for one in CHROMIUM.values():
        if isinstance(one, Driver):
            one.stop()
    CHROMIUM.clear()


def _zone(front, name):
    return next(one for one in json.loads(front.damctl("zones", "--json"))["zones"] if one["name"] == name)


def zone(front, name="service"):
    """As the dam has it; without what it counts."""
    return {key: value for key, value in _zone(front, name).items() if key != "counters"}


def counters(front, name="service"):
    """What the dataplane has counted in that zone."""
    return _zone(front, name)["counters"]


def of(name, what):
    """Of a zone in the page: a number."""
    return f"Number(document.querySelector('[data-zone={name}] [data-{what}]')?.dataset.{what} ?? -1)"


READY = f"{of('service', 'held')} >= 0 && !!document.querySelector('[data-server]')"


class Visit:
    """A browser with a profile of its own, which has logged in where a role is given."""

    def __init__(self, site, role=None, dark=False, width=1280, height=1600, driver="driver"):
        self.site, phone = site, width < 500
        profile = os.path.join(site.front.directory, f"profile-{time.monotonic_ns()}")
        with site.management:
            self.browser = Browser(CHROMIUM[driver], profile, HOST)
            self.browser.devtools("Page.addScriptToEvaluateOnNewDocument", source=WATCHER)
            self.browser.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height,
                                  deviceScaleFactor=1, mobile=phone)
            self.browser.devtools("Emulation.setTouchEmulationEnabled", enabled=phone)
            scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
            self.browser.devtools("Emulation.setEmulatedMedia", features=scheme)
            self.browser.go(PAGE)
        if role:
            self.log_in(CHROMIUM["tokens"][role])

    def __enter__(self):
        return self

    def __exit__(self, *what):
        with self.site.management:
            self.browser.__exit__(*what)

    def value(self, expression):
        with self.site.management:
            return self.browser.result(expression)

    def until(self, expression, what, seconds=20):
        return suite.eventually(lambda: self.value(expression), seconds, what)

    def until_says(self, selector, words, seconds=20):
        text = f"(document.querySelector({selector!r})?.textContent ?? '')"
        return self.until(f"{text}.includes({words!r})", lambda: f"{words!r} in {selector}: {self.value(text)!r}", seconds)

    def press(self, selector):
        self.until(f"!!document.querySelector({selector!r}) && "
                   f"document.querySelector({selector!r}).ariaDisabled !== 'true'", selector)
        self.value(f"document.querySelector({selector!r}).click()")

    def press_named(self, where, text):
        """The button there that reads so."""
        button = f"[...document.querySelectorAll({where + ' button'!r})].find((one) => one.textContent.trim() === {text!r})"
        self.until(f"!!{button} && {button}.ariaDisabled !== 'true'", f"{text} in {where}")
        self.value(f"{button}.click()")

    def write(self, selector, text):
        """As typing does it: the page hears of it."""
        self.until(f"!!document.querySelector({selector!r})", selector)
        self.value(f"((e) => {{ e.value = {text!r}; e.dispatchEvent(new Event('input', {{bubbles: true}})); "
                   f"e.dispatchEvent(new Event('change', {{bubbles: true}})); return 1; }})"
                   f"(document.querySelector({selector!r}))")

    def key(self, name, times=1, shift=False):
        """On the keyboard."""
        event = {"key": name, "code": "Space" if name == " " else name, "windowsVirtualKeyCode": KEYS[name], "modifiers": 8 if shift else 0}
        text = {"Enter": "\r", " ": " "}.get(name)
        with self.site.management:
            for _ in range(times):
                self.browser.devtools("Input.dispatchKeyEvent", type="keyDown", **event, **({"text": text} if text else {}))
                self.browser.devtools("Input.dispatchKeyEvent", type="keyUp", **event)

    def type(self, text):
        with self.site.management:
            self.browser.devtools("Input.insertText", text=text)

    def asks(self, method, path, body=None):
        """What the page's session gets of the API: (status, JSON)."""
        headers = "{'X-Dam-Request': '1', 'Content-Type': 'application/json'}"
        more = f", body: JSON.stringify({json.dumps(body)})" if body is not None else ""
        return self.value(f"fetch({path!r}, {{method: {method!r}, headers: {headers}{more}}})"
                          ".then(async (answer) => [answer.status, await answer.json()])")

    def again(self, script="0"):
        """The page loaded anew, after that script."""
        with self.site.management:
            made = self.browser.devtools("Page.addScriptToEvaluateOnNewDocument", source=script)
            self.browser.go(PAGE)
            self.browser.devtools("Page.removeScriptToEvaluateOnNewDocument", **made)

    def look_away(self):
        """The page asks nothing more, as in a tab that nobody sees, until look_back."""
        self.value("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
        time.sleep(1)  # what was asked before has been answered

    def look_back(self):
        self.value("(delete document.hidden, document.dispatchEvent(new Event('visibilitychange')))")

    def log_in(self, token):
        self.write("#token", token)
        self.press("#enter")

    def screenshot(self, name):
        where = os.path.join(self.site.options.build, "screenshots")
        os.makedirs(where, exist_ok=True)
        with self.site.management:
            self.browser.screenshot(os.path.join(where, name + ".png"))

    def axe(self):
        """What axe-core finds serious, of what the target web has fetched."""
        with open(os.path.join(self.site.options.build, "web-tools", "node_modules", "axe-core", "axe.min.js"), encoding="utf-8") as file:
            text = file.read()
        with self.site.management:
            self.browser.devtools("Runtime.evaluate", expression=text)
        found = self.value("axe.run().then((all) => all.violations.map((v) => "
                           "({impact: v.impact, id: v.id, where: v.nodes.map((n) => n.target.join(' '))})))")
        return [one for one in found if one["impact"] in ("serious", "critical")]

    def sideways(self):
        """By how many pixels the page is too wide."""
        return self.value("document.documentElement.scrollWidth - window.innerWidth")


class Flood(Beside):
    """Connections of one source, as fast as they come, while a `with` lasts; `passed` counts those whose hello was taken."""

    def __init__(self, site, source):
        self.site, self.source, self.text = site, source, hello.client_hello("service.example")
        super().__init__()

    def once(self, _):
        with self.site.client:
            sock = socket.socket()
        with sock:
            sock.settimeout(0.2)
            try:
                sock.bind((self.source, 0))
                sock.connect((self.site.public[4], 443))
                sock.sendall(self.text)
            except OSError:
                time.sleep(0.01)  # that is what the dam is for
