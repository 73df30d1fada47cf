# SPDX-License-Identifier: BSD-3-Clause
"""Checks of real servers (nginx): what they find, in words, and what becomes of new connections. With driver dpdk the
edge's kernel has no way to the servers: nothing is checked, and the dam's own probes alone count."""
import json
import os
import signal
import socket
import subprocess
import tempfile

from lib import suite
from lib.plan import plan

CHECK = {"interval": "300ms", "timeout": "300ms", "rise": 2, "fall": 2, "ca": "none"}


def _server(n, port, proxy="v2", **check):
    return {"role": "service", "n": n, "port": port, "proxy": proxy, "start": False, "check": {**CHECK, **check}}


def _route(name, server, **more):
    return {"name": name, "listener": "https", "names": [name + ".example"], "zone": "service", "servers": [server],
            **more}


PLAN = plan(
    timeouts={"hello": "3s", "connect": "1s", "probe_interval": "300ms", "port_rest": "1s"},
    servers={"web": _server(10, 443, kind="https", path="/health", expect=[204]),
             "spare": _server(11, 8445),
             "plain": _server(10, 8443),                # speaks no PROXY, and the policy says v2
             "wants": _server(10, 443, proxy="none"),   # expects it, and the policy says none
             "greedy": _server(10, 8444),               # its certificate covers a name of "web", with HTTP/2
             "modest": _server(10, 8446),               # the same without HTTP/2
             "management": {"role": "management", "n": 10, "port": 443}},
    routes=[_route("service", "web", fallback="spare"), _route("spare", "spare"), _route("plain", "plain"),
            _route("wants", "wants"), _route("greedy", "greedy"), _route("modest", "modest"),
            {"name": "management", "listener": "https", "names": ["management.example"], "zone": "management",
             "servers": ["management"]}])
DAM_ONLY = True
COST = 25
DPDK = "with driver dpdk this host cannot reach the servers"


def setup(site):
    site.home = tempfile.mkdtemp(prefix="dam-lab-health-", dir="/tmp")
    for name, names in (("web", ["service.example", "wants.example"]), ("spare", ["spare.example", "service.example"]),
                        ("plain", ["plain.example"]), ("greedy", ["greedy.example", "service.example"]),
                        ("modest", ["modest.example", "service.example"])):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
             "90", "-keyout", f"{site.home}/{name}.key", "-out", f"{site.home}/{name}.pem", "-subj", "/CN=" + name,
             "-addext", "subjectAltName=" + ",".join("DNS:" + one for one in names)], check=True, capture_output=True)
    _write(site, 204)
    _start(site)


def teardown(site):
    subprocess.run(["rm", "-rf", site.home], check=False)


def _write(site, status):
    """What nginx answers to the check of "web"."""
    blocks = "".join(f"""
  server {{
    listen {listen}; listen [::]:{listen};
    ssl_certificate {site.home}/{name}.pem; ssl_certificate_key {site.home}/{name}.key;
    location / {{ return {status if name == "web" else 204}; }}
  }}""" for name, listen in (("web", "443 ssl http2 proxy_protocol"), ("spare", "8445 ssl proxy_protocol"),
                             ("plain", "8443 ssl http2"), ("greedy", "8444 ssl http2 proxy_protocol"),
                             ("modest", "8446 ssl proxy_protocol")))
    with open(site.home + "/nginx.conf", "w") as conf:
        conf.write(f"""
daemon off; worker_processes 1; user root; pid {site.home}/nginx.pid;
events {{ worker_connections 512; }}
http {{
  log_format seen '$server_port $proxy_protocol_addr $request_uri $status';
  access_log {site.home}/access.log seen;
  client_body_temp_path {site.home}/body; proxy_temp_path {site.home}/proxy; fastcgi_temp_path {site.home}/fastcgi;
  uwsgi_temp_path {site.home}/uwsgi; scgi_temp_path {site.home}/scgi;
{blocks}
}}
""")


def _start(site):
    site.nginx = site.service.popen(
        ["nginx", "-p", site.home, "-c", site.home + "/nginx.conf", "-e", site.home + "/error.log"],
        start_new_session=True)
    site.children.append(site.nginx)
    with site.service:
        suite.eventually(_listens, 10, "nginx listens")


def _listens():
    try:
        socket.create_connection(("127.0.0.1", 8446), timeout=1).close()
        return True
    except OSError:
        return False


def _stop(site):
    os.killpg(site.nginx.pid, signal.SIGKILL)
    site.nginx.wait()


def _seen(site, name):
    servers = json.loads(site.front.damctl("servers", "--json"))["servers"]
    return next(one for one in servers if one["name"] == name)


def _verdict(site, name):
    return _seen(site, name)["health"]["verdict"]


def _wait(site, name, verdict):
    suite.eventually(lambda: _verdict(site, name) == verdict, 20, f"{name} is {verdict}; it is {_seen(site, name)}")


def _finding(site, name, kind):
    def look():
        return next((one for one in _seen(site, name)["health"]["findings"] if one["kind"] == kind), None)
    return suite.eventually(look, 20, f"a finding {kind} at {name}; there is {_seen(site, name)}")


def _certificate(site, name, port=443):
    """Whose certificate a client sees that asks for the name; nothing: it was reset."""
    done = subprocess.run(
        ["nsenter", f"--net=/run/netns/{site.client.name}", "--", "openssl", "s_client", "-connect",
         f"{site.public[4]}:{port}", "-servername", name + ".example"], input="", capture_output=True, text=True,
        timeout=20)
    for line in done.stdout.splitlines():
        if line.startswith("subject="):
            return line.rsplit("=", 1)[1].strip()
    return None


@suite.only_on("dpdk", "driver: xdp leaves the kernel its addresses: checks are made")
def test_unchecked(site):
    """a server that this host cannot look at is unchecked, stays up, and says why"""
    _wait(site, "web", "unchecked")
    _wait(site, "plain", "unchecked")
    assert "the dam's probes alone" in _finding(site, "web", "unchecked")["hint"]
    assert "up, unchecked" in site.front.damctl("servers")
    assert _certificate(site, "service") == "web"
    assert 'dam_server_findings{server="web",kind="unchecked"} 2' in site.front.metrics()
    assert 'dam_server_healthy{server="web"}' not in site.front.metrics()


@suite.only_on("xdp", DPDK)
def test_well(site):
    """a server that answers as it should is up, and its certificate's end is known"""
    _wait(site, "web", "up")
    _wait(site, "modest", "up")
    seen = _seen(site, "web")["health"]
    assert seen["last"]["words"].endswith("HTTP status 204"), seen
    assert not seen["findings"], seen
    metrics = site.front.metrics()
    assert 'dam_server_healthy{server="web"} 1' in metrics
    assert 'dam_server_certificate_expiry_timestamp_seconds{server="web"} ' in metrics
    with open(site.home + "/access.log") as log:
        assert "443 - /health 204" in log.read(), "the header names no client"
    site.note(f"a check takes {seen['last']['seconds'] * 1000:.1f} ms")


@suite.only_on("xdp", DPDK)
def test_no_proxy(site):
    """a server that does not speak PROXY though the policy says so is down, in these words"""
    _wait(site, "plain", "down")
    finding = _finding(site, "plain", "proxy_mismatch")
    assert "does not speak the PROXY protocol" in finding["message"], finding
    assert "write `proxy: none` at server \"plain\"" in finding["hint"], finding
    assert "does not speak the PROXY protocol" in site.front.damctl("servers")
    assert _certificate(site, "plain") is None, "its clients are reset"


@suite.only_on("xdp", DPDK)
def test_wants_proxy(site):
    """and so is one that expects PROXY though the policy says none"""
    _wait(site, "wants", "down")
    finding = _finding(site, "wants", "proxy_mismatch")
    assert "expects a PROXY header" in finding["message"], finding
    assert "write `proxy: v2`" in finding["hint"], finding


@suite.only_on("xdp", DPDK)
def test_coalescing(site):
    """a certificate that covers another server's name, where HTTP/2 would use it: what runs goes on with a word, the
    next policy takes force, unless the check allows it"""
    _wait(site, "greedy", "up")
    finding = _finding(site, "greedy", "coalescing")
    assert '"service.example", which is routed to server "web"' in finding["message"], finding
    assert _certificate(site, "greedy") == "greedy"
    _wait(site, "modest", "up")
    front = site.front
    for words in (("apply", "-f", front.yaml), ("apply", "-f", front.yaml, "--dry-run")):
        refused = front.try_damctl(*words)
        assert refused.returncode == 1, refused
        assert 'server "greedy" shows for "greedy.example"' in refused.stderr, refused.stderr
        assert "damctl apply --force" in refused.stderr, refused.stderr
        assert "modest" not in refused.stderr, refused.stderr
    front.damctl("apply", "-f", front.yaml, "--force")
    assert "by force" in front.damctl("history")
    assert "force=1" in front.damctl("audit")
    assert 'kind="coalescing"} 1' in front.metrics()
    allowed = json.loads(json.dumps(PLAN))
    allowed["servers"]["greedy"]["check"]["coalescing"] = "allow"
    try:
        front.apply(allowed)
        assert not _finding(site, "greedy", "coalescing")["fails"]
        front.damctl("apply", "-f", front.yaml, "--dry-run")
    finally:
        front.apply(PLAN, "--force")


@suite.only_on("xdp", DPDK)
def test_bad_status(site):
    """a server whose status is not the expected one is down though it listens; its fallback serves, until it is well"""
    _wait(site, "web", "up")
    assert _certificate(site, "service") == "web"
    _write(site, 503)
    os.killpg(site.nginx.pid, signal.SIGHUP)
    try:
        _wait(site, "web", "down")
        assert "HTTP status 503" in _seen(site, "web")["health"]["last"]["words"]
        assert _seen(site, "web")["up"], "the dam's probes still reach it"
        assert _certificate(site, "service") == "spare"
    finally:
        _write(site, 204)
        os.killpg(site.nginx.pid, signal.SIGHUP)
    _wait(site, "web", "up")
    assert _certificate(site, "service") == "web"


@suite.only_on("xdp", DPDK)
def test_outlives_control_plane(site):
    """what the checks found holds while the control plane restarts"""
    _wait(site, "plain", "down")
    site.front.end(site.front.controlplane, signal.SIGKILL)
    assert _certificate(site, "plain") is None
    site.front.start_controlplane()
    suite.eventually(lambda: site.front.try_damctl("status").returncode == 0, 10, "the control plane is back")
    assert _certificate(site, "plain") is None
    _wait(site, "plain", "down")


def test_stopped_and_started(site):
    """a server that is stopped gives way to none or to its fallback, and serves again once it listens"""
    front = site.front
    assert _certificate(site, "service") == "web"
    _stop(site)
    try:
        suite.eventually(lambda: not front.server_up("web"), 10, "the probes have noticed")
        if front.on_xdp:
            _wait(site, "web", "down")
        assert _certificate(site, "service") is None
    finally:
        _start(site)
    suite.eventually(lambda: _certificate(site, "service") == "web", 20, "it serves again")
