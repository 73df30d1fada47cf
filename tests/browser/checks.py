# SPDX-License-Identifier: BSD-3-Clause
"""Visits the lab's sites with a real browser, inside the client's namespace, and checks what the browser and
the servers saw. Started by tests/browser/run."""
import argparse
import hashlib
import json
import os
import signal
import subprocess
import sys
import time

from access_log import is_of, log_lines
from held import check_held, hold
from hello import hellos
from pages import HEAVY_CALLS
from policy import damctl, put_in_force
from webdriver import Browser, Driver, WebDriverError

PUBLIC = {"IPv4": "203.0.113.10", "IPv6": "2001:db8:113::10"}
BIG = "32m.bin"
UPLOAD_MIB = 8
LEAST_COUNTED = 0.85  # of a page's requests: heads that come where bodies may are not
MESSAGES = 51  # of every size from 1 byte to 64 KiB, three times


class OutOfTime(BaseException):
    """No part may take it for a failure of its own and go on."""


class Checks:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, holds, sentence):
        print(f"  {'✓' if holds else '✗'} {sentence}", flush=True)
        self.passed, self.failed = self.passed + bool(holds), self.failed + (not holds)

    def title(self, sentence):
        print(f"\n{sentence}", flush=True)

    def note(self, sentence):
        print(f"    {sentence}", flush=True)

    def attempt(self, what, function, *arguments):
        """A part that breaks is one failed check; the others go on."""
        try:
            function(self, *arguments)
        except (WebDriverError, OSError, KeyError, IndexError, TypeError, AttributeError, ValueError,
                subprocess.CalledProcessError) as error:
            self.check(False, f"{what}: {type(error).__name__}: {error}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", required=True, help="the lab's files")
    parser.add_argument("--scratch", required=True, help="the browser's files; client.pcap is there")
    parser.add_argument("--damctl", required=True, help="the program")
    parser.add_argument("--ipv4", required=True, help="the client's address")
    parser.add_argument("--ipv6", required=True)
    parser.add_argument("--seconds", type=int, required=True, help="limit for all")
    return parser.parse_args()


def check_page(checks, browser, options, family, name, server):
    client, where = getattr(options, family.lower()), f"{name} over {family}"
    started = time.time()
    browser.go(f"https://{name}/browser/index.html")
    got = browser.result("report") | {"started": started}
    parts = got["images"] + got["scripts"] + got["fetches"]
    checks.check(parts == got["wanted"],
                 f"{where}: {parts} of {got['wanted']} parts whole ({got['images']} images, {got['scripts']} "
                 f"scripts, {got['fetches']} fetches); page in {got['load_ms']:.0f} ms, "
                 f"all in {got['all_ms']:.0f} ms")
    checks.check(got["protocols"] == ["h2"] and got["entries"] > parts,
                 f"{where}: all {got['entries']} by {', '.join(got['protocols'])}")
    check_certificate(checks, where, browser.responses(), name, PUBLIC[family])
    check_log(checks, where, options, server, client, got)
    return got


def check_certificate(checks, where, responses, name, public):
    own = [r for r in responses if r["url"].startswith(f"https://{name}/")]
    secure = [r for r in own if is_secure(r, name, public)]
    details = own[0]["securityDetails"]
    checks.check(own and len(secure) == len(own),
                 f"{where}: the browser calls {len(secure)} of {len(own)} answers from {public} secure: "
                 f"certificate of {details['subjectName']} by {details['issuer']}, {details['protocol']}, "
                 f"{details.get('keyExchangeGroup')}, {details['cipher']}")


def is_secure(response, name, public):
    details = response["securityDetails"]
    return (response["securityState"] == "secure" and response["remoteIPAddress"].strip("[]") == public and
            name in details["sanList"] and details["issuer"] == "Lab authority")


def check_log(checks, where, options, server, client, got):
    wanted = got["entries"] + got["heavy"]
    seen = log_lines(options.state, server, got["started"], wanted)
    right = [line for line in seen if is_of(line, client, got["agent"])]
    checks.check(len(right) == len(seen) == wanted and got["whoami"]["client"] == client,
                 f"{where}: of {len(seen)} requests in {server}'s log {len(right)} are of {client} with this "
                 f"browser's User-Agent, by TLS 1.3 and HTTP/2; its app sees {got['whoami']['client']}")


def check_heavy(checks, options, family, got):
    seen = [line["name"] for line in log_lines(options.state, "service", got["started"])
            if line["method"] == "GET" and line["uri"].startswith("/browser/call/") and line["host"] == "api.example.org"]
    checks.check(got["heavy"] == len(seen) == HEAVY_CALLS and set(seen) == {"api.example.org"},
                 f"api.example.org over {family}: {len(seen)} of {HEAVY_CALLS} calls to the heavy zone from the "
                 "page; by the server name of their connection: " +
                 ", ".join(f"{name} {seen.count(name)}" for name in sorted(set(seen))))


def check_transfers(checks, browser, options, family):
    path = f"{options.state}/service/www/{BIG}"
    with open(path, "rb") as file:
        wanted = hashlib.file_digest(file, "sha256").hexdigest()
    got = browser.result(f"download('/{BIG}')")
    checks.check(got["sha256"] == wanted and got["size"] == os.path.getsize(path),
                 f"download over {family}: {got['size']} bytes in {got['pieces']} pieces, {got['ms']:.0f} ms, "
                 f"SHA-256 in the page {got['sha256'][:16]}…, of the file {wanted[:16]}…")
    got = browser.result(f"upload('/whoami', {UPLOAD_MIB << 20})")
    answer = got["answer"]
    checks.check(answer["sha256"] == got["sha256"] and answer["size"] == UPLOAD_MIB << 20,
                 f"upload over {family}: {answer['size']} bytes, {got['ms']:.0f} ms, SHA-256 at the server "
                 f"{answer['sha256'][:16]}…, in the page {got['sha256'][:16]}…")


def changed_policy(options, family):
    """The lab's policy with one route more."""
    route = (f"  - {{name: new-{family.lower()}, listener: https, server_names: new.example.org, zone: light, "
             "server: service}\n")
    return put_in_force(options, "changed", lambda text: text + route)


def check_web_socket(checks, browser, options, family):
    """Stays one connection while the policy changes beneath it."""
    browser.run("window.chat = new Chat('wss://www.example.org/echo')")
    first = browser.result(f"chat.talk({MESSAGES})")
    before, after = changed_policy(options, family)
    time.sleep(0.5)
    second = browser.result(f"chat.talk({MESSAGES})")
    end = browser.result("chat.end()")
    same, unasked = first["same"] + second["same"], second["unasked"] - first["unasked"]
    checks.check(same == 2 * MESSAGES and first["client"] == getattr(options, family.lower()),
                 f"WebSocket over {family}: {same} of {2 * MESSAGES} messages came back the same, half of them "
                 f"after the policy changed; its server sees {first['client']}")
    checks.check(after > before and unasked >= 5 and end["code"] == 1000 and end["wasClean"],
                 f"WebSocket over {family}: across the change of policy {before} to {after} the server spoke "
                 f"{unasked} times unasked, none lost; closed with {end['code']}")


def requests_of_light(options):
    zones = json.loads(damctl(options, "zones", "--json"))["zones"]
    return next(zone["counters"]["requests"] for zone in zones if zone["name"] == "light")


def check_requests(checks, options, family, started, before):
    """What the dam has counted by the sizes of records, beside what nginx has served."""
    counted = requests_of_light(options) - before
    served = sum(line["host"] == "www.example.org" for line in log_lines(options.state, "service", started))
    checks.check(served * LEAST_COUNTED <= counted <= served,
                 f"requests over {family}: {counted} counted without decrypting, {served} in nginx's log "
                 f"({100 * counted / served:.0f} %)")


def visit(checks, driver, options, family):
    checks.title(f"Chromium over {family}")
    started, before = time.time(), requests_of_light(options)
    with Browser(driver, f"{options.scratch}/profile-{family}", PUBLIC[family]) as browser:
        got = check_page(checks, browser, options, family, "www.example.org", "service")
        check_heavy(checks, options, family, got)
        checks.attempt(f"transfers over {family}", check_transfers, browser, options, family)
        checks.attempt(f"WebSocket over {family}", check_web_socket, browser, options, family)
        checks.attempt(f"requests over {family}", check_requests, options, family, started, before)
        check_page(checks, browser, options, family, "manage.example.org", "management")
        checks.note(f"Chromium {browser.version}: {got['agent']}")


def check_stranger(checks, options):
    """The same browser without the lab's authority must refuse: so the verification above is real."""
    checks.title("A browser that does not know the lab's authority")
    driver = Driver(f"{options.scratch}/stranger", 9516, f"{options.scratch}/stranger.log")
    with Browser(driver, f"{options.scratch}/profile-stranger", PUBLIC["IPv4"]) as browser:
        try:
            browser.go("https://www.example.org/browser/index.html")
            answer = "the page was shown"
        except WebDriverError as error:
            answer = str(error)
    checks.check(answer == "net::ERR_CERT_AUTHORITY_INVALID", f"refuses the page: {answer}")
    driver.stop()


def check_hellos(checks, options):
    """Each ClientHello must be with the server of its name as the browser sent it, and nowhere else."""
    checks.title("ClientHellos, by captures on the cables")
    sent, groups = hellos(f"{options.scratch}/client.pcap"), {}
    got = {server: {hello.data for hello in hellos(f"{options.scratch}/{server}.pcap")}
           for server in ("service", "management")}
    right = 0
    for hello in sent:
        groups.setdefault((hello.name, 6 if ":" in hello.source else 4), []).append(hello)
        servers = [server for server in got if hello.data in got[server]]
        right += servers == ["management" if hello.name.startswith("manage.") else "service"]
    checks.check(right == len(sent) > 0,
                 f"{right} of {len(sent)} reached their server, and only it, byte for byte")
    for (name, family), group in sorted(groups.items()):
        sizes = [len(hello.data) for hello in group]
        checks.note(f"{name} over IPv{family}: {len(group)} × {min(sizes)} to {max(sizes)} bytes in "
                    f"{'/'.join(sorted({str(hello.segments) for hello in group}))} segments, key shares "
                    f"{' + '.join(group[0].key_shares)}")
    curves = {line["curve"] for line in log_lines(options.state, "service", 0)}
    checks.note("nginx chose " + ", ".join(sorted(curves)))


def visit_held(checks, driver, options):
    """Last of all: its macro's hellos are no browser's, and the limit would hold the long page before."""
    checks.title("A person and a macro in a zone that limits requests")
    hold(options)
    for family, public in PUBLIC.items():
        checks.attempt(f"the limit over {family}", check_held, driver, options, family, public)


def run(checks, options):
    driver = Driver(f"{options.scratch}/home", 9515, f"{options.scratch}/chromedriver.log")
    for family in PUBLIC:
        checks.attempt(f"Chromium over {family}", visit, driver, options, family)
    checks.attempt("the stranger", check_stranger, options)
    checks.attempt("ClientHellos", check_hellos, options)
    checks.attempt("the limit", visit_held, driver, options)
    driver.stop()


def too_long(*_):
    raise OutOfTime


def main():
    options, checks = arguments(), Checks()
    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(options.seconds)
    started = time.monotonic()
    try:
        checks.attempt("the test", run, options)
    except OutOfTime:
        checks.check(False, f"not done after {options.seconds} s")
    print(f"\n{checks.passed} passed, {checks.failed} failed ({time.monotonic() - started:.1f} s)")
    return 1 if checks.failed or not checks.passed else 0


if __name__ == "__main__":
    sys.exit(main())
