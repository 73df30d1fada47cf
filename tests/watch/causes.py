# SPDX-License-Identifier: BSD-3-Clause
"""What makes each alert's condition real in the lab. A function for each, named like the alert."""
import os
import re
import signal
import subprocess

from raised import AUTHORITY, ROOT, STATE, eventually, lab, pid_of, query, run, tell

THREE_DAYS = "3"


def _sign(request, authority, key, out, *more):
    done = subprocess.run(["openssl", "x509", "-req", "-in", request, "-CA", authority, "-CAkey", key, "-CAcreateserial",
                           "-days", THREE_DAYS, "-copy_extensions", "copyall", "-out", out, *more],
                          capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr


def server_certificate_near_expiry(_):
    """A certificate of three days in the place of the server's, and nginx reads it."""
    request = f"{STATE}/service/requests/www.example.org"
    _sign(f"{request}.pem", AUTHORITY, f"{STATE}/authority/ca.key", f"{request}.crt")
    with open(f"{STATE}/service/tls/www.example.org.pem", "w", encoding="utf-8") as file:  # chain and key in one
        for part in ("crt", "key"):
            with open(f"{request}.{part}", encoding="utf-8") as from_file:
                file.write(from_file.read())
    tell("nginx-service")


def api_certificate_near_expiry(_):
    """The same for the listener's: the names of the one that it has, and its key."""
    folder, request = f"{STATE}/edge/tls", f"{STATE}/edge/request.pem"
    subprocess.run(["openssl", "x509", "-x509toreq", "-in", f"{folder}/server.pem", "-signkey", f"{folder}/server.key",
                    "-copy_extensions", "copyall", "-out", request], capture_output=True, timeout=20, check=True)
    _sign(request, f"{folder}/ca.pem", f"{folder}/ca.key", f"{STATE}/edge/short.pem")
    os.replace(f"{STATE}/edge/short.pem", f"{folder}/server.pem")
    tell("dam-controlplane")


def route_without_server(_):
    lab("server", "stop", "service")


def management_unreachable(_):
    lab("server", "stop", "management")


def link_down(_):
    """At its other end: the service server's."""
    run("service", "ip", "link", "set", "srv0", "down")


def link_again():
    """With the addresses and routes that went."""
    run("service", "ip", "link", "set", "srv0", "up")
    run("service", "ip", "route", "replace", "default", "via", "198.18.10.1")
    run("service", "ip", "-6", "route", "replace", "default", "via", "2001:db8:10::1")
    lab("up", "--driver", "xdp", "--watch")


def flood(background):
    """10,000 SYNs a second from two sources, which never answer."""
    for source in ("198.51.100.98", "198.51.100.99"):
        background.begin("client", "/usr/bin/python3", f"{ROOT}/tools/lab.d/flood.py", "--to", "203.0.113.10", "--source", source,
                         "--pps", "5000", "--seconds", "25")


def _apply(*changes):
    """The policy that runs, with these patterns replaced."""
    path = f"{STATE}/edge/changed.yaml"
    with open(path if os.path.exists(path) else f"{STATE}/edge/dam.yaml", encoding="utf-8") as file:
        text = file.read()
    for pattern, by in changes:
        text, count = re.subn(pattern, by, text, flags=re.MULTILINE)
        assert count == 1, f"{pattern} is {count} times in the policy"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    lab("damctl", "apply", "-f", path)


def ban_storm(background):
    """A zone that bans whoever comes twice within ten seconds, and 120 sources that come every other second."""
    _apply((r"^    exceeded: drop$", "    exceeded: {ban: {after: 1, within: 10s, for: 2m}}"),
           (r'connections: "5r/s burst=10"', 'connections: "6r/m burst=1"'))
    sources = [word for i in range(120) for word in ("--source", f"198.51.100.{i + 100}")]
    background.begin("client", "/usr/bin/python3", f"{ROOT}/tools/lab.d/visit.py", "--to", "203.0.113.10", "--name", "api.example.org",
                     "--ca", AUTHORITY, "--path", "/", "--rate", "60", "--seconds", "12", "--timeout", "1", *sources)


def policy_not_converged(_):
    """Limits change with a restart of the dataplane only."""
    _apply(("half_open: 16384", "half_open: 256"), (r"^limits:", "timeouts: {hello: 60s}\n\nlimits:"))


def dataplane_down(_):
    os.kill(pid_of("dam-dataplane"), signal.SIGKILL)


def dataplane_restarts(_):
    """Three times, each of them scraped."""
    for _ in range(3):
        before = _starts()
        dataplane_down(None)
        lab("dam", "start")
        eventually(lambda least=before: _starts() > least, 30, "a start that Prometheus has seen")


def _starts():
    return sum(value for _, value in query("changes(dam_dataplane_start_time_seconds[15m])"))


def table_nearly_full(background):
    """The dataplane comes back with the 256 places of the policy above; 240 clients say nothing."""
    lab("dam", "start")
    eventually(lambda: any(value == 256 for _, value in query('dam_table_capacity_entries{table="half_open"}')), 30, "the new limit")
    background.begin("client", "/usr/bin/python3", f"{ROOT}/tests/watch/idle.py", "240")


def control_plane_not_scraped(_):
    os.kill(pid_of("dam-controlplane"), signal.SIGTERM)


def bring_back(*servers):
    for server in servers:
        lab("server", "start", server)


def answered(name):
    """Whether a client gets a page of that name."""
    done = run("client", "curl", "-sf", "--max-time", "5", "--cacert", AUTHORITY, "--resolve", f"{name}:443:203.0.113.10",
               "-o", "/dev/null", f"https://{name}/")
    return done.returncode == 0
