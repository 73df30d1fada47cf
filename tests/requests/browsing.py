# SPDX-License-Identifier: BSD-3-Clause
"""What headless Chromium does: pages with many parts, fetches, forms, beacons and uploads, then small pages; a WebSocket."""
import contextlib
import itertools
import os
import random
import shutil

from lib.site import PUBLIC
from pages import png  # of tests/browser
from place import HERE, host
from webdriver import Browser, Driver, WebDriverError, trust

PAGES, SMALL_PAGES, MESSAGES = 3, 12, 200
IMAGES, SCRIPTS, STYLES, FETCHES = 30, 12, 3, 10  # of a page
PARTS = IMAGES + SCRIPTS + STYLES + FETCHES
NUMBERS = itertools.count()
DICE = random.Random(7)


def _write(folder, name, data):
    with open(f"{folder}/{name}", "wb") as file:
        file.write(data)


def _some():
    """Parts are of a few hundred octets to 40,000."""
    return DICE.randbytes(int(300 * 133 ** DICE.random()))


def _page(folder, images, scripts, styles, fetches, acts):
    os.makedirs(folder)
    for n in range(images):
        _write(folder, f"{n}.png", png(DICE.randbytes(24 * 24 * 3)) + _some())  # what follows its end is not looked at
    for n in range(scripts):
        _write(folder, f"{n}.js", b"// " + _some().hex().encode())
    for n in range(styles):
        _write(folder, f"{n}.css", b"/* " + _some().hex().encode() + b" */")
    for n in range(fetches):
        _write(folder, f"{n}.bin", _some())
    parts = [f'<link rel="stylesheet" href="{n}.css">' for n in range(styles)] + \
            [f'<script defer src="{n}.js"></script>' for n in range(scripts)] + [f'<img src="{n}.png">' for n in range(images)]
    act = f"<script>const fetches = {[f'{n}.bin' for n in range(fetches)]};</script><script src=\"/page.js\"></script>"
    _write(folder, "index.html", ('<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">' + (act if acts else "") +
                                  "\n".join(parts)).encode())


def prepare(place):
    www = place.home + "/www"
    if os.path.exists(www + "/page.js"):
        return
    for n in range(PAGES):
        _page(f"{www}/page{n}", IMAGES, SCRIPTS, STYLES, FETCHES, True)
    for n in range(SMALL_PAGES):
        _page(f"{www}/small{n}", 5, 1, 1, 0, False)
    os.makedirs(f"{www}/quiet")
    _write(f"{www}/quiet", "index.html", b'<!doctype html><link rel="icon" href="data:,"><script src="/page.js"></script>')
    place.file("www/large.bin", 3_000_000)
    shutil.copy(os.path.join(HERE, "page.js"), www)
    trust(place.home + "/browser", place.home + "/ca.pem")


@contextlib.contextmanager
def chromium(place, switches=()):
    """A fresh one, so that it has no connection and nothing kept."""
    prepare(place)
    number = next(NUMBERS)
    with place.site.client:  # what is started here is there
        driver = Driver(place.home + "/browser", 9515, f"{place.home}/driver{number}.log")
        try:
            with Browser(driver, f"{place.home}/profile{number}", PUBLIC[4], more=switches) as browser:
                yield browser
        finally:
            driver.stop()


def visits(name, *switches):
    def run(place):
        with chromium(place, switches) as browser:
            for n in range(PAGES):
                browser.go(f"https://{host(name)}/page{n}/index.html")
                if browser.result("acted") is not True:
                    raise WebDriverError("the page did not do its part")
            for n in range(SMALL_PAGES):
                browser.go(f"https://{host(name)}/small{n}/index.html")
    return run


def one_page(name):
    """All of it in one burst, down a connection that is new: much of the first one's luck."""
    def run(place):
        with chromium(place) as browser:
            browser.go(f"https://{host(name)}/page0/index.html")
            browser.result("acted")
    return run


def behind_a_page(script):
    """What the page is told to do alone is measured. It has asked for its two parts one after the other: of a burst some
    may wait, and count when the server speaks again, and would be taken for requests that there were not."""
    def measured(place, measure):
        with chromium(place) as browser:
            browser.go(f"https://{host('h2')}/quiet/index.html")
            browser.result("acted")
            return measure(lambda _: browser.result(script))
    return measured


def rows_behind_a_page():
    yield (f"Chromium, a WebSocket of {MESSAGES} messages of 5 to 1,208 octets, each answered at once",
           behind_a_page(f"chat('wss://{host('h2')}/echo', {MESSAGES})"))
    yield "Chromium, HTTP/2, 3 MB up beside 3 MB down", behind_a_page("upAndDown().then(() => true)")


def rows(with_node):
    what = f"{PAGES} pages of {PARTS} parts, fetches, forms, beacons, uploads, {SMALL_PAGES} small pages"
    for name, http in (("h2", "HTTP/2"), ("h1", "HTTP/1.1")):
        more = () if name == "h2" else ("--disable-http2",)
        yield f"Chromium, {http}, TLS 1.2: {what}", visits(name + "-tls12", *more)
        yield f"Chromium, {http}, TLS 1.3, the same", visits(name, *more)
    yield f"Chromium, HTTP/2, TLS 1.3, one such page of {PARTS} parts", one_page("h2")
    yield "Chromium, HTTP/1.1 of a server without HTTP/2, which was offered, the same", visits("h1")
    if with_node:
        yield "Chromium, HTTP/2 of Node, whose answers come in two records, the same", visits("node")
