# SPDX-License-Identifier: BSD-3-Clause
"""A zone that limits requests, and a real nginx behind it: what the dam counts in the records of TLS clients is held
against nginx's own log. A macro inside one HTTP/2 connection keeps its rate; people beside it notice nothing."""
import os
import subprocess
import time

from lib import nginx, suite
from lib.plan import plan
from lib.site import PUBLIC, SOURCES

NAMES = {"held.example": "held", "counted.example": "counted"}
PORT, PLAIN = 8443, 8080
RATE, BURST, MISSED = 10, 20, 5
API_RATE, API_BURST = 2, 5
# Of forms: a body of HTTP/2 is a record such as a head is, and of eight down a connection one or two heads are taken for bodies.
FORMS_LEAST = {"--http2": 0.7, "--http1.1": 0.95}
PLAN = plan(
    zones={"service": {}, "management": {"management": True},
           "held": {"per_source": {"requests": f"{RATE}r/s burst={BURST}"}},
           "counted": {"total": {"requests": "1Mr/s burst=1M"}}, "pages": {},
           "api": {"per_source": {"requests": f"{API_RATE}r/s burst={API_BURST}"}}},
    timeouts={"hello": "3s", "connect": "2s", "probe_interval": "500ms"},
    add_listeners={"http": {"port": 80, "protocol": "http"}},
    add_servers={"web": {"role": "service", "n": 11, "port": PORT, "start": False},
                 "plain": {"role": "service", "n": 11, "port": PLAIN, "start": False}},
    add_routes=[{"name": zone, "listener": "https", "names": [name], "zone": zone, "servers": ["web"]} for name, zone in NAMES.items()] +
               [{"name": f"plain-{zone}", "listener": "http", "names": [name], "zone": zone, "servers": ["plain"]}
                for name, zone in NAMES.items()] +
               [{"name": f"paths-{zone}", "listener": "http", "names": ["paths.example"], "path": path, "zone": zone, "servers": ["plain"]}
                for path, zone in (("/", "pages"), ("/api/", "api"))])
DAM_ONLY = True
COST = 30


def setup(site):
    site.home = nginx.make_home("requests")
    site.begun = False


def teardown(site):
    nginx.remove_home(site.home)


def _begin(site):
    if site.begun:
        return
    site.begun = True
    home = site.home
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", home + "/key.pem", "-out", home + "/cert.pem", "-days", "2", "-subj", "/CN=example"],
                   check=True, capture_output=True)
    nginx.start(site, site.service, home, f"""
  log_format counted '$msec $host $server_protocol $proxy_protocol_addr $status $request_uri $connection';
  access_log {home}/access.log counted;
  ssl_certificate {home}/cert.pem; ssl_certificate_key {home}/key.pem; client_max_body_size 50m;
  server {{
    listen 198.18.1.11:{PORT} ssl http2 proxy_protocol; listen [2001:db8:1::11]:{PORT} ssl http2 proxy_protocol;
    location / {{ return 200 "an answer of some length, as answers are\\n"; }}
    location /take {{ proxy_pass http://127.0.0.1:{PORT}/; }}
  }}
  server {{
    listen 198.18.1.11:{PLAIN} proxy_protocol; listen [2001:db8:1::11]:{PLAIN} proxy_protocol;
    location / {{ return 200 "an answer of some length, as answers are\\n"; }}
    location /take {{ proxy_pass http://127.0.0.1:{PORT}/; }}
  }}
  server {{ listen 127.0.0.1:{PORT}; access_log off; location / {{ return 200 "taken, all of it\\n"; }} }}""")
    suite.eventually(lambda: "an answer" in _curl(site, "held.example", ["/"], SOURCES[4][59]), 15, "nginx")


def _curl(site, name, paths, source, more=(), http="--http2"):
    """What one process got, and so one connection: each path one after the other."""
    address = f"[{PUBLIC[6]}]" if ":" in source else PUBLIC[4]
    words = ["curl", "-sk", http, "--max-time", "60", "--interface", source, "--connect-to", f"{name}::{address}:443", *more,
             *[f"https://{name}{path}" for path in paths]]
    return site.client.run(*words, check=False, timeout=90)


def _log(site, name, since=0.0):
    with open(site.home + "/access.log") as log:
        lines = [line.split() for line in log]
    return [line for line in lines if line[1] == name and float(line[0]) >= since - 0.002]


def _counted(site, zone, run):
    """How many requests the dam has counted meanwhile, and nginx served."""
    before, since = site.front.counters().zone(zone)["requests"], time.time()
    run()
    time.sleep(0.1)  # nginx writes its line when the answer is out
    return site.front.counters().zone(zone)["requests"] - before, len(_log(site, f"{zone}.example", since))


@suite.each(family=[4, 6])
def test_macro(site, family):
    """a macro that asks again and again inside one connection gets what its rate allows, and no more; all of it is
    served in the end, for nothing was reset"""
    _begin(site)
    source, since, asked = SOURCES[family][7], time.time(), 50
    with site.counted("source_requests"):
        got = _curl(site, "held.example", [f"/item/{n}" for n in range(asked)], source)
    assert got.count("an answer") == asked, got
    times = sorted(float(line[0]) for line in _log(site, "held.example", since))
    assert len(times) == asked, len(times)
    # Of a client so near, which asks again within two milliseconds, a few may have been taken for bodies.
    for first in range(asked):
        for last in range(first, asked):
            allowed = BURST + MISSED + RATE * (times[last] - times[first] + 0.05)
            assert last - first + 1 <= allowed, (first, last, times[last] - times[first])
    site.note(f"{asked} requests in {times[-1] - times[0]:.1f} s")


@suite.each(family=[4, 6])
def test_person(site, family):
    """a page with fifteen parts loads at once in the same zone, whatever a macro does beside it"""
    _begin(site)
    macro = site.client.popen(["curl", "-sk", "--http2", "--max-time", "20", "--interface", SOURCES[4][8], "--connect-to",
                               f"held.example::{PUBLIC[4]}:443",
                               *[f"https://held.example/item/{n}" for n in range(60)]],
                              stdout=subprocess.DEVNULL, start_new_session=True)
    site.children.append(macro)
    start = time.monotonic()
    got = _curl(site, "held.example", [f"/part/{n}" for n in range(15)], SOURCES[family][9])
    spent = time.monotonic() - start
    macro.terminate()
    macro.wait(10)
    assert got.count("an answer") == 15 and spent < 2, (got, spent)


@suite.each(http=["--http2", "--http1.1"], tls=["1.2", "1.3"])
def test_counts(site, http, tls):
    """GETs one after the other, as curl and nginx speak: nginx's log and the dam's count differ by little, and the dam's
    is never the greater one"""
    _begin(site)
    # A pause between them: what follows within two milliseconds may be a body.
    counted, served = _counted(site, "counted", lambda: _curl(
        site, "counted.example", [f"/item/{n}" for n in range(100)], SOURCES[4][10], ("--tls-max", tls, "--rate", "200/s"), http))
    site.note(f"{counted} of {served} ({100 * counted / served:.0f} %)")
    assert served == 100 and 95 <= counted <= served, (counted, served)


@suite.each(http=["--http2", "--http1.1"])
def test_bodies(site, http):
    """forms and uploads are one request each, large ones too"""
    _begin(site)
    with open(site.home + "/large", "wb") as large:
        large.write(os.urandom(3_000_000))

    def post():
        for n in range(5):
            _curl(site, "counted.example", ["/take"] * 8, SOURCES[4][11], ("-d", f"name=value{n}&text=" + "x" * 40 * n), http)
        _curl(site, "counted.example", ["/take"], SOURCES[4][11], ("-T", site.home + "/large"), http)
        _curl(site, "counted.example", ["/take"], SOURCES[4][11],
              ("-T", site.home + "/large", "--limit-rate", "4M"), http)

    counted, served = _counted(site, "counted", post)
    site.note(f"{counted} of {served} ({100 * counted / served:.0f} %)")
    assert served == 42 and FORMS_LEAST[http] * served <= counted <= served, (counted, served)


def _plain(site, name, words, source):
    address = f"[{PUBLIC[6]}]" if ":" in source else PUBLIC[4]
    return site.client.run("curl", "-s", "--max-time", "60", "--interface", source, "--connect-to", f"{name}::{address}:80",
                           *words, check=False, timeout=90)


@suite.each(family=[4, 6])
def test_plain_counts(site, family):
    """without TLS: GETs, forms and uploads, in chunks too, on living connections; the dam counts what nginx does, exactly"""
    _begin(site)
    with open(site.home + "/form", "wb") as body:
        body.write(b"GET /not HTTP/1.1\r\nHost: a\r\n\r\n" * 20_000)
    pages = [f"http://counted.example/item/{n}" for n in range(60)]
    take = [f"http://counted.example/take?{n}" for n in range(8)]
    chunks = ("-H", "Transfer-Encoding: chunked", "-H", "Expect:")

    def ask():
        for words in (pages, ["-d", "name=value", *take], ["-T", site.home + "/form", *take[:2]],
                      [*chunks, "-T", site.home + "/form", take[0]], [*chunks, "-d", "name=value", *take], pages[:9]):
            _plain(site, "counted.example", words, SOURCES[family][12])

    counted, served = _counted(site, "counted", ask)
    assert counted == served == 60 + 8 + 2 + 1 + 8 + 9, (counted, served)


def test_plain_macro(site):
    """without TLS: what is over the rate waits, on one connection and on many"""
    _begin(site)
    since, asked = time.time(), 45
    with site.counted("source_requests"):
        got = _plain(site, "held.example", [f"http://held.example/item/{n}" for n in range(asked)], SOURCES[4][13])
    assert got.count("an answer") == asked, got
    times = sorted(float(line[0]) for line in _log(site, "held.example", since))
    assert len(times) == asked, len(times)
    times[0] = since  # it was charged before its server was asked, and nginx writes when it is answered
    for first in range(asked):
        for last in range(first, asked):
            allowed = BURST + 1 + RATE * (times[last] - times[first] + 0.05)
            assert last - first + 1 <= allowed, (first, last, times[last] - times[first])


def test_plain_pipeline(site):
    """without TLS: requests that come in one segment count each, and those cut into pieces once"""
    _begin(site)
    request = b"GET /item HTTP/1.1\r\nHost: counted.example\r\n\r\n"

    def ask():
        client = site.open(port=80)
        client.send(request * 7)
        for piece in (request[:5], request[5:21], request[21:] + request + request[:9], request[9:]):
            time.sleep(0.02)
            client.send(piece)
        got = b""
        while got.count(b"an answer") < 10:
            got += client.sock.recv(65536)
        client.sock.close()

    counted, served = _counted(site, "counted", ask)
    assert counted == served == 10, (counted, served)


@suite.each(family=[4, 6], first=["/static/", "/api/"])
def test_plain_paths(site, family, first):
    """without TLS: down one connection the strict path is held to its own zone's rate, and the others pass at once, whichever of
    them came first"""
    _begin(site)
    before, since, source = site.front.counters().zone("api")["requests"], time.time(), SOURCES[family][14 if first == "/api/" else 15]
    paths = [first, *["/static/early"] * 20, *["/api/item"] * 9, *["/static/late"] * 20]
    with site.counted("source_requests"):
        got = _plain(site, "paths.example", [f"http://paths.example{path}" for path in paths], source)
    lines = _log(site, "paths.example", since)
    assert got.count("an answer") == len(lines) == len(paths), (got, lines)
    assert len({line[6] for line in lines}) == 1, "more than one connection"
    times = {part: [float(line[0]) for line in lines if line[5].startswith(part)] for part in ("/api/", "/static/early", "/static/late")}
    assert site.front.counters().zone("api")["requests"] - before == len(times["/api/"])
    for part in ("/static/early", "/static/late"):
        assert times[part][-1] - times[part][0] < 0.5, times[part]
    api = times["/api/"]
    for first_at in range(len(api)):
        for last_at in range(first_at, len(api)):
            allowed = API_BURST + 1 + API_RATE * (api[last_at] - api[first_at] + 0.05)
            assert last_at - first_at + 1 <= allowed, (first_at, last_at, api)
    site.note(f"{len(api)} of /api/ in {api[-1] - api[0]:.1f} s")


def test_plain_paths_pipeline(site):
    """without TLS: requests for several zones in one segment, and heads in pieces, count where nginx's log has them"""
    _begin(site)
    before, since = {zone: site.front.counters().zone(zone)["requests"] for zone in ("api", "counted", "pages")}, time.time()
    ask = {"pages": b"GET /page HTTP/1.1\r\nHost: paths.example\r\n\r\n", "api": b"GET /%61pi/x?y HTTP/1.1\r\nHost: paths.example\r\n\r\n",
           "counted": b"GET /item HTTP/1.1\r\nHost: counted.example\r\n\r\n"}
    client = site.open(port=80, source=SOURCES[4][16])
    client.send(ask["pages"] + ask["api"] + ask["counted"] + ask["pages"] + ask["api"][:7])
    for piece in (ask["api"][7:30], ask["api"][30:] + ask["counted"] + ask["counted"][:-1], ask["counted"][-1:]):
        time.sleep(0.02)
        client.send(piece)
    got = b""
    while got.count(b"an answer") < 7:
        got += client.sock.recv(65536)
    client.sock.close()
    time.sleep(0.1)  # nginx writes its line when the answer is out
    counted = {zone: site.front.counters().zone(zone)["requests"] - before[zone] for zone in before}
    lines = _log(site, "paths.example", since) + _log(site, "counted.example", since)
    served = {zone: sum(line[5].startswith(path) for line in lines) for zone, path in (("api", "/%61pi/"), ("counted", "/item"))}
    assert counted == {"api": 2, "counted": 3, "pages": 0} == {**served, "pages": 0}, (counted, served)
