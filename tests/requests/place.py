# SPDX-License-Identifier: BSD-3-Clause
"""A site of the lab (tests/lab/lib) whose dam counts the requests of real servers' clients: nginx with HTTP/2 and HTTP/1.1,
TLS 1.2 and 1.3, and Node, whose answers come in two records. The servers' logs say how many there were."""
import contextlib
import os
import random
import subprocess
import tempfile
import time

from lib import nginx, suite
from lib.dam import DamFront
from lib.plan import plan
from lib.site import PUBLIC, Site

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
DOMAIN = "example.org"  # tests/browser/webdriver.py sends its names to the dam
HOST, APP, ECHO = "198.18.1.11", 8090, 8091
# Name → port, what nginx listens with, TLS. One server a name: nginx 1.22 chooses all three by the port.
NGINX = {"h2": (8443, "ssl http2", "TLSv1.2 TLSv1.3"), "h2-tls12": (8444, "ssl http2", "TLSv1.2"),
         "h1": (8445, "ssl", "TLSv1.2 TLSv1.3"), "h1-tls12": (8446, "ssl", "TLSv1.2")}
NODE_PORT = 8447
PORTS = {**{name: port for name, (port, _, _) in NGINX.items()}, "node": NODE_PORT}


def host(name):
    return f"{name}.{DOMAIN}"


def policy(with_node):
    """The limit is never met: it is there so that requests are counted."""
    ports = {name: port for name, port in PORTS.items() if name != "node" or with_node}
    servers = {name: {"role": "service", "n": 11, "port": port, "start": False} for name, port in ports.items()}
    if with_node:
        servers["node"]["proxy"] = "none"  # Node reads no PROXY header
    return plan(zones={"service": {}, "management": {"management": True}, "counted": {"total": {"requests": "1Mr/s burst=1M"}}},
                add_servers=servers,
                add_routes=[{"name": name, "listener": "https", "names": [host(name)], "zone": "counted", "servers": [name]}
                            for name in ports])


def wires(milliseconds):
    """Of the round trip, half each way."""
    return {"client": ["--delay", str(milliseconds / 2)]} if milliseconds else {}


class Place:
    """Raised by `with`: a site, a dam, servers."""

    def __init__(self, options, milliseconds):
        self.options, self.milliseconds = options, milliseconds
        self.home = self.site = self.front = None

    def __enter__(self):
        try:
            self._raise()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for part in (self.front and self.front.stop, self.site and self.site.close, self.home and self._remove_home):
            if part:
                part()

    def _remove_home(self):
        nginx.remove_home(self.home)

    def _raise(self):
        self.home = nginx.make_home("measure")
        self._certificates()
        made = policy(self.options.node)
        self.site = Site(f"damt{os.getpid()}-0", wires(self.milliseconds))
        self.site.options = self.options
        self.site.start_servers(made)
        directory = tempfile.mkdtemp(prefix="dam-", dir=self.home)
        self.front = self.site.front = DamFront(self.site, made, directory, self.options)
        self._start_servers()
        if self.options.capture:
            self._start_capture(self.options.capture)
        self.front.start()
        for name in PORTS:
            if name != "node" or self.options.node:
                suite.eventually(lambda one=name: self._answers(one), 20, host(name))

    def _certificates(self):
        """One a name: browsers send requests for all names of a certificate down one connection."""
        for words in (["-out", "ca.pem", "-subj", "/CN=Lab authority", "-keyout", "ca.key"],
                      *(["-out", name + ".pem", "-subj", "/CN=" + host(name), "-keyout", name + ".key", "-addext",
                         "subjectAltName=DNS:" + host(name), "-addext", "basicConstraints=critical,CA:FALSE", "-CA", "ca.pem",
                         "-CAkey", "ca.key"] for name in PORTS)):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9",
                            *words], cwd=self.home, check=True, capture_output=True)

    def _start_servers(self):
        nginx.start(self.site, self.site.service, self.home, self._nginx_conf())
        self._start("echo", "/usr/bin/python3", "-B", os.path.join(TESTS, "browser", "echo.py"), ECHO)
        if self.options.node:
            self._start("node", "node", os.path.join(HERE, "node_server.js"), HOST, NODE_PORT, self.home)

    def _start_capture(self, directory):
        os.makedirs(directory, exist_ok=True)
        file = f"{directory}/{self.milliseconds:g}ms.pcap"
        self._start("tcpdump", "tcpdump", "-i", "eth0", "-s", "0", "-B", "32768", "--immediate-mode", "-U", "-Z", "root", "-w", file, "tcp")

    def _start(self, name, *words):
        with open(f"{self.home}/{name}.out", "wb") as output:
            self.site.children.append(self.site.service.popen(words, stdout=output, stderr=output, start_new_session=True))

    def _nginx_conf(self):
        servers = "".join(f"""
  server {{
    listen {HOST}:{port} {how} proxy_protocol; ssl_protocols {tls};
    ssl_certificate {self.home}/{name}.pem; ssl_certificate_key {self.home}/{name}.key;
    location / {{ root {self.home}/www; add_header Set-Cookie "session=fc3f0a7d19aa4e7bb8e1; Secure; Path=/"; }}
    location /item {{ return 200 "an answer of some length, as answers are\\n"; }}
    location /take {{ proxy_pass http://127.0.0.1:{APP}/; }}
    location /echo {{
      proxy_pass http://127.0.0.1:{ECHO}; proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; proxy_set_header X-Real-IP $proxy_protocol_addr;
    }}
  }}""" for name, (port, how, tls) in NGINX.items())
        return f"""
  include /etc/nginx/mime.types;
  log_format counted '$msec $host $server_protocol $status $request_method $uri $connection';
  access_log {self.home}/nginx.log counted; client_max_body_size 50m;
  server {{ listen 127.0.0.1:{APP}; access_log off; location / {{ return 200 "taken, all of it\\n"; }} }}
  {servers}"""

    def _answers(self, name):
        return "an answer" in self.curl(name, ["/item"])

    @staticmethod
    def to(name):
        """curl's words for a server."""
        return ["-sk", "--max-time", "60", "--connect-to", f"{host(name)}::{PUBLIC[4]}:443"]

    def curl(self, name, paths, *more):
        """One process, and so one connection: each path one after the other."""
        return self.site.client.run("curl", *self.to(name), *more, *[f"https://{host(name)}{path}" for path in paths], check=False,
                                    timeout=90)

    def numbers(self):
        """What the dam has counted, and what the servers have logged."""
        logged = 0
        for server in ("nginx", "node"):
            with contextlib.suppress(FileNotFoundError), open(f"{self.home}/{server}.log", "rb") as log:
                logged += log.read().count(b"\n")
        return self.front.zone("counted")["requests"], logged

    def settled(self, seconds=0.7):
        """The same when nothing has changed for some time: a server writes its line when the answer is out."""
        now, since = self.numbers(), time.monotonic()
        while time.monotonic() < since + seconds:
            time.sleep(0.1)
            if now != (now := self.numbers()):
                since = time.monotonic()
        return now

    def measure(self, run):
        """How many requests the dam has counted meanwhile, and the servers logged."""
        before = self.settled()
        run(self)
        after = self.settled()
        return after[0] - before[0], after[1] - before[1]

    def file(self, name, size):
        """Octets that no compression makes shorter, the same each time."""
        path = f"{self.home}/{name}"
        if not os.path.exists(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(random.Random(name).randbytes(size))
        return path
