# SPDX-License-Identifier: BSD-3-Clause
"""Real TLS: OpenSSL clients and curl, through the front, to nginx with `ssl proxy_protocol`."""
import os
import re
import ssl
import subprocess
import tempfile
import time

from lib import suite
from lib.plan import plan

PLAN = plan(add_servers={"service": {"role": "service", "n": 10, "port": 443, "start": False},
                         "v1": {"role": "service", "n": 11, "port": 443, "proxy": "v1", "start": False},
                         "management": {"role": "management", "n": 10, "port": 443, "start": False}},
            add_routes=[{"name": "v1", "listener": "https", "names": ["v1.example"], "zone": "service",
                         "servers": ["v1"]}])
COST = 12
BIG = 24 << 20


def setup(site):
    """nginx in the service's and the management's namespace, each with a certificate of its own."""
    site.web = tempfile.mkdtemp(prefix="dam-lab-nginx-", dir="/tmp")
    os.chmod(site.web, 0o755)
    for role, names in (("service", ["service.example", "v1.example"]),
                        ("management", ["management.example"])):
        home = os.path.join(site.web, role)
        os.makedirs(home + "/html")
        _certificate(home, names)
        with open(home + "/html/index.html", "w") as page:
            page.write(f"this is {role}\n")
        with open(home + "/html/big", "wb") as big:
            big.truncate(BIG)
        with open(home + "/nginx.conf", "w") as conf:
            conf.write(_nginx(home))
        site.children.append(getattr(site, role).popen(
            ["nginx", "-p", home, "-c", home + "/nginx.conf", "-e", home + "/error.log"],
            start_new_session=True))
    time.sleep(0.4)


def teardown(site):
    subprocess.run(["rm", "-rf", site.web], check=False)


def _certificate(home, names):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-keyout", home + "/key.pem", "-out", home + "/cert.pem",
         "-subj", "/CN=" + names[0], "-addext",
         "subjectAltName=" + ",".join("DNS:" + name for name in names)],
        check=True, capture_output=True)


def _nginx(home):
    return f"""
daemon off; worker_processes 1; user root; pid {home}/nginx.pid;
events {{ worker_connections 512; }}
http {{
  log_format seen '$remote_addr $proxy_protocol_addr:$proxy_protocol_port $ssl_server_name $status';
  access_log {home}/access.log seen;
  set_real_ip_from 198.18.0.0/15; set_real_ip_from 2001:db8::/32;
  real_ip_header proxy_protocol;
  client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
  server {{
    listen 443 ssl http2 proxy_protocol; listen [::]:443 ssl http2 proxy_protocol;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_certificate {home}/cert.pem; ssl_certificate_key {home}/key.pem;
    root {home}/html;
  }}
}}
"""


def _tls(site, name, role, family=4, source=None, **context):
    made = ssl.create_default_context(cafile=os.path.join(site.web, role, "cert.pem"))
    for key, value in context.items():
        setattr(made, key, value)
    client = site.open(family=family, source=source)
    return client.local, made.wrap_socket(client.sock, server_hostname=name)


def _get(sock, path="/"):
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    parts = []
    while part := sock.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


def _log(site, role):
    with open(os.path.join(site.web, role, "access.log")) as handle:
        return handle.read()


@suite.each(family=[4, 6], name=["service.example", "management.example", "v1.example"])
def test_page(site, family, name):
    """a page over TLS from nginx: the certificate is the server's own, the log has the true client"""
    role = "management" if name.startswith("management") else "service"
    source = site.sources[family][5]
    (address, port), tls = _tls(site, name, role, family, source)
    assert b"this is " + role.encode() in _get(tls)
    seen = suite.eventually(lambda: re.search(rf"^{re.escape(address)} {re.escape(address)}:{port} .*$",
                                              _log(site, role), re.M), 2, "the client in the log")
    assert name in seen.group(0)


@suite.each(version=["TLSv1_2", "TLSv1_3"])
def test_versions(site, version):
    """TLS 1.2 and 1.3 pass alike"""
    chosen = getattr(ssl.TLSVersion, version)
    _, tls = _tls(site, "service.example", "service", minimum_version=chosen, maximum_version=chosen)
    assert tls.version() == version.replace("_", ".")
    assert b"200 OK" in _get(tls)


@suite.each(family=[4, 6])
def test_big_file(site, family):
    """a file of 24 MiB over TLS"""
    _, tls = _tls(site, "service.example", "service", family)
    got = _get(tls, "/big")
    head, body = got.split(b"\r\n\r\n", 1)
    assert len(body) == BIG and b"200 OK" in head


@suite.each(name=["service.example", "v1.example"])
def test_curl(site, name):
    """curl, with HTTP/2 by ALPN"""
    out = site.client.run("curl", "-sS", "--max-time", "10", "--cacert", f"{site.web}/service/cert.pem",
                          "--resolve", f"{name}:443:{site.public[4]}", "-w", "%{http_version}",
                          f"https://{name}/")
    assert out == "this is service\n2", out


def test_many_pages(site):
    """100 pages one after the other, each a connection of its own"""
    start = time.monotonic()
    for number in range(100):
        _, tls = _tls(site, "service.example", "service", source=site.sources[4][number % 30])
        assert b"this is service" in _get(tls)
        tls.close()
    site.note(f"{100 / (time.monotonic() - start):.0f} a second")


def test_wrong_name_gets_no_certificate(site):
    """an unknown name is shown out at once, without a certificate; no server sees it"""
    before = [_log(site, role) for role in ("service", "management")]
    text = ssl.MemoryBIO()
    hello = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), text, server_hostname="nobody.example")
    try:
        hello.do_handshake()
    except ssl.SSLWantReadError:
        pass
    with site.counted("no_route"):
        client = site.open()
        client.send(text.read())
        client.expect_closed(2)  # and not a single byte before
    assert before == [_log(site, role) for role in ("service", "management")]
