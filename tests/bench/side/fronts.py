# SPDX-License-Identifier: BSD-3-Clause
"""What is compared. Each front has a site of its own; all of its processes run on the front's core."""
import contextlib
import copy
import os
import signal
import subprocess
import time

from lib import netns
from lib.dam import DamFront
from lib.plan import plan
from lib.site import DAM, PUBLIC, management_address, service_address

from .core import with_children

SERVICE, MANAGEMENT = service_address(10)[4], management_address(10)[4]
PROXIED, PLAIN = 443, 8443  # the server's ports: with PROXY header, and without
LIMITED = 444  # the port on which a source may open so many connections a second, and as many at once
LIMIT = 100

HAPROXY = f"""
global
  nbthread 1
  maxconn 4000
defaults
  mode tcp
  backlog 4096
  timeout connect 5s
  timeout client 1h
  timeout server 1h
frontend https
  bind {PUBLIC[4]}:443
  tcp-request inspect-delay 5s
  tcp-request content accept if {{ req.ssl_hello_type 1 }}
  use_backend management if {{ req.ssl_sni -i management.example }}
  default_backend service
frontend limited
  bind {PUBLIC[4]}:{LIMITED}
  stick-table type ip size 100k expire 10s store conn_rate(1s)
  tcp-request connection track-sc0 src
  tcp-request connection reject if {{ sc_conn_rate(0) gt {LIMIT} }}
  tcp-request inspect-delay 5s
  tcp-request content accept if {{ req.ssl_hello_type 1 }}
  default_backend service
backend service
  server service {SERVICE}:{PROXIED} send-proxy-v2
backend management
  server management {MANAGEMENT}:{PROXIED} send-proxy-v2
"""

NGINX = f"""
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
worker_processes 1;
pid @DIRECTORY@/nginx.pid;
error_log @DIRECTORY@/error.log;
events {{ worker_connections 8192; }}
stream {{
  map $ssl_preread_server_name $server {{
    management.example {MANAGEMENT}:{PROXIED};
    default {SERVICE}:{PROXIED};
  }}
  server {{
    listen {PUBLIC[4]}:443 backlog=4096;
    ssl_preread on;
    proxy_pass $server;
    proxy_protocol on;
  }}
  limit_conn_zone $binary_remote_addr zone=sources:1m;
  server {{
    listen {PUBLIC[4]}:{LIMITED} backlog=4096;
    limit_conn sources 1;
    ssl_preread on;
    proxy_pass $server;
    proxy_protocol on;
  }}
}}
"""

# Debian 13's, unpacked and not installed.
HAPROXY3 = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../build/haproxy3")

# Buckets that are charged and never empty, and one that is there to be overrun.
ZONE = {"per_source": {"packets": "5Mr/s burst=10M", "connections": "20kr/s burst=40k", "concurrent": 10000}}
DAM_PLAN = plan(limits={"flows": 131072, "half_open": 16384, "sources": 131072}, timeouts={"probe_interval": "60s"},
                zones={"service": ZONE, "management": {"management": True},
                       "limited": {"exceeded": "reset", "per_source": {"connections": f"{LIMIT}r/s burst={LIMIT}"}}},
                add_listeners={"limited": {"port": LIMITED, "protocol": "tls"}},
                add_routes=[{"name": "limited", "listener": "limited", "names": ["service.example"],
                             "zone": "limited", "servers": ["service"]}])


class Front:
    """to: where clients connect to. reads_frames: by XDP, as they are."""
    to, names, reads_frames = f"{PUBLIC[4]}:443", ("service.example", "management.example"), False
    limited = None  # where to connect to for a limit

    def __init__(self, site, directory, options):
        self.site, self.directory, self.options = site, directory, options
        self.napi = []  # the kernel's threads that take in its packets

    def pids(self):
        return []

    def stop(self):
        """What the site does not take away with itself."""


class Routing(Front):
    name = "routing"
    to, names = f"{SERVICE}:{PLAIN}", ("service.example",)

    @staticmethod
    def says():
        return "the kernel merely routes: no netfilter, no PROXY header, one server for all names"

    def start(self):
        self.site.edge.sysctl("net.ipv4.ip_forward", 1)
        self.site.client.ip("route", "add", f"{SERVICE}/32", "via", PUBLIC[4])


class Nat(Front):
    name = "nat"
    names = ("service.example",)
    limited = f"{PUBLIC[4]}:{LIMITED}"

    @staticmethod
    def says():
        return "the kernel translates (nftables DNAT, masquerade): no PROXY header, one server for all names"

    def start(self):
        self.site.edge.sysctl("net.ipv4.ip_forward", 1)
        self.site.edge.run("nft", "-f", "-", input=f"""
            table ip side {{
              set sources {{ type ipv4_addr; flags dynamic; timeout 10s;
              }}
              chain in {{ type nat hook prerouting priority dstnat;
                tcp dport {LIMITED} update @sources {{ ip saddr limit rate over {LIMIT}/second burst {LIMIT} packets }} drop
                ip daddr {PUBLIC[4]} tcp dport {{ 443, {LIMITED} }} dnat to {SERVICE}:{PLAIN}
              }}
              chain out {{ type nat hook postrouting priority srcnat; oifname "service" masquerade
              }}
            }}""")


class Bare(Routing):
    name, reads_frames = "bare", True

    @staticmethod
    def says():
        return "an XDP program that redirects TCP and looks at nothing: what a veth costs any front in XDP"

    def start(self):
        super().start()
        edge, ends = self.site.edge, {"front": self.site.client, "service": self.site.service}
        for device, out in (("front", "service"), ("service", "front")):
            words = {"TO_MAC": _bytes(ends[out].mac("eth0")), "FROM_MAC": _bytes(edge.mac(out)),
                     "TO_DEVICE": edge.ip("-o", "link", "show", "dev", out).split(":")[0]}
            program = os.path.join(self.directory, f"{device}.o")
            netns.run("clang", "-target", "bpf", "-O2", "-g", f"-I/usr/include/{os.uname().machine}-linux-gnu",
                      *(f"-D{name}={value}" for name, value in words.items()), "-c",
                      os.path.join(os.path.dirname(os.path.abspath(__file__)), "bare.bpf.c"), "-o", program)
            edge.ip("link", "set", "dev", device, "xdp", "obj", program, "sec", "xdp")


def _bytes(mac):
    return ",".join(str(byte) for byte in mac)


class Program(Front):
    """A process in the edge, on the front's core."""

    def launch(self, command, listens):
        self.log = open(os.path.join(self.directory, "log"), "w+", encoding="utf-8")
        with on_core(self.options.cores.front):
            self.process = self.site.edge.popen(command, stdout=self.log, stderr=self.log, start_new_session=True)
        deadline = time.monotonic() + 5
        while listens not in self.site.edge.run("ss", "-Hltn"):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.log.seek(0)
                raise SystemExit(f"{self.name} does not start:\n{self.log.read()[-2000:]}")
            time.sleep(0.05)

    def pids(self):
        return with_children(self.process.pid)

    def stop(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Haproxy(Program):
    name = "haproxy"
    limited = f"{PUBLIC[4]}:{LIMITED}"
    program = ("haproxy",)

    def start(self):
        path = os.path.join(self.directory, "haproxy.cfg")
        with open(path, "w", encoding="utf-8") as handle:
            handle.write(HAPROXY)
        self.launch([*self.program, "-db", "-f", path], f"{PUBLIC[4]}:443")

    @classmethod
    def says(cls):
        return version(*cls.program, "-v") + ": mode tcp, req.ssl_sni, send-proxy-v2, one thread"


class Haproxy3(Haproxy):
    """In the place of Debian 12's: with Debian 13's libraries and its own loader."""
    name = "haproxy3"
    program = (f"{HAPROXY3}/usr/lib64/ld-linux-x86-64.so.2", "--library-path", f"{HAPROXY3}/usr/lib/x86_64-linux-gnu",
               f"{HAPROXY3}/usr/sbin/haproxy")

    @staticmethod
    def unpack():
        if os.path.exists(Haproxy3.program[-1]):
            return
        netns.run("mmdebstrap", "--quiet", "--variant=extract", "--include=haproxy", "trixie", HAPROXY3 + ".new")
        os.rename(HAPROXY3 + ".new", HAPROXY3)


class Nginx(Program):
    name = "nginx"
    limited = f"{PUBLIC[4]}:{LIMITED}"

    def start(self):
        path = os.path.join(self.directory, "nginx.conf")
        with open(path, "w", encoding="utf-8") as handle:
            handle.write(NGINX.replace("@DIRECTORY@", self.directory))
        self.launch(["nginx", "-e", os.path.join(self.directory, "error.log"), "-c", path], f"{PUBLIC[4]}:443")

    @staticmethod
    def says():
        return version("nginx", "-v") + ": stream, ssl_preread, proxy_protocol on (v1), one worker"


class Dam(Front):
    name, driver = "dam", "xdp"
    reads_frames = True  # with XDP: nothing that a NIC would still have to do
    limited = f"{PUBLIC[4]}:{LIMITED}"

    @staticmethod
    def says():
        return "driver: xdp; names, PROXY v2, buckets charged"

    def start(self):
        options = copy.copy(self.options)
        options.driver = self.driver
        with on_core(self.options.cores.front):
            self.front = self.site.front = DamFront(self.site, DAM_PLAN, self.directory, options)
            self.front.start()

    def pids(self):
        return [pid for one in (self.front.dataplane, self.front.controlplane) for pid in with_children(one.pid)]

    def stop(self):
        self.front.stop()


class DamDpdk(Dam):
    name, driver = "dam-dpdk", "dpdk"

    @staticmethod
    def says():
        return "driver: dpdk by net_af_xdp, its worker sleeping when idle; names, PROXY v2, buckets charged"


FRONTS = {front.name: front for front in (Routing, Nat, Haproxy, Haproxy3, Nginx, Bare, Dam, DamDpdk)}


@contextlib.contextmanager
def on_core(core):
    """What is started inside runs on that core for good."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def version(*command):
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    return (done.stdout + done.stderr).splitlines()[0].replace("nginx version: ", "").split(" - ")[0]
