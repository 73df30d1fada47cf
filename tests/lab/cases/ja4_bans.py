# SPDX-License-Identifier: BSD-3-Clause
"""Bans of kinds of clients by JA4, with real ones: curl's kind is shut out of the service, what stands of it too; OpenSSL's
s_client goes on beside it, and management answers both."""
import ipaddress
import json
import os
import re
import signal
import subprocess
import time

from lib import hello, ja4, log_lines, nginx, suite
from lib.plan import plan
from lib.restart import dead
from lib.site import PUBLIC, SOURCES, management_address, service_address
from lib.stream import transfer

PLAN = plan(add_servers={"service": {"role": "service", "n": 10, "port": 443, "start": False},
                         "management": {"role": "management", "n": 10, "port": 443, "start": False},
                         "plain": {"role": "service", "n": 11, "port": 443}},
            add_routes=[{"name": "plain", "listener": "https", "names": ["plain.example"], "zone": "service",
                         "servers": ["plain"]}])
DAM_ONLY = True
COST = 25
BIG = 64 << 20
HITS = "It hits [1-4] living connections? of [12] sources? "  # those of the run before may be closing yet
HIT = "It hits [0-4] living connections? of [0-2] sources? "  # they are counted when the ban has ended some
NEW_S, STANDING_S = 2, 5  # as OPERATING.md says; damctl's and curl's own time is in the first


def setup(site):
    site.home = nginx.make_home("ja4-bans")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", site.home + "/key.pem", "-out", site.home + "/cert.pem", "-days", "2", "-subj", "/CN=example"],
                   check=True, capture_output=True)
    for role, addresses in (("service", service_address(10)), ("management", management_address(10))):
        home = f"{site.home}/{role}"
        os.mkdir(home)
        with open(home + "/index.html", "w") as page:
            page.write(f"this is {role}\n")
        with open(home + "/big", "wb") as big:
            big.truncate(BIG)
        nginx.start(site, getattr(site, role), home, f"""
  access_log off; ssl_certificate {site.home}/cert.pem; ssl_certificate_key {site.home}/key.pem;
  server {{
    listen {addresses[4]}:443 ssl http2 proxy_protocol; listen [{addresses[6]}]:443 ssl http2 proxy_protocol; root {home};
  }}""")
    time.sleep(0.4)


def teardown(site):
    nginx.remove_home(site.home)


def _curl_words(name, family, source, path="/", *more):
    address = f"[{PUBLIC[6]}]" if family == 6 else PUBLIC[4]
    return ["curl", "-sSk", "--max-time", "30", "--interface", source, "--connect-to", f"{name}::{address}:443", *more,
            f"https://{name}{path}"]


def _curl(site, name, family, source):
    """Its output and its exit code."""
    process = site.client.popen(_curl_words(name, family, source), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return process.communicate(timeout=40)[0], process.returncode


def _s_client(site, name, family):
    address = f"[{PUBLIC[6]}]" if family == 6 else PUBLIC[4]
    return site.client.run("openssl", "s_client", "-connect", address + ":443", "-servername", name, "-quiet", "-ign_eof",
                           check=False, timeout=20, input=f"GET / HTTP/1.0\r\nHost: {name}\r\n\r\n")


def _flow_of(site, source):
    flows = json.loads(site.front.damctl("flows", "--json", "--client", source))["flows"]
    return next((flow for flow in flows if flow["state"] == "established"), None)


def _ban(site, family, kind, download):
    front, source = site.front, SOURCES[family][5]
    with site.counted("banned_fingerprint", at_least=2):
        start = time.monotonic()
        said = front.damctl("ban", "--ja4", kind, "--for", "10m", "--why", "a macro's")
        assert re.search(HIT, said) and f"{kind} is banned from the service zones" in said, said
        output, code = _curl(site, "service.example", family, source)
        spent = time.monotonic() - start
        assert code == 35 and "this is" not in output, (output, code)  # the handshake was reset
        assert download.wait(3 * STANDING_S) != 0
        cut = time.monotonic() - start
    site.note(f"another refused {spent * 1000:.0f} ms after the word, the download cut after {cut * 1000:.0f} ms")
    assert spent < NEW_S, spent
    assert cut < STANDING_S, cut  # what stands is found by the sweep, and its curl looks up once a second
    assert "this is service" in _s_client(site, "service.example", family), "another kind"
    assert _curl(site, "management.example", family, source) == ("this is management\n", 0)
    assert kind in front.damctl("bans") and "a macro's" in front.damctl("bans")
    words = suite.eventually(lambda: next((said for said in [front.damctl("explain", source)] if kind + " is banned" in said), None),
                             3, "explained")
    assert "damctl unban" in words, words
    lines = suite.eventually(lambda: [one for one in log_lines.lines_in(front.log_folder, "refusal")
                                      if one["reason"] == "banned_fingerprint" and one.get("ja4") == kind and
                                      ipaddress.ip_address(source) in ipaddress.ip_network(one["client"])], 20, "its line")
    assert lines[0]["zone"] == "service" and lines[0]["proven"], lines


@suite.each(family=[4, 6])
def test_real_clients(site, family):
    """curl's kind is banned while it downloads: refused within a second, cut within five; s_client and management notice nothing"""
    front, source = site.front, SOURCES[family][5]
    download = site.client.popen(_curl_words("service.example", family, source, "/big", "--limit-rate", "1M", "-o", "/dev/null"),
                                 start_new_session=True)
    site.children.append(download)
    kind = suite.eventually(lambda: _flow_of(site, source), 5, "the download")["ja4"]
    shown = front.damctl("ban", "--ja4", kind, "--dry-run")
    assert re.search(HITS, shown) and "Nobody is banned" in shown, shown
    assert _curl(site, "service.example", family, source) == ("this is service\n", 0) and download.poll() is None
    try:
        _ban(site, family, kind, download)
    finally:
        front.damctl("unban", kind)
    suite.eventually(lambda: _curl(site, "service.example", family, source)[1] == 0, 3, "curl let in")


def test_refused_hellos_are_named(site):
    """what a hello is refused for is told with its fingerprint, in the log and where an address is explained"""
    source, text = SOURCES[4][9], hello.client_hello("nobody.example", alpn=["acme-tls/1"])
    site.expect_refused(text, "no_route", source=source)
    drops = suite.eventually(lambda: json.loads(site.front.damctl("explain", source, "--json"))["drops"], 3, "its drop")
    assert drops[0]["reason"] == "no_route" and drops[0]["ja4"] == ja4.of(text), drops
    line = suite.eventually(lambda: next((one for one in log_lines.lines_in(site.front.log_folder, "refusal")
                                          if one.get("client") == source), None), 20, "its line")
    assert line["reason"] == "no_route" and line["ja4"] == ja4.of(text), line


def test_outlives(site):
    """such a ban is in force again after kill -9 of the dataplane without a control plane, and ends by itself"""
    front, text = site.front, hello.client_hello("plain.example", tls13=False)
    plain, kind = site.servers["plain"], ja4.of(text)
    site.finish(*site.connect(text=text, server=plain))
    front.damctl("ban", "--ja4", kind, "--for", "15s")
    front.end(front.controlplane, signal.SIGKILL)
    try:
        os.kill(front.worker_pid(), signal.SIGKILL)
        front.dataplane.wait(10)
        front.start_dataplane()
        suite.eventually(front.has_policy, 20, "the saved policy")
        other = hello.client_hello("plain.example")
        suite.eventually(lambda: _passes(site, other, plain), 10, "another kind")
        assert not _passes(site, text, plain), "the ban is gone with the process"
        suite.eventually(lambda: _passes(site, text, plain), 20, "the end of the ban")
    finally:
        front.start_controlplane()
        suite.eventually(lambda: front.try_damctl("status").returncode == 0, 10, "the control plane back")
    assert kind not in front.damctl("bans")


def _refused(site, text):
    try:
        site.expect_refused(text, "banned_fingerprint", source=SOURCES[4][7])
    except AssertionError:
        return False
    return True


def test_left_by_a_dataplane_before(site):
    """what a dataplane that was killed has left of a kind is known by its fingerprint under the next one: its ban refuses new
    connections within two seconds and ends that one within five; another kind's goes on"""
    front, plain = site.front, site.servers["plain"]
    text, other = hello.client_hello("plain.example", alpn=["left/1"]), hello.client_hello("plain.example", alpn=["other/1"])
    kind = ja4.of(text)
    left, stays = site.connect(text=text, server=plain), site.connect(text=other, server=plain)
    with dead(site):
        pass
    for client, server in (left, stays):
        transfer(client, server, 10_000)
    flows = json.loads(front.damctl("flows", "--json", "--ja4", kind))["flows"]
    assert [flow["client_port"] for flow in flows] == [left[0].sock.getsockname()[1]], flows
    start = time.monotonic()
    front.damctl("ban", "--ja4", kind, "--for", "10m")
    try:
        suite.eventually(lambda: _refused(site, text), NEW_S, "another of its kind refused")
        refused = time.monotonic() - start
        left[0].expect_closed(STANDING_S)
        ended = time.monotonic() - start
        site.note(f"another refused {refused * 1000:.0f} ms after the word, what was left ended after {ended * 1000:.0f} ms")
        assert refused < NEW_S and ended < STANDING_S, (refused, ended)
        transfer(*stays, 10_000)
        site.finish(*stays)
    finally:
        front.damctl("unban", kind)


def test_list(site):
    """an exported list bans the kinds in it again, with their ends and reasons; one that is wrong says where, and changes nothing"""
    front, plain, file = site.front, site.servers["plain"], os.path.join(site.home, "bans.txt")
    text = hello.client_hello("plain.example", alpn=["list/1"])
    kind = ja4.of(text)
    front.damctl("ban", "--ja4", kind, "--for", "10m", "--why", "a macro's")
    front.damctl("ban", "203.0.113.7", "--for", "10m")
    exported = front.damctl("bans", "export")
    front.damctl("unban", kind)
    front.damctl("unban", "203.0.113.7")
    assert _passes(site, text, plain)
    with open(file, "w") as out:
        out.write(exported + "*_*_*\n  t13d1516h2 no fingerprint\n")
    wrong = front.try_damctl("bans", "import", file)
    assert wrong.returncode == 1 and "bans.txt:3:1: error" in wrong.stderr and "bans.txt:4:3: error" in wrong.stderr, wrong
    assert _passes(site, text, plain)
    with open(file, "w") as out:
        out.write(exported)
    front.damctl("bans", "import", file)
    try:
        site.expect_refused(text, "banned_fingerprint")
        assert front.damctl("bans", "export") == exported
    finally:
        front.damctl("unban", kind)
        front.damctl("unban", "203.0.113.7")


def _passes(site, text, server):
    try:
        site.finish(*site.connect(text=text, server=server, server_timeout=1))
    except (OSError, AssertionError, TimeoutError):
        return False
    return True


def test_unreadable(site):
    """what is no pattern is refused with what would be right, and everybody takes --force"""
    for pattern in ("t13d1516h2", "t13d1516h2_8daaf6152771", "*_8DAAF6152771_*"):
        refused = site.front.try_damctl("ban", "--ja4", pattern)
        assert refused.returncode == 1 and "three parts between _" in refused.stderr, refused
    refused = site.front.try_damctl("ban", "--ja4", "*_*_*")
    assert refused.returncode == 1 and "every TLS client" in refused.stderr, refused
    assert site.front.try_damctl("ban", "203.0.113.7", "--ja4", "*_8daaf6152771_*").returncode != 0
    assert not json.loads(site.front.damctl("bans", "--json"))["fingerprints"]
