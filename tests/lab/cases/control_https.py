# SPDX-License-Identifier: BSD-3-Clause
"""Steering from afar: certificates, profiles, tokens and roles over real TLS from the management network, and
what strangers there can and cannot do."""
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time

from lib import suite
from lib.office import HOST, PORT, folder, open_office, profile, restart
from lib.plan import plan

PLAN = plan(zones={"service": {}, "management": {"management": True}}, timeouts={"probe_interval": "500ms"})
DAM_ONLY = True
COST = 30
NOBODY, DAM_GROUP = 65534, 64999


def _start(site):
    """The control plane with HTTPS on a management cable, and alice (operator) and root's admin enrolled."""
    return open_office(site, {"alice": "operator", "boss": "admin"})


def _afar(site, name, *words):
    """damctl on the management server; whoever has that profile."""
    process = site.management.popen([site.front.programs["damctl"], "--profile", profile(site.front, name), *words],
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    out, err = process.communicate(timeout=30)
    return subprocess.CompletedProcess(words, process.returncode, out, err)


def _curl(site, path, *words):
    """The status and the text of an answer."""
    process = site.management.popen(["curl", "-s", "--max-time", "20", "--cacert", os.path.join(folder(site.front), "ca.pem"),
                                     "-w", "\n%{http_code}", *words, f"https://{HOST}:{PORT}{path}"],
                                    stdout=subprocess.PIPE, text=True)
    text, _, status = process.communicate(timeout=30)[0].rpartition("\n")
    return int(status), text


def test_enrolled(site):
    """whoever is enrolled steers from the management network by a profile, as far as the role goes, and the audit
    log tells who did what from where, after a kill -9 too"""
    front = _start(site)
    assert "dataplane" in _afar(site, "alice", "status").stdout
    said = _afar(site, "alice", "whoami").stdout
    assert said == "alice, operator, from 198.18.5.2\n", said
    done = _afar(site, "alice", "zone", "set", "service", "per_source.connections=7r/s burst=70")
    assert done.returncode == 0, done
    zones = json.loads(front.damctl("zones", "--json"))["zones"]
    assert "7r/s burst=70" in str(zones), zones
    done = _afar(site, "alice", "apply", "-f", front.yaml)
    assert done.returncode == 1 and "this needs admin" in done.stderr, done
    assert _afar(site, "boss", "apply", "-f", front.yaml).returncode == 0
    restart(front, signal.SIGKILL)
    changes = json.loads(_afar(site, "boss", "audit", "--json").stdout)["changes"]
    told = [(one["name"], one["role"], one["address"], one["method"], one["status"]) for one in changes]
    assert ("alice", "operator", "198.18.5.2", "PATCH", 200) in told, told
    assert ("boss", "admin", "198.18.5.2", "POST", 200) in told, told
    assert ("root", "admin", "", "POST", 201) in told, told
    assert "7r/s" in str([one["what"] for one in changes]), changes
    assert "alice" in _afar(site, "alice", "audit", "--refused").stdout


def test_keys_are_private(site):
    """the authority's key stays on the dam, readable by root alone, and is in no profile"""
    front = _start(site)
    assert os.stat(folder(front)).st_mode & 0o7777 == 0o700
    for name in os.listdir(folder(front)):
        assert os.stat(os.path.join(folder(front), name)).st_mode & 0o7777 == 0o600, name
    with open(os.path.join(folder(front), "ca.key")) as handle:
        secret = handle.read().splitlines()[1]
    with open(profile(front, "alice")) as handle:
        assert secret not in handle.read()
    assert os.stat(profile(front, "alice")).st_mode & 0o7777 == 0o600


def test_revoked(site):
    """a revoked certificate is refused at once, in words, and its stream of events ends; another one of the same
    person is not"""
    front = _start(site)
    for name in ("carol", "carol2"):
        front.damctl("enroll", "carol", "--role", "viewer", "-o", profile(front, name))
    clients = json.loads(front.damctl("clients", "--json"))["clients"]
    first = [one["fingerprint"] for one in clients if one["name"] == "carol"][0]
    assert _afar(site, "carol", "status").returncode == 0
    front.damctl("zone", "set", "service", "mode=enforce")  # an event, at least
    follower = site.management.popen(
        [front.programs["damctl"], "--profile", profile(front, "carol"), "events", "--follow", "--json", "--after",
         "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert json.loads(follower.stdout.readline())["number"] >= 1
    front.damctl("clients", "revoke", first)
    began = time.monotonic()
    _, words = follower.communicate(timeout=20)
    assert follower.returncode == 1 and "was revoked" in words, (follower.returncode, words)
    site.note(f"its stream ended {time.monotonic() - began:.1f} s later")
    done = _afar(site, "carol", "status")
    assert done.returncode == 1 and "was revoked" in done.stderr, done
    assert _afar(site, "carol2", "status").returncode == 0
    assert "revoked" in front.damctl("clients")


def test_tokens(site):
    """curl with a token gets what the token's role may, without one a 401 that says what to do; a removed token
    opens nothing"""
    front = _start(site)
    token = front.damctl("token", "add", "ci", "--role", "viewer", "--days", "1").strip()
    bearer = ("-H", f"Authorization: Bearer {token}")
    assert _curl(site, "/v1/status", *bearer)[0] == 200
    assert _curl(site, "/metrics", *bearer)[0] == 200
    assert _curl(site, "/v1/policy/confirm", "-d", "", *bearer)[0] == 403
    status, text = _curl(site, "/v1/status")
    assert status == 401 and "damctl enroll" in text, text
    assert "ci" in front.damctl("token", "list")
    front.damctl("token", "remove", "ci")
    assert _curl(site, "/v1/status", *bearer)[0] == 401


def test_strange_tls(site):
    """TLS 1.2 is not spoken, a certificate of another authority does not get in, and damctl believes no server
    but the dam"""
    front = _start(site)
    assert _curl(site, "/healthz", "--tls-max", "1.2")[0] == 0
    assert _curl(site, "/healthz", "--tlsv1.3")[0] == 200
    other = os.path.join(front.directory, "other")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=alice", "-keyout", other + ".key", "-out", other + ".pem"], check=True, capture_output=True)
    assert _curl(site, "/healthz", "--cert", other + ".pem", "--key", other + ".key")[0] == 0
    with open(profile(front, "alice")) as handle:
        known = json.load(handle)
    with open(other + ".pem") as handle:
        known["authority"] = handle.read()
    with open(profile(front, "misled"), "w") as handle:
        json.dump(known, handle)
    done = _afar(site, "misled", "status")
    assert done.returncode == 3 and "no certificate of this profile's authority" in done.stderr, done


def _serial(site):
    process = site.management.popen(["openssl", "s_client", "-connect", f"{HOST}:{PORT}", "-tls1_3"], stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    pem = process.communicate(timeout=20)[0]
    return subprocess.run(["openssl", "x509", "-noout", "-serial"], input=pem, text=True, check=True,
                          capture_output=True).stdout


def test_renewed(site):
    """the server's certificate is renewed while it runs: new connections see it, enrolled people notice nothing"""
    front = _start(site)
    before = _serial(site)
    assert "Made the server's certificate" in front.damctl("enroll", "--renew", "--tls", folder(front))
    suite.eventually(lambda: _serial(site) != before, 15, "the new certificate")
    assert _afar(site, "alice", "status").returncode == 0
    with open(os.path.join(front.directory, "controlplane.log")) as handle:
        assert handle.read().count("HTTPS uses the certificate") >= 2


def test_flood(site):
    """hundreds of strangers who begin a handshake or a request and never end it hold up neither the one who steers
    from the same address nor the socket"""
    front = _start(site)
    context = ssl.create_default_context(cafile=os.path.join(folder(front), "ca.pem"))
    slow = []
    try:
        for number in range(200):
            with site.management:
                one = socket.create_connection((HOST, PORT), timeout=10)
            slow.append(one)
            if number % 4 == 0:
                try:
                    one = context.wrap_socket(one, server_hostname=HOST)
                    slow[-1] = one
                    one.send(b"GET /v1/status HTTP/1.1\r\nX-Slow: ")
                except OSError:
                    pass  # pushed out already
            elif number % 4 == 1:
                one.send(b"\x16\x03\x01\x3f\xff\x01")
        for _ in range(5):
            assert _afar(site, "alice", "status").returncode == 0
            assert front.try_damctl("status").returncode == 0
    finally:
        for one in slow:
            one.close()
    assert "dam_api_connections_pushed_out_total" in front.metrics()


def test_strangers_on_the_socket(site):
    """another user is refused on the Unix socket in words, though its mode lets him in; whether all is well he may
    ask; a process in the group dam may all"""
    front = site.front
    ask = "import http.client, socket, sys\n" \
          "c = http.client.HTTPConnection('dam')\n" \
          "c.sock = socket.socket(socket.AF_UNIX)\n" \
          "c.sock.connect(sys.argv[1])\n" \
          "c.request('GET', sys.argv[2])\n" \
          "a = c.getresponse()\n" \
          "print(a.status, a.read().decode())\n"

    def as_nobody(path, groups="--clear-groups"):
        done = subprocess.run(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", groups, sys.executable, "-c",
                               ask, front.api, path], text=True, capture_output=True, timeout=20)
        return done.stdout + done.stderr
    # A group dam for this one program's eyes.
    groups = os.path.join(front.directory, "group")
    with open("/etc/group") as given, open(groups, "w") as handle:
        handle.write("".join(line for line in given if not line.startswith("dam:")) + f"dam:x:{DAM_GROUP}:\n")
    front.end(front.controlplane)
    front.start_controlplane(under=("unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/group && exec "$@"', groups))
    suite.eventually(lambda: front.try_damctl("status").returncode == 0, 15, "the control plane")
    assert as_nobody("/v1/status", f"--groups={DAM_GROUP}").startswith("200")
    assert "PermissionError" in as_nobody("/v1/status")
    os.chmod(front.api, 0o666)
    try:
        said = as_nobody("/v1/status")
        assert said.startswith("403") and "user nobody may not steer the dam" in said, said
        assert as_nobody("/healthz").startswith("200")
    finally:
        os.chmod(front.api, 0o660)


def _ready(site):
    with site.edge:
        connection = http.client.HTTPConnection("127.0.0.1", 9415, timeout=5)
        connection.request("GET", "/readyz")
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def test_readyz(site):
    """readyz says in words that the dataplane is away, and that it is back"""
    front = site.front
    suite.eventually(lambda: _ready(site)[0] == 200, 10, "all is well")
    front.end(front.dataplane)
    status, text = suite.eventually(lambda: (now := _ready(site))[0] == 503 and now, 10, "a 503")
    assert "the dataplane is not connected" in text, (status, text)
    front.start_dataplane()
    suite.eventually(lambda: _ready(site)[0] == 200, 20, "all is well again")
    deadline = time.monotonic() + 15
    while True:
        try:
            return site.finish(*site.connect(server_timeout=1))
        except (OSError, AssertionError):
            assert time.monotonic() < deadline, "nothing is forwarded"
            time.sleep(0.2)
