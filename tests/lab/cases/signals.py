# SPDX-License-Identifier: BSD-3-Clause
"""What a real nginx tells by `access_log syslog:` bans its client in the service zones, within a second: the way to
management stays open, and others notice nothing. A server that somebody has taken bans no administrator, and few
others."""
import os
import signal
import socket
import time

from lib import netns, nginx, packet, suite
from lib.plan import plan
from lib.site import PUBLIC, SOURCES

PORT, UDP = 5514, 17
ADMIN = SOURCES[4][40]
PLAN = plan(
    zones={"service": {}, "bulk": {}, "slow": {"per_source": {"connections": "2r/s burst=100"}},
           "brisk": {"per_source": {"connections": "10r/s burst=2"}}, "management": {"management": True}}, admin=[ADMIN],
    timeouts={"hello": "3s", "connect": "2s", "probe_interval": "500ms"},
    add_listeners={"http": {"port": 80, "protocol": "http"}},
    add_servers={"pages": {"role": "service", "n": 11, "port": 8080, "start": False},
                 "office": {"role": "management", "n": 10, "port": 8080, "start": False}},
    add_routes=[{"name": "pages", "listener": "http", "names": ["pages.example"], "zone": "service",
                 "servers": ["pages"]},
                {"name": "bulk", "listener": "http", "names": ["bulk.example"], "zone": "bulk", "servers": ["pages"]},
                {"name": "slow", "listener": "http", "names": ["slow.example"], "zone": "slow", "servers": ["pages"]},
                {"name": "brisk", "listener": "http", "names": ["brisk.example"], "zone": "brisk", "servers": ["pages"]},
                {"name": "office", "listener": "http", "names": ["office.example"], "zone": "management",
                 "servers": ["office"]}])
RULES = [{"name": "honey", "path": ["/wp-login.php", "/.env"], "ban": "10m"},
         {"name": "probing", "status": [401, "403-404", 429], "rate": "6r/m burst=10", "ban": "10m"},
         {"name": "login", "class": "login", "rate": "1r/m burst=3", "ban": "10m"},
         {"name": "search", "class": "search", "charge": {"connections": 50}},
         {"name": "scan", "class": "scan", "throttle": {"to": "20%", "for": "10m"}}]
DAM_ONLY = True
COST = 40


def setup(site):
    site.home = nginx.make_home("signals")
    site.plan = None


def teardown(site):
    nginx.remove_home(site.home)


def _begin(site):
    """Once. With driver dpdk the edge's kernel has none of the dam's addresses: signals come by another cable."""
    if site.plan:
        return
    if site.front.on_xdp:
        site.ear, site.mouth, site.other = "198.18.1.1", "198.18.1.10", "198.18.1.12"
        sender = "service"  # the address that this host's kernel sends from
    else:
        site.ear, site.mouth, site.other = "198.18.6.1", "198.18.6.2", "198.18.6.3"
        sender = site.mouth
        netns.veth(site.service, "signals", site.edge, "signals")
        site.edge.ip("addr", "add", f"{site.ear}/24", "dev", "signals")
        for address in (site.mouth, site.other):
            site.service.ip("addr", "add", f"{address}/24", "dev", "signals")
    site.plan = {**PLAN, "signals": {"listen": f"{site.ear}:{PORT}", "from": [sender], "rules": RULES}}
    site.front.apply(site.plan)
    for role, address in (("service", "198.18.1.11"), ("management", "198.18.2.10")):
        _start_nginx(site, role, address)
    suite.eventually(lambda: _get(site, SOURCES[4][59], "/", "office.example") == 200, 10, "nginx")
    # What nginx has sent before anybody heard it was refused, and costs its next line.
    suite.eventually(lambda: _get(site, SOURCES[6][59], "/", family=6) == 200
                     and _metric(site, "dam_signals_accepted_total"), 10, "nginx's lines")


def _start_nginx(site, role, address):
    home = os.path.join(site.home, role)
    os.makedirs(home + "/html")
    with open(home + "/html/index.html", "w") as page:
        page.write("here\n")
    six = address.replace("198.18.", "2001:db8:").replace(".", "::")
    told = f"syslog:server={site.ear}:{PORT},nohostname,tag=nginx dam" if role == "service" else "off"
    nginx.start(site, getattr(site, role), home, f"""
  map $uri $dam_class {{ default -; ~^/login login; ~^/search search; ~^/scan scan; }}
  log_format dam 'dam client=$proxy_protocol_addr status=$status class=$dam_class path=$request_uri';
  access_log {told};
  server {{
    listen {address}:8080 proxy_protocol; listen [{six}]:8080 proxy_protocol;
    root {home}/html; error_page 404 /gone.html;
    location = /login {{ return 200 "in"; }} location = /search {{ return 200 "found"; }}
    location = /scan {{ return 200 "scanned"; }}
  }}""")


def _request(path, host):
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


def _answer(stream):
    """The status of the next answer; 0: there is none any more."""
    try:
        head = b""
        while b"\r\n\r\n" not in head:
            part = stream.sock.recv(1)
            if not part:
                return 0
            head += part
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while length > 0:
            length -= len(stream.sock.recv(length)) or length
        return int(head.split()[1])
    except OSError:
        return 0


def _get(site, source, path, host="pages.example", family=4):
    """The status; 0: no answer comes."""
    try:
        stream = site.open(source=source, family=family, port=80, timeout=1)
        stream.send(_request(path, host))
        return _answer(stream)
    except OSError:
        return 0


def _served_until(site, source, family):
    """When the first request began that got no answer."""
    first = begun = time.monotonic()
    while _get(site, source, "/", family=family):
        begun = time.monotonic()
        assert begun - first < 5, "no ban came"
    return begun


def _metric(site, name):
    lines = [line for line in site.front.metrics().splitlines() if line.startswith(name + " ")]
    return float(lines[0].split()[1]) if lines else None


def _bans(site):
    return {ban["source"]: ban for ban in site.front.json("bans")["bans"]}


def _free(site):
    """Nobody is banned, and the caps are new."""
    for source in _bans(site):
        site.front.damctl("unban", source)
    site.front.apply(PLAN)
    site.front.apply(site.plan)
    suite.eventually(lambda: _heard(site), 5, "signals heard again")


def _heard(site):
    """The listener may be away for a moment after a change of the policy."""
    before = _metric(site, "dam_signals_accepted_total")
    _say(site, f"dam client={SOURCES[4][58]} status=200 path=/")
    time.sleep(0.05)
    return _metric(site, "dam_signals_accepted_total") > before


def _say(site, text, sender=None, namespace=None):
    """A datagram as a server's nginx would send it."""
    with namespace or site.service, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((sender or site.mouth, 0))
        sock.sendto(f"<190>Nov 30 00:24:44 nginx: {text}".encode(), (site.ear, PORT))


@suite.each(family=[4, 6])
def test_honey(site, family):
    """a client that asks for a honey path is out of every service zone within a second; the management name answers
    it, and other clients are served"""
    _begin(site)
    source, other = SOURCES[family][2], SOURCES[family][3]
    assert _get(site, source, "/", family=family) == _get(site, source, "/", "bulk.example", family) == 200
    assert _get(site, source, "/a/..//wp%2Dlogin.php?x=1", family=family) == 404
    start = time.monotonic()
    with site.counted("zone_banned"):
        spent = _served_until(site, source, family) - start
    site.note(f"out within {spent * 1000:.0f} ms after its answer")
    assert spent < 1, spent
    assert not _get(site, source, "/", "bulk.example", family)
    assert _get(site, source, "/", "office.example", family) == 200, "management"
    assert _get(site, other, "/", family=family) == 200, "another client"
    (kept, ban), = _bans(site).items()
    assert kept == (f"{source}/32" if family == 4 else "2001:db8:c:3::/64"), kept
    assert (ban["origin"], ban["in_services"]) == ("signal honey", True), ban
    assert ban["author"] in ("service", site.mouth) and "404 /wp-login.php" in ban["reason"], ban
    said = site.front.damctl("explain", source)
    assert "of the service zones" in said, said
    site.front.damctl("unban", kept)
    suite.eventually(lambda: _get(site, source, "/", family=family) == 200, 3, "the way in again")
    _free(site)


def test_rate(site):
    """too many 404s on one connection end it; below the rate nothing happens, whatever the status"""
    _begin(site)
    source, quiet = SOURCES[4][4], SOURCES[4][5]
    assert [_get(site, quiet, "/no") for _ in range(8)] == [404] * 8
    stream = site.open(source=source, port=80, timeout=2)
    asked, begun = 0, time.monotonic()
    while time.monotonic() - begun < 10:  # a loaded machine takes its time; nginx answers thousands meanwhile
        try:
            stream.send(_request("/no", "pages.example"))
        except OSError:
            break
        if _answer(stream) != 404:
            break
        asked += 1
    spent = time.monotonic() - begun
    site.note(f"cut after {asked} answers, {spent * 1000:.0f} ms")
    assert asked >= 11 and spent < 10, (asked, spent)
    assert not _get(site, source, "/") and _get(site, quiet, "/") == 200
    assert _metric(site, 'dam_signal_rule_exceeded_total{rule="probing",outcome="banned"}') == 1
    _free(site)


def test_class(site):
    """the server's own word for a request counts: logins that answer 200"""
    _begin(site)
    source = SOURCES[4][6]
    for _ in range(4):
        _get(site, source, "/login")
    suite.eventually(lambda: not _get(site, source, "/"), 3, "the ban")
    assert _bans(site)[source + "/32"]["origin"] == "signal login"
    _free(site)


def test_charge(site):
    """a heavy request costs a source what its zone lets it do: it is slowed, not banned, and nobody else is"""
    _begin(site)
    source, other = SOURCES[4][7], SOURCES[4][8]
    charged = 'dam_signal_rule_exceeded_total{rule="search",outcome="charged"}'
    for count in (1, 2):  # then its hundred are spent
        assert _get(site, source, "/search", "slow.example") == 200
        suite.eventually(lambda: _metric(site, charged) == count, 5, "the charge")
    with site.counted("source_connections"):
        passed, begun = 0, time.monotonic()
        while time.monotonic() - begun < 5:
            passed += _get(site, source, "/", "slow.example") == 200
            time.sleep(0.05)  # the suite keeps each refused socket until the test's end
        site.note(f"{passed} in five seconds, at 2 a second")
    assert 3 <= passed <= 12, passed
    assert [_get(site, other, "/", "slow.example") for _ in range(30)] == [200] * 30, "another client"
    assert all(_get(site, source, "/", host) == 200 for host in ("bulk.example", "office.example") for _ in range(10))
    assert not _bans(site)


def _served_in(site, source, seconds, host):
    """How many of its requests, by turns of a twentieth of a second, are answered."""
    served, begun = 0, time.monotonic()
    while time.monotonic() - begun < seconds:
        turn = time.monotonic()
        served += _get_quickly(site, source, host)
        time.sleep(max(0, 0.05 - (time.monotonic() - turn)))
    return served


def _get_quickly(site, source, host):
    """True if it is answered within a tenth of a second: what is refused is not asked again."""
    try:
        with site.open(source=source, port=80, timeout=0.1) as stream:
            stream.send(_request("/", host))
            return _answer(stream) == 200
    except OSError:
        return False


def test_throttle(site):
    """a source over a rule has a fifth of its zone's rate for a while; others have all of it, and so has it when an
    operator takes the rule out"""
    _begin(site)
    source, other = SOURCES[4][9], SOURCES[4][10]
    before = _served_in(site, source, 4, "brisk.example")
    assert _get(site, source, "/scan") == 200
    suite.eventually(lambda: _metric(site, "dam_signal_throttled_sources") == 1, 5, "the throttle")
    said = site.front.damctl("explain", source)
    assert "it has 20% of the service zones' rates for another " in said and "(rule scan)" in said, said
    slowed = _served_in(site, source, 6, "brisk.example")
    beside = _served_in(site, other, 2, "brisk.example")
    site.note(f"{before / 4:.1f} a second before, {slowed / 6:.1f} slowed, another client {beside / 2:.1f}")
    assert slowed / 6 <= before / 4 / 2.5 and slowed >= 4, (before, slowed)
    assert beside / 2 >= 2 * slowed / 6, (beside, slowed)
    assert _get(site, source, "/", "office.example") == 200, "management"
    without = [rule for rule in RULES if rule["name"] != "scan"]
    site.front.apply({**site.plan, "signals": {**site.plan["signals"], "rules": without}})
    suite.eventually(lambda: _metric(site, "dam_signal_throttled_sources") == 0, 5, "its end")
    _free(site)


def test_stranger(site):
    """who is not named is not heard, nor is what is no line; both are counted"""
    _begin(site)
    def refused(why):
        return _metric(site, f'dam_signals_refused_total{{reason="{why}"}}')

    before, malformed = refused("stranger"), refused("malformed")
    _say(site, f"dam client={SOURCES[4][20]} path=/.env", sender=site.other)
    suite.eventually(lambda: refused("stranger") == before + 1, 5, "the stranger counted")
    _say(site, "dam client=me path=/.env")
    suite.eventually(lambda: refused("malformed") == malformed + 1, 5, "the bad line counted")
    assert not _bans(site) and _get(site, SOURCES[4][20], "/") == 200


def test_forged(site):
    """a client's datagram in a server's name comes in by the wrong link, and nobody hears it"""
    _begin(site)
    if not site.front.on_xdp:
        raise suite.Skipped("with driver dpdk the signals' address is on a cable of its own")
    text = f"<190>Nov 30 00:24:44 nginx: dam client={SOURCES[4][21]} path=/.env".encode()
    link = site.keep(site.link())
    datagram = b"".join(number.to_bytes(2, "big") for number in (514, PORT, 8 + len(text), 0)) + text
    heard = "dam_signals_accepted_total"
    before = _metric(site, heard)
    for _ in range(20):
        link.send(packet.ip_packet(site.mouth, site.ear, UDP, datagram))
    _say(site, f"dam client={SOURCES[4][22]} status=200 path=/")  # whoever is heard is heard after those
    suite.eventually(lambda: _metric(site, heard) == before + 1, 5, "the server's own")
    assert not _bans(site)


def test_outlives(site):
    """such a ban outlives kill -9 of both processes, and a dataplane that has forgotten everything hears of it again"""
    _begin(site)
    front, source = site.front, SOURCES[4][23]
    _say(site, f"dam client={source} path=/.env")
    suite.eventually(lambda: not _get(site, source, "/"), 3, "the ban")
    front.end(front.controlplane, signal.SIGKILL)
    assert not _get(site, source, "/")
    os.kill(front.worker_pid(), signal.SIGKILL)
    front.dataplane.wait(10)
    front.detach()
    front.start_dataplane("--fresh")
    front.start_controlplane()
    suite.eventually(lambda: front.try_damctl("status").returncode == 0, 10, "the control plane back")
    suite.eventually(lambda: _get(site, SOURCES[4][24], "/") == 200, 20, "others served")
    suite.eventually(lambda: not _get(site, source, "/"), 3, "the ban again")
    assert _get(site, source, "/", "office.example") == 200
    assert _bans(site)[source + "/32"]["origin"] == "signal honey"
    _free(site)


def test_taken_server(site):
    """a server that somebody has taken bans no administrator, no server and nobody at management, and others no faster
    than the policy lets it"""
    _begin(site)
    site.front.apply({**site.plan, "signals": {**site.plan["signals"], "most": {"bans_per_minute": 3}}})
    spared = 'dam_signal_rule_exceeded_total{rule="honey",outcome="spared"}'
    capped = 'dam_signal_rule_exceeded_total{rule="honey",outcome="capped"}'
    for address in (ADMIN, "198.18.1.10", "198.18.2.10", PUBLIC[4], "198.18.0.1"):
        _say(site, f"dam client={address} path=/.env")
    suite.eventually(lambda: _metric(site, spared) == 5, 5, lambda: f"five spared: {_metric(site, spared)}")
    assert not _bans(site) and _get(site, ADMIN, "/") == 200
    for n in range(10, 20):
        _say(site, f"dam client={SOURCES[4][n]} path=/.env")
    suite.eventually(lambda: _metric(site, capped) == 7, 5, lambda: f"seven capped: {_metric(site, capped)}")
    assert len(_bans(site)) == 3 and _get(site, SOURCES[4][13], "/") == 200
    assert all(_get(site, SOURCES[4][n], "/", "office.example") == 200 for n in range(10, 20))
    assert "bans_per_minute is reached" in site.front.damctl("events", "--kind", "ban", "-n", "100")
    _free(site)
