# SPDX-License-Identifier: BSD-3-Clause
"""The dam itself: dam-dataplane and dam-controlplane of a build, in the edge namespace."""
import http.client
import json
import os
import signal
import struct
import subprocess
import time

from . import log_lines, site as sites
from .counters import Counters

BPFFS = "/sys/fs/bpf"
SHM = "/dev/shm"
PROGRAMS = {"dataplane": "dataplane/dam-dataplane", "controlplane": "controlplane/dam-controlplane",
            "damctl": "tools/damctl/damctl"}


def _interface(device, pair, **more):
    return {"device": device, "addresses": [f"{pair[4]}/24", f"{pair[6]}/64"], **more}


def _server(server):
    if server["role"] == "far":
        addresses = sites.FAR_SERVER
    else:
        addresses = getattr(sites, server["role"] + "_address")(server["n"])
    families = server.get("families", (4, 6))
    made = {"addresses": [addresses[family] for family in families], "port": server["port"],
            "proxy": server.get("proxy", "v2")}
    for key in ("tlvs", "weight", "check"):
        if key in server:
            made[key] = list(server[key]) if key == "tlvs" else server[key]
    return made


def _route(route):
    names = {"names": "server_names", "absent": "absent_server_name"}
    return {names.get(key, key): value for key, value in route.items()}


def configuration(plan, driver):
    """dam.yaml as a dictionary."""
    front = _interface("front", sites.PUBLIC, gateway=[sites.CLIENT[4], sites.CLIENT[6]])
    if plan["vlan"] is not None:
        front["vlan"] = plan["vlan"]
    if plan["host_path"] is not None:
        front["host_path"] = plan["host_path"]
    interfaces = {"front": front}
    for role in ("service", "management"):
        if plan.get("interface_" + role, {}) is None:  # the addresses are the front's too
            front["addresses"] += _interface("front", sites.DAM[role])["addresses"]
            continue
        interfaces[role] = {**_interface(role, sites.DAM[role]), **plan.get("interface_" + role, {})}
    first, last = plan["source_ports"]
    return {
        "version": 1, "driver": driver, "workers": plan["workers"], "interfaces": interfaces,
        "xdp": {"beside_others": plan["beside_others"]},
        # None: the dam's own defaults, large tables and all.
        "limits": {} if plan["limits"] is None else {"flows": 20000, "sources": 20000, **plan["limits"]},
        "timeouts": plan["timeouts"], "source_ports": f"{first}-{last}",
        "admin": plan["admin"], "deny": plan["deny"], "logs": plan["logs"],
        **{key: plan[key] for key in ("bans", "signals", "lookalikes") if key in plan},
        "listeners": [{"name": name, "addresses": list(sites.PUBLIC.values()), "port": one["port"],
                       "protocol": one["protocol"]} for name, one in plan["listeners"].items()],
        "zones": plan["zones"],
        "servers": {name: _server(one) for name, one in plan["servers"].items()},
        "routes": [_route(one) for one in plan["routes"]],
    }


class DamFront:
    is_dam = True
    slower = 1  # than on this machine

    def __init__(self, site, plan, directory, options):
        self.site, self.plan, self.directory = site, plan, directory
        self.driver = self.driver_name = options.driver  # the second: as the policy writes it
        self.on_xdp = self.driver == "xdp"
        self.log_begins = 0  # of the dataplane that runs now
        self.programs = {name: os.path.join(options.build, path) for name, path in PROGRAMS.items()}
        self.socket = os.path.join(directory, "dataplane.sock")
        self.api = os.path.join(directory, "control.sock")
        self.yaml = os.path.join(directory, "dam.yaml")
        self.log_folder = os.path.join(directory, "logs")
        self.pins = os.path.join(BPFFS, site.edge.name)
        self.tables = os.path.join(SHM, site.edge.name)
        self.dataplane = self.controlplane = None
        os.makedirs(self.log_folder, exist_ok=True)
        self.log_reader = log_lines.Reader(self.log_folder)
        os.chmod(directory, 0o755)  # the dataplane does not stay root

    @staticmethod
    def missing(options):
        """Programs that a run needs and the build lacks."""
        paths = [os.path.join(options.build, path) for path in PROGRAMS.values()]
        return [path for path in paths if not os.access(path, os.X_OK)]

    def start(self):
        if self.on_xdp:
            self.site.share_edge_with_host(self.plan["vlan"])
        else:  # the kernel has no part in the edge's devices
            for device in ("front",) if self.site.one_arm else ("front", "service", "management"):
                self.site.edge.sysctl(f"net.ipv6.conf.{device}.disable_ipv6", 1)
        self.write(self.plan)
        self.start_dataplane("--fresh")
        self.start_controlplane()
        self._wait_ready()

    def start_dataplane(self, *more, under=()):
        """`under`: the words before it, of a program that becomes the dataplane."""
        path = os.path.join(self.directory, "dataplane.log")
        self.log_begins = os.path.getsize(path) if os.path.exists(path) else 0
        self.dataplane = self._start("dataplane", "--socket", self.socket, "--pins", self.pins,
                                     "--tables", self.tables, *more, under=under)
        self._until(lambda: os.path.exists(self.socket), 5, "the dataplane's socket")

    def start_controlplane(self, state=None, more=(), under=()):
        """state: where it keeps policies, or "none"; more: words of its command line; under: the words before it."""
        self.controlplane = self._start("controlplane", "--config", self.yaml, "--dataplane-socket",
                                        self.socket, "--api-socket", self.api,
                                        "--state", state or os.path.join(self.directory, "policy.db"),
                                        "--log-folder", self.log_folder,
                                        "--metrics-address", "127.0.0.1:9415", *more, under=under)

    def _start(self, name, *words, under=()):
        log = open(os.path.join(self.directory, name + ".log"), "a")
        return self.site.edge.popen([*under, self.programs[name], *words], stdout=log, stderr=log,
                                    start_new_session=True)

    def detach(self, *more):
        """damctl detach; its exit status and what it said."""
        process = self.site.edge.popen([self.programs["damctl"], "detach", "--pins", self.pins, "--tables", self.tables,
                                        *more], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        said, _ = process.communicate(timeout=20)
        return process.returncode, said

    def _until(self, condition, timeout, what):
        deadline = time.monotonic() + timeout * self.slower
        while not condition():
            if not self.alive() or time.monotonic() > deadline:
                raise AssertionError(f"{what} did not come within {timeout} s\n" + self.evidence())
            time.sleep(0.05)

    def _wait_ready(self):
        """Until connections of both families go through, which shows ARP and NDP to be done too."""
        self._until(self.has_policy, 20, "the first policy")
        for family in (4, 6):
            self._until(lambda: self._reachable(family), 10, f"a handshake over IPv{family}")
        # Two rounds of probes: the dam then knows which servers are up, and their options.
        time.sleep(float(self.plan.get("settle", 0.7)) * min(self.slower, 3))

    def said(self):
        """What the dataplane that runs now has written to its log."""
        with open(os.path.join(self.directory, "dataplane.log")) as handle:
            handle.seek(self.log_begins)
            return handle.read()

    def has_policy(self):
        try:
            version = self.counters().policy_version
        except (OSError, RuntimeError, struct.error):
            return False
        # The counters name it when the engine has it; the kernel's part has it a little later.
        return version if not self.on_xdp or "is in force." in self.said() else 0

    def _reachable(self, family):
        port = next(iter(self.plan["listeners"].values()))["port"]
        try:
            self.site.open(port=port, family=family, timeout=0.5).close()
            return True
        except OSError:
            return False

    def write(self, plan):
        """Writes the plan as the dam's configuration file. JSON is YAML too."""
        with open(self.yaml, "w") as handle:
            json.dump(configuration(plan, self.driver_name), handle, indent=1)

    def apply(self, plan, *words):
        """Changes the policy while traffic flows."""
        self.plan_now = plan
        self.write(plan)
        self.damctl("apply", "-f", self.yaml, *words)

    def try_damctl(self, *words):
        return subprocess.run([self.programs["damctl"], "-s", self.api, *words], text=True,
                              capture_output=True)

    def damctl(self, *words):
        done = self.try_damctl(*words)
        assert done.returncode == 0, f"damctl {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    def metrics(self):
        """What Prometheus would read from the running control plane."""
        with self.site.edge:
            connection = http.client.HTTPConnection("127.0.0.1", 9415, timeout=5)
            connection.request("GET", "/metrics")
        answer = connection.getresponse()
        assert answer.status == 200, answer.status
        text = answer.read().decode()
        connection.close()
        return text

    def json(self, command):
        return json.loads(self.damctl(command, "--json"))

    def alive(self):
        return self.dataplane is not None and self.dataplane.poll() is None

    def counters(self):
        return Counters(os.path.join(self.directory, "counters"))

    def drops(self):
        return self.counters().drops()

    def zone(self, name):
        return self.counters().zone(name)

    def table(self, name):
        return self.counters().table(name)

    def host_packets(self):
        """Frames that were handed to the host's own stack."""
        counters = self.counters()
        return sum(counters.worker(index)["host_packets"] for index in range(counters.workers))

    def server_up(self, name):
        return self.counters().servers()[name]

    def worker_pid(self):
        """The process that forwards: the child of the one that we started, which keeps it."""
        pid = self.dataplane.pid
        with open(f"/proc/{pid}/task/{pid}/children") as handle:
            return int(handle.read().split()[0])

    def _log(self, name):
        path = os.path.join(self.directory, name + ".log")
        if not os.path.exists(path):
            return ""
        with open(path) as handle:
            return handle.read()

    def evidence(self):
        """What helps to understand a failure."""
        out = ""
        for name in ("dataplane", "controlplane"):
            text = self._log(name)[-1500:].strip()
            if text:
                out += f"{name}.log: {text}\n"
        try:
            drops = {reason: count for reason, count in self.drops().items() if count}
            out += f"drops so far: {drops}\n"
        except (OSError, RuntimeError, struct.error) as error:
            out += f"no counters: {error}\n"
        return out

    def judge_logs(self):
        self.log_reader.judge_new()

    def stop(self):
        for process in (self.controlplane, self.dataplane):
            self.end(process)
        self.detach()

    def end(self, process, how=signal.SIGTERM):
        if process is None or process.poll() is not None:
            return
        os.killpg(process.pid, how)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
