# SPDX-License-Identifier: BSD-3-Clause
"""damctl setup on the edge: under a terminal and from files, on hosts of several shapes, first and again, put in force
and taken back."""
import json
import os
import pty
import re
import select
import shutil
import socket
import subprocess
import tempfile
import time

from lib import netns, suite
from lib.plan import plan

PLAN = plan(timeouts={"probe_interval": "500ms"})
DAM_ONLY = True
ONLY_ON = "xdp", "the edge's kernel has no address with the other one"
COST = 40
NAMES = "service: {server: 198.18.1.10, names: service.example}\n" \
        "management: {server: 198.18.2.10, names: management.example}\n"
NETWORKS = """front: {device: front, addresses: [198.18.0.80/24, "2001:db8::80/64"], gateway: [198.18.0.1, "2001:db8::1"]}
service:
  device: service
  addresses: [198.18.1.1/24, "2001:db8:1::1/64"]
  server: [198.18.1.10, "2001:db8:1::10"]
  names: [service.example, "*.apps.example"]
management:
  device: management
  addresses: [198.18.2.1/24, "2001:db8:2::1/64"]
  server: [198.18.2.10, "2001:db8:2::10"]
  names: management.example
driver: xdp
"""
LIMITS = "\n# by hand\nlimits: {flows: 20000, sources: 20000}\n"


class _Unheard(list):
    def append(self, _):
        pass


def setup(site):
    site.home = tempfile.mkdtemp(prefix="dam-lab-setup-", dir="/tmp")
    for server in site.servers.values():  # setup looks at them by TLS, with and without headers
        server.errors = _Unheard()


def teardown(site):
    shutil.rmtree(site.home, ignore_errors=True)


def _command(site, *words, api=None):
    return [site.front.programs["damctl"], "-s", api or site.front.api, "setup", *words]


def _write(site, name, text):
    path = os.path.join(site.home, name)
    with open(path, "w") as handle:
        handle.write(text)
    return path


def _read(path):
    with open(path) as handle:
        return handle.read()


def _setup(site, *words, api="/nonexistent/control.sock", host=None):
    """Without a terminal, and without a control plane; the process that has ended, with its words."""
    child = (host or site.edge).popen(_command(site, *words, api=api), stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    child.out, child.err = child.communicate(timeout=50)
    return child


def _begin(site, *words):
    """The same with the control plane, in the background."""
    return site.edge.popen(_command(site, *words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True)


def _dialog(site, replies, *words, api="/nonexistent/control.sock"):
    """On a terminal: each question gets the first reply whose words are in it, others an empty line. Exit code, text."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["NO_COLOR"] = "1"
        os.execvp("nsenter", ["nsenter", f"--net=/run/netns/{site.edge.name}", "--", *_command(site, *words, api=api)])
    text, seen, reply = "", 0, ""
    deadline = time.monotonic() + 50
    try:
        while time.monotonic() < deadline:
            if not select.select([terminal], [], [], 1)[0]:
                continue
            chunk = os.read(terminal, 65536)
            if not chunk:
                break
            text += chunk.decode()
            if not text.endswith(("] ", "to go back: ")):
                continue
            question, seen = text[seen:], len(text)
            if "?" in question or "to go back" in question:  # else it asks the same again
                reply = next((reply for part, reply in replies.items() if part in question), "")
            os.write(terminal, ((reply() if callable(reply) else reply) + "\n").encode())
    except OSError:  # it has ended
        pass
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(terminal)
    return code, text.replace("\r\n", "\n")


def _serve(site):
    """The dam with what setup makes of the lab's networks, instead of the plan's policy."""
    front = site.front
    front.stop()
    os.remove(front.yaml)
    answers = _write(site, "serve.yaml", NETWORKS)
    made = _setup(site, "-f", front.yaml, "--answers", answers)
    assert made.returncode == 0, made.out + made.err
    with open(front.yaml, "a") as handle:
        handle.write(LIMITS)
    shutil.rmtree(os.path.join(front.directory, "state"), ignore_errors=True)
    front.start_dataplane("--fresh")
    front.start_controlplane(state=os.path.join(front.directory, "state-setup.db"))
    front._wait_ready()
    return answers


def _version(site):
    return json.loads(site.front.damctl("history", "--json"))


def _beside(path):
    """What lies beside a dam.yaml: the old ones."""
    folder, name = os.path.split(path)
    return [os.path.join(folder, one) for one in sorted(os.listdir(folder)) if one.startswith(name + ".")]


def test_first_by_hand(site):
    """on a terminal: the host is shown, everything it shows is proposed, and Enter takes it; the rest is asked again
    until it is an answer; what comes out is a whole dam.yaml that the dam serves by"""
    site.edge.ip("route", "add", "default", "via", "198.18.0.1", "dev", "front")
    path = os.path.join(site.home, "first.yaml")
    try:
        tries = iter(["https://service.example/", "service.example"])
        code, text = _dialog(site, {
            "address of the service server": "198.18.1.10", "Names of its pages": lambda: next(tries),
            "address of the management server": "198.18.2.10", "Names of the management": "management.example",
            "From where do administrators": "203.0.113.7", "Write " + path: "y"}, "-f", path)
    finally:
        site.edge.ip("route", "del", "default")
    assert code == 0, text
    for words in ("front: veth", "the host reaches the world by it", "198.18.0.80", "the host's default route",
                  "expected a server name", "+version: 1", "systemctl enable --now dam.target"):
        assert words in text, (words, text)
    made = _read(path)
    for words in ("device: front\n", "gateway: [198.18.0.1]\n", "device: service\n", "device: management\n",
                  "admin: [203.0.113.7]\n", "driver: xdp\n"):
        assert words in made, (words, made)
    assert os.stat(path).st_mode & 0o777 in (0o640, 0o644) and not _beside(path)
    assert "ok" in site.front.damctl("check", "-f", path)


def test_declined(site):
    """whoever says no at the end, or leaves, has changed nothing"""
    path = os.path.join(site.home, "declined.yaml")
    answers = {"address of the service": "198.18.1.10", "Names of its pages": "service.example",
               "address of the management": "198.18.2.10", "Names of the management": "management.example",
               "towards the router, where": "front"}
    code, text = _dialog(site, {**answers, "Write": "n"}, "-f", path)
    assert code == 1 and "Nothing has changed" in text and not os.path.exists(path), text
    code, text = _dialog(site, {"Which card leads to the router": "\x04"}, "-f", path)
    assert code == 1 and "nobody answers any more" in text and not os.path.exists(path), text


@suite.each(cards=[1, 2, 3])
def test_shapes(site, cards):
    """a host of one card is one arm, the next cards are networks of their own; what is made of each is valid"""
    host = netns.Namespace(f"{site.prefix}-host{cards}")
    site.namespaces.append(host)
    for number in range(cards):
        netns.veth(site.far_server, f"h{cards}c{number}", host, f"card{number}")
        host.ip("addr", "add", f"198.19.{number}.2/24", "dev", f"card{number}")
    host.ip("addr", "change", "198.19.0.2/24", "dev", "card0", "valid_lft", 3600, "preferred_lft", 3600)
    host.ip("route", "add", "default", "via", "198.19.0.1")
    # The servers are on the last networks there are.
    service, management = f"198.19.{min(1, cards - 1)}.10", f"198.19.{cards - 1}.11"
    path = _write(site, "shape.yaml", f"service: {{server: {service}, names: www.example.org}}\n"
                                      f"management: {{server: {management}, names: manage.example.org}}\n")
    done = _setup(site, "-f", os.path.join(site.home, "none.yaml"), "--answers", path, "--dry-run", "--json", host=host)
    assert done.returncode == 0, done.out + done.err
    answer = json.loads(done.out)
    answers = answer["answers"]
    assert ["198.19.0.2" in one["says"] for one in answer["findings"] if "for a time only" in one["says"]] == [True]
    assert [one["device"] for one in answer["host"]] == [f"card{number}" for number in range(cards)], answer["host"]
    found = [(answers[role + ".device"] or ["none"])[0] for role in ("front", "service", "management")]
    assert found == (["card0", "card1", "card2"][:cards] + ["none"] * 2)[:3], answers
    assert answers["front.gateway"] == ["198.19.0.1"] and answers["driver"] == ["xdp"], answers


def test_vlan(site):
    """VLANs of one card: as answered; where this kernel has VLAN devices, as the host has them"""
    host = netns.Namespace(f"{site.prefix}-hostv")
    site.namespaces.append(host)
    netns.veth(site.far_server, "hv", host, "card0")
    host.ip("addr", "add", "198.19.0.2/24", "dev", "card0")
    host.ip("route", "add", "default", "via", "198.19.0.1")
    made = os.path.join(site.home, "vlan.yaml")
    path = _write(site, "vlan-answers.yaml",
                  "service: {device: card0, vlan: 10, addresses: 198.19.10.1/24, server: 198.19.10.10, names: a.example}\n"
                  "management: {device: card0, vlan: 20, addresses: 198.19.20.1/24, server: 198.19.20.10, names: b.example}\n")
    done = _setup(site, "-f", made, "--answers", path, host=host)
    assert done.returncode == 0, done.out + done.err
    assert "vlan: 10\n" in _read(made) and "vlan: 20\n" in _read(made), _read(made)
    try:
        for vlan in (10, 20):
            host.ip("link", "add", "link", "card0", "name", f"card0.{vlan}", "type", "vlan", "id", vlan)
    except RuntimeError:
        site.note("this kernel has no VLAN devices")
        return
    for vlan in (10, 20):
        host.ip("link", "set", f"card0.{vlan}", "up")
        host.ip("addr", "add", f"198.19.{vlan}.1/24", "dev", f"card0.{vlan}")
    path = _write(site, "names.yaml", "service: {server: 198.19.10.10, names: a.example}\n"
                                      "management: {server: 198.19.20.10, names: b.example}\n")
    done = _setup(site, "-f", os.path.join(site.home, "none.yaml"), "--answers", path, "--dry-run", "--json", host=host)
    answers = json.loads(done.out)["answers"]
    assert [answers["service.vlan"], answers["management.vlan"]] == [["10"], ["20"]], answers


def test_it_serves_and_says_so_again(site):
    """the dam serves by what setup wrote; the same answers, in whatever form, change nothing, and setup says so; a
    hand-written line stays"""
    front = site.front
    answers = _serve(site)
    site.finish(*site.connect())
    site.finish(*site.connect("management.example", family=6))
    before = _read(front.yaml)
    printed = _setup(site, "-f", front.yaml, "--print-answers")
    assert printed.returncode == 0, printed.err
    for file in (answers, _write(site, "printed.yaml", printed.out)):
        again = _setup(site, "-f", front.yaml, "--answers", file, api=front.api)
        assert again.returncode == 0 and "nothing to change" in again.out, again.out + again.err
    assert _read(front.yaml) == before and not _beside(front.yaml)


def test_one_answer(site):
    """one other answer is one other line: put in force, confirmed from elsewhere, and only then written, the old file
    beside it; connections go on, and a restart of the control plane comes back with it"""
    front = site.front
    client, server = site.connect()
    before = _read(front.yaml)
    child = _begin(site, "-f", front.yaml, "--answers", _write(site, "admin.yaml", "admin: 203.0.113.7\n"),
                   "--confirm-within", "40s")
    suite.eventually(lambda: "unconfirmed" in _version(site), 30, "a version that waits")
    assert _read(front.yaml) == before
    front.damctl("confirm")
    said, _ = child.communicate(timeout=20)
    assert child.returncode == 0, said
    after = _read(front.yaml)
    assert set(after.splitlines()) - set(before.splitlines()) == {"admin: [203.0.113.7]"}, after
    assert LIMITS.strip() in after
    old, = _beside(front.yaml)
    assert _read(old) == before and old in said, said
    site.finish(client, server)
    front.end(front.controlplane)
    front.start_controlplane(state=os.path.join(front.directory, "state-setup.db"))
    suite.eventually(lambda: front.try_damctl("status").returncode == 0, 10, "the control plane")
    assert json.loads(front.damctl("policy", "--json"))["text"] == after


def test_not_confirmed(site):
    """what nobody confirms is taken back, dam.yaml stays as it is, and the exit code says so"""
    front = site.front
    client, server = site.connect()
    before = _read(front.yaml)
    child = _begin(site, "-f", front.yaml, "--answers", _write(site, "admin.yaml", "admin: [203.0.113.8]\n"),
                   "--confirm-within", "2s")
    said, _ = child.communicate(timeout=40)
    assert child.returncode == 1 and "was not confirmed" in said, (child.returncode, said)
    assert _read(front.yaml) == before and len(_beside(front.yaml)) == 1
    assert json.loads(front.damctl("policy", "--json"))["text"] == before
    site.finish(client, server)


@suite.each(word=["yes", "no"])
def test_confirmed_on_the_terminal(site, word):
    """on a terminal yes keeps it, and no takes it back at once"""
    front = site.front
    before = _read(front.yaml)
    code, text = _dialog(site, {"From where do administrators": f"203.0.113.7, 203.0.113.{len(word)}", "Put it in force": "y",
                                "to go back": word}, "-f", front.yaml, "--confirm-within", "40s", api=front.api)
    kept = f"203.0.113.{len(word)}"
    assert code == (0 if word == "yes" else 1), text
    assert (kept in _read(front.yaml)) == (word == "yes"), text
    assert "unconfirmed" not in _version(site)
    running = json.loads(front.damctl("policy", "--json"))["text"]
    assert running == _read(front.yaml), running
    assert word == "yes" or running == before


def test_something_else_runs(site):
    """what was changed since by damctl alone would be lost: setup refuses, and says what to type"""
    front = site.front
    front.damctl("zone", "set", "light", "mode=shadow")
    before = _read(front.yaml)
    path = _write(site, "admin.yaml", "admin: [203.0.113.9]\n")
    done = _setup(site, "-f", front.yaml, "--answers", path, "--yes", api=front.api)
    assert done.returncode == 1 and "damctl policy" in done.err and _read(front.yaml) == before, (done.returncode, done.out, done.err)
    front.damctl("apply", "-f", front.yaml)
    done = _setup(site, "-f", front.yaml, "--answers", path, "--yes", "--json", api=front.api)
    answer = json.loads(done.out)
    assert done.returncode == 0 and answer["written"] and answer["applied"] and answer["changed"], answer
    assert "203.0.113.9" in _read(front.yaml)


def test_bad_answers(site):
    """a bad answers file: every error at once with its place, by --json too; missing answers by name; nothing changes"""
    made = os.path.join(site.home, "never.yaml")
    path = _write(site, "bad.yaml", "front:\n  devise: front\n  addresses: 198.18.0.80\ndriver: pigeon\n")
    done = _setup(site, "-f", made, "--answers", path)
    assert done.returncode == 1, (done.returncode, done.err)
    for place, words in ((r"bad.yaml:2:3", "device"), (r"bad.yaml:3:14", "prefix length"), (r"bad.yaml:4:9", "xdp")):
        assert re.search(place, done.err) and words in done.err, done.err
    answer = json.loads(_setup(site, "-f", made, "--answers", path, "--json").out)
    assert [one["line"] for one in answer["errors"]] == [2, 3, 4] and not answer["ok"], answer
    done = _setup(site, "-f", made, "--answers", _write(site, "few.yaml", "driver: xdp\n"))
    assert done.returncode == 1, done.err
    for key in ("service.names", "management.names"):
        assert key in done.err, done.err
    # What dam.yaml would refuse is refused here, in its words.
    path = _write(site, "worse.yaml", NETWORKS.replace("names: management.example", "names: service.example"))
    done = _setup(site, "-f", made, "--answers", path)
    assert done.returncode == 1 and "service.example" in done.err and "Nothing has changed" in done.err, done.err
    assert not os.path.exists(made)
    done = _setup(site, "-f", made)
    assert done.returncode == 2 and "--answers" in done.err, done.err


def test_may_not_look(site):
    """whoever may not see whether there is a dam.yaml is told so, and not that there is none"""
    command = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups",
               site.front.programs["damctl"], "setup", "-f", os.path.join(site.home, "first.yaml"), "--print-answers"]
    child = site.edge.popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said, _ = child.communicate(timeout=30)
    assert child.returncode == 1 and "cannot be read" in said, said


def test_other_names(site):
    """a dam.yaml whose parts people have named otherwise: setup changes what it knows, refuses the rest in words, and
    touches nothing then"""
    path = os.path.join(site.home, "theirs.yaml")
    text = _read(site.front.yaml).replace("name: pages", "name: site")
    _write(site, "theirs.yaml", text)
    done = _setup(site, "-f", path, "--answers", _write(site, "names.yaml", "service: {names: new.example}\n"))
    assert done.returncode == 1 and "routes.pages.server_names: new.example" in done.err, done.err
    assert _read(path) == text
    done = _setup(site, "-f", path, "--answers", _write(site, "driver.yaml", "driver: auto\n"))
    assert done.returncode == 0 and _read(path) == text.replace("driver: xdp", "driver: auto"), done.err


def test_servers_are_looked_at(site):
    """a server that takes no PROXY header is found out, proposed as it is, and told in words; what does not answer, too"""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "90", "-keyout", f"{site.home}/key", "-out", f"{site.home}/pem", "-subj", "/CN=x",
                    "-addext", "subjectAltName=DNS:service.example"], check=True, capture_output=True)
    blocks = "".join(f"server {{ listen {listen}; ssl_certificate {site.home}/pem; ssl_certificate_key {site.home}/key;"
                     " location / { return 204; } }" for listen in (
                         "198.18.1.11:443 ssl", "[2001:db8:1::11]:443 ssl", "198.18.1.12:443 ssl proxy_protocol",
                         "[2001:db8:1::12]:443 ssl proxy_protocol"))
    conf = _write(site, "nginx.conf", f"daemon off; worker_processes 1; user root; pid {site.home}/nginx.pid;\n"
                  f"events {{ worker_connections 64; }}\nhttp {{ access_log off; {blocks} }}\n")
    nginx = site.service.popen(["nginx", "-p", site.home, "-c", conf, "-e", site.home + "/error.log"])
    try:
        def listens():
            with site.service:
                return socket.socket().connect_ex(("198.18.1.12", 443)) == 0
        suite.eventually(listens, 10, "nginx listens")
        for number, proxy in ((11, "none"), (12, "v2")):
            answers = _write(site, "nginx.yaml", NETWORKS.replace("198.18.1.10", f"198.18.1.{number}")
                             .replace("2001:db8:1::10", f"2001:db8:1::{number}")
                             .replace("198.18.2.10, ", "198.18.2.99, "))
            done = _setup(site, "-f", os.path.join(site.home, "none.yaml"), "--answers", answers, "--dry-run", "--json")
            answer = json.loads(done.out)
            servers = {one["server"]: one for one in answer["servers"]}
            assert answer["answers"]["service.proxy"] == [proxy], answer
            assert servers["service"]["well"] and "TLS" in servers["service"]["says"], servers
            assert not servers["management"]["well"] and not servers["service-http"]["well"], servers
        forced = _read(answers).replace("1.12", "1.11").replace("1::12", "1::11").replace("  device: service\n", "  device: service\n  proxy: v2\n")
        done = _setup(site, "-f", os.path.join(site.home, "none.yaml"), "--answers", _write(site, "v2.yaml", forced),
                      "--dry-run")
        assert done.returncode == 0 and "does not speak the PROXY protocol" in done.out, done.out
    finally:
        nginx.terminate()
        nginx.wait(10)


def test_restart(site):
    """what only a restart of the dataplane brings into force is said"""
    front = site.front
    done = _setup(site, "-f", front.yaml, "--answers", _write(site, "driver.yaml", "driver: auto\n"), "--yes",
                  api=front.api)
    assert done.returncode == 0 and "systemctl restart dam-dataplane" in done.out, done.out + done.err
    assert "driver: auto\n" in _read(front.yaml)
    site.finish(*site.connect())


def test_logged_in(site):
    """whoever is logged in by SSH is proposed for the admin list, and told what DPDK would take away, unless the host goes on"""
    os.environ["SSH_CONNECTION"] = "203.0.113.5 50000 198.18.0.80 22"
    with site.edge:
        sock = socket.create_server(("198.18.0.80", 2222))
    try:
        text = NETWORKS.replace("driver: xdp", "driver: dpdk")
        beside = _setup(site, "-f", os.path.join(site.home, "none.yaml"), "--answers", _write(site, "beside.yaml", text), "--dry-run")
        answers = _write(site, "dpdk.yaml", text.replace("front: {", "front: {host_path: false, "))
        done = _setup(site, "-f", os.path.join(site.home, "none.yaml"), "--answers", answers, "--dry-run")
    finally:
        sock.close()
        del os.environ["SSH_CONNECTION"]
    assert done.returncode == 0, done.out + done.err
    for words in ("Never banned, never denied: 203.0.113.5.", "+admin: [203.0.113.5]",
                  "you are logged in from 203.0.113.5 by front, and lose that to DPDK",
                  f"(pid {os.getpid()}) on port 2222", "The host loses front while the dam runs."):
        assert words in done.out, (words, done.out)
    assert beside.returncode == 0 and "lose that to DPDK" not in beside.out, beside.out + beside.err
    for words in ("The host goes on beside the dam on front.", "+    host_path: true"):
        assert words in beside.out, (words, beside.out)


def test_in_the_way(site):
    """what listens on the host where the dam will take the packets is told by setup and by doctor"""
    with site.edge:
        sock = socket.create_server(("0.0.0.0", 443))
    try:
        done = _setup(site, "-f", os.path.join(site.home, "none.yaml"), "--answers", _write(site, "way.yaml", NETWORKS),
                      "--dry-run")
        assert done.returncode == 0 and f"(pid {os.getpid()}) on port 443 of this host" in done.out, done.out
        child = site.edge.popen([site.front.programs["damctl"], "doctor", "-f", site.front.yaml, "--json"],
                                stdout=subprocess.PIPE, text=True)
        machine = json.loads(child.communicate(timeout=20)[0])["machine"]
        assert any("on port 443 of this host" in one["says"] for one in machine), machine
    finally:
        sock.close()
