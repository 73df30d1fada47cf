# SPDX-License-Identifier: BSD-3-Clause
"""A person's page beside a macro, in a zone that holds each source to some requests a second: the browser's page comes whole and
nothing of it is held back, while the macro, down one HTTP/2 connection, gets what its rate allows."""
import json
import subprocess
import time

from access_log import log_lines
from policy import damctl, put_in_force
from webdriver import Browser

NAME = "www.example.org"
RATE, BURST = 10, 20
MISSED = 5  # of a client so near, which asks again within two milliseconds, a few may have been taken for bodies
ASKED = 60
MACROS = {"IPv4": "198.51.100.77", "IPv6": "2001:db8:51:77::2"}
REASON = "source_requests"


def hold(options):
    """The lab's policy, in which the pages' zone has such a limit."""
    light = '  light:\n    per_source: {packets: "50kr/s burst=100k", '
    put_in_force(options, "held", lambda text: text.replace(light, light + f'requests: "{RATE}r/s burst={BURST}", ', 1))


def held_back(options, address):
    """How many of its packets were dropped for it, as the dam itself says."""
    known = json.loads(damctl(options, "explain", address, "--json"))
    return sum(drop["count"] for drop in known["drops"] if drop["reason"] == REASON)


def start_macro(options, public, address):
    host = f"[{public}]" if ":" in public else public
    words = ["curl", "-s", "--http2", "--max-time", "40", "--interface", address, "--cacert",
             f"{options.state}/authority/ca.pem", "--connect-to", f"{NAME}::{host}:443"]
    urls = [word for n in range(ASKED) for word in ("-o", "/dev/null", f"https://{NAME}/held/{n % 5}.txt")]
    return subprocess.Popen([*words, *urls], stdout=subprocess.DEVNULL)


def wait_until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)


def most_over(times):
    """By how many a run of them is beyond what the rate allows, at worst."""
    return max(last - first + 1 - BURST - RATE * (times[last] - times[first] + 0.05)
               for first in range(len(times)) for last in range(first, len(times)))


def check_macro(checks, options, family, started):
    lines = [line for line in log_lines(options.state, "service", started, ASKED) if line["client"] == MACROS[family]]
    times = sorted(line["msec"] for line in lines)
    held = held_back(options, MACROS[family])
    checks.check(len(times) == ASKED and most_over(times) <= MISSED and held > 0 and {line["protocol"] for line in lines} == {"HTTP/2.0"},
                 f"macro over {family}: {len(times)} of {ASKED} requests down one HTTP/2 connection took "
                 f"{times[-1] - times[0]:.1f} s at {RATE} a second, {BURST} at once; {held} packets held back")


def check_held(checks, driver, options, family, public):
    client, started = getattr(options, family.lower()), time.time()
    with Browser(driver, f"{options.scratch}/held-{family}", public) as browser, \
            start_macro(options, public, MACROS[family]) as macro:
        wait_until(lambda: held_back(options, MACROS[family]))
        going = macro.poll() is None
        browser.go(f"https://{NAME}/held/index.html")
        got = browser.result("report")
        going = going and macro.poll() is None
    parts, held = got["images"] + got["scripts"] + got["fetches"], held_back(options, client)
    checks.check(parts == got["wanted"] and held == 0 and going,
                 f"page over {family} beside a macro in a zone of {RATE} requests a second, {BURST} at once: {parts} of "
                 f"{got['wanted']} parts whole, {held} packets held back; all in {got['all_ms']:.0f} ms")
    check_macro(checks, options, family, started)
