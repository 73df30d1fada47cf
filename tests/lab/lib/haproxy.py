# SPDX-License-Identifier: BSD-3-Clause
"""HAProxy in the dam's place: shows that the tests themselves are right, and where the two differ."""
import os
import shutil
import signal
import time

from . import site as sites


def _server(name, server):
    if server["role"] == "far":
        addresses = sites.FAR_SERVER
    else:
        addresses = getattr(sites, server["role"] + "_address")(server["n"])
    send = {"v2": "send-proxy-v2", "v1": "send-proxy", "none": ""}[server.get("proxy", "v2")]
    tlvs = {"alpn": "", "authority": "authority", "unique_id": "unique-id", "crc32c": "crc32c"}
    options = ",".join(filter(None, (tlvs[one] for one in server.get("tlvs", ()))))
    if options:
        send += " proxy-v2-options " + options
    return [f"  server {name}{family} {'[%s]' % address if family == 6 else address}:{server['port']} {send}"
            for family, address in addresses.items()]


def _condition(route, protocol):
    """Alternatives, each a list of words that all must hold."""
    name = "req.ssl_sni,lower,rtrim(.)" if protocol == "tls" else "req.hdr(host),field(1,:),lower"
    exact = [one for one in route.get("names", ()) if not one.startswith("*")]
    wild = [one[1:] for one in route.get("names", ()) if one.startswith("*")]
    alternatives = []
    if exact:
        alternatives.append(f"{{ {name} -m str {' '.join(exact)} }}")
    if wild:
        alternatives.append(f"{{ {name} -m end {' '.join(wild)} }}")
    if route.get("absent"):
        alternatives.append("{ req.ssl_hello_type 1 } !{ req.ssl_sni -m found }")
    further = ""
    if route.get("alpn"):
        further += f" {{ req.ssl_alpn -m sub {' '.join(route['alpn'])} }}"
    if route.get("path"):
        further += f" {{ path_beg {route['path']} }}"
    return " || ".join(one + further for one in alternatives)


def configuration(plan):
    out = ["global", "  maxconn 2000", "defaults", "  mode tcp", "  retries 3", "  option redispatch 1",
           "  timeout connect 2s", "  timeout client 1h", "  timeout server 1h"]
    for name, listener in plan["listeners"].items():
        out += [f"frontend {name}", f"  bind {sites.PUBLIC[4]}:{listener['port']}",
                f"  bind [{sites.PUBLIC[6]}]:{listener['port']} v6only"]
        if listener["protocol"] == "tls":
            out += [f"  tcp-request inspect-delay {plan['timeouts']['hello']}",
                    "  tcp-request content accept if { req.ssl_hello_type 1 }",
                    "  tcp-request content reject if WAIT_END"]
        if listener["protocol"] == "http":
            out.append("  mode http")
        for route in sorted(plan["routes"], key=lambda one: -len(one.get("path", ""))):
            if route["listener"] != name:
                continue
            condition = _condition(route, listener["protocol"])
            if listener["protocol"] == "tcp":
                out.append(f"  default_backend {route['name']}4")
            else:
                out.append(f"  use_backend {route['name']}4 if {condition}")
    for route in plan["routes"]:
        out += [f"backend {route['name']}4", "  balance source", "  hash-type consistent"]
        if plan["listeners"][route["listener"]]["protocol"] == "http":
            out.append("  mode http")
        for server in route["servers"]:
            out += _server(server, plan["servers"][server])[:1]
    return "\n".join(out) + "\n"


class HaproxyFront:
    is_dam = False

    def __init__(self, site, plan, directory, _options):
        self.site, self.plan, self.directory = site, plan, directory

    @staticmethod
    def missing(_options):
        return [] if shutil.which("haproxy") else ["haproxy"]

    def start(self):
        for family in (4, 6):
            bits = {4: 24, 6: 64}[family]
            nodad = ["nodad"] * (family == 6)
            edge = self.site.edge
            for device, address in (("front", sites.PUBLIC), ("service", sites.DAM["service"]),
                                    ("management", sites.DAM["management"])):
                edge.ip("addr", "add", f"{address[family]}/{bits}", "dev", device, *nodad)
            edge.ip(f"-{family}", "route", "add", "default", "via", sites.CLIENT[family])
        path = os.path.join(self.directory, "haproxy.cfg")
        with open(path, "w") as handle:
            handle.write(configuration(self.plan))
        self.log = open(os.path.join(self.directory, "haproxy.log"), "w+")
        self.process = self.site.edge.popen(["haproxy", "-db", "-f", path], stdout=self.log,
                                            stderr=self.log, start_new_session=True)
        time.sleep(0.5)
        assert self.alive(), "haproxy does not start:\n" + self.log_tail()

    def alive(self):
        return self.process.poll() is None

    def evidence(self):
        return ""

    def log_tail(self):
        self.log.seek(0)
        return self.log.read()[-2000:]

    def judge_logs(self):
        """Its lines are its own."""

    def drops(self):
        return None

    def stop(self):
        if self.alive():
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
