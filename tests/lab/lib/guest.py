# SPDX-License-Identifier: BSD-3-Clause
"""The dam on a machine of its own (machine.py), between the clients and servers of this one. A test that asks this machine's processes,
files and namespaces of the dam is skipped."""
import copy
import json
import os
import signal
import subprocess
import xmlrpc.client
import zlib

from . import dam, log_lines, site as sites, suite
from .counters import Counters

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
FOLDER = "/tmp/dam"  # on the guest
_SLOWER = 8  # emulated, beside all else


class _Process:
    """One that the agent keeps."""

    def __init__(self, agent, number):
        self._agent, self._number = agent, number

    @property
    def pid(self):
        raise suite.Skipped("the dam's processes are another machine's")

    def poll(self):
        return self._agent.poll(self._number)

    def wait(self, seconds):
        suite.eventually(lambda: self.poll() is not None, seconds * _SLOWER, "the end of a process")
        return self.poll()

    def end(self, how):
        self._agent.end(self._number, int(how), 10 * _SLOWER)


class GuestFront(dam.DamFront):
    slower = _SLOWER

    def __init__(self, site, plan, directory, options):  # pylint: disable=super-init-not-called
        self.site, self.plan = site, plan
        self.driver = self.driver_name = options.driver
        self.on_xdp = self.driver == "xdp"
        self.machine, self._agent = site.machine, site.machine.agent
        self._local = directory
        self._programs = {name: os.path.join(ROOT, options.build, path) for name, path in dam.PROGRAMS.items()}
        self.yaml = FOLDER + "/dam.yaml"
        self.dataplane = self.controlplane = None
        self.log_begins = 0
        self._log_reader = log_lines.Reader(directory)

    def __getattr__(self, name):
        if name in ("directory", "socket", "api", "programs", "log_folder", "pins", "log_reader"):
            raise suite.Skipped("the dam's files are another machine's")
        raise AttributeError(name)

    def worker_pid(self):
        raise suite.Skipped("the dam's processes are another machine's")

    @staticmethod
    def missing(options):
        return [] if options.guest else ["a guest (sudo tests/vm/lab)"]

    def start(self):
        self._agent.clear(FOLDER)
        if self.on_xdp:
            self._addresses()
        self.write(self.plan)
        self.start_dataplane("--fresh")
        self.start_controlplane()
        self._wait_ready()

    def _addresses(self):
        """The guest's own kernel has them, as an edge's has in XDP mode."""
        for device in self.machine.devices:  # link-local ones stay: the kernel asks for neighbours by them
            self.machine.do("ip", "addr", "flush", "dev", device, "scope", "global")
            self.machine.do("ip", "link", "set", device, "up")
            self.machine.do("ip", "neigh", "flush", "dev", device)  # the cables' other ends are new
        if self.plan["vlan"] is not None:
            self._vlan_device(self.plan["vlan"])
        front = "front" if self.plan["vlan"] is None else f"front.{self.plan['vlan']}"
        for device, pair in self.site.host_addresses():
            device = front if device == "front" else device
            self.machine.do("ip", "addr", "add", f"{pair[4]}/24", "dev", device)
            self.machine.do("ip", "addr", "add", f"{pair[6]}/64", "dev", device, "nodad")

    def _vlan_device(self, vlan):
        """A NIC that filters VLANs lets in those that the host has a device for."""
        name = f"front.{vlan}"
        if not self._agent.exists(f"/sys/class/net/{name}"):
            self.machine.do("ip", "link", "add", "link", "front", "name", name, "type", "vlan", "id", str(vlan))
        self.machine.do("ip", "addr", "flush", "dev", name, "scope", "global")
        self.machine.do("ip", "link", "set", name, "up")

    def start_dataplane(self, *more, under=()):
        self.log_begins = self._agent.size(FOLDER + "/dataplane.log")
        self.dataplane = self._start("dataplane", "--socket", FOLDER + "/dataplane.sock", *more, under=under)
        self._until(lambda: self._agent.exists(FOLDER + "/dataplane.sock"), 15, "the dataplane's socket")

    def start_controlplane(self, state=None, more=(), under=()):
        self.controlplane = self._start(
            "controlplane", "--config", self.yaml, "--dataplane-socket", FOLDER + "/dataplane.sock", "--api-socket",
            FOLDER + "/control.sock", "--state", state or FOLDER + "/policy.db", "--log-folder", FOLDER + "/logs",
            "--metrics-address", "127.0.0.1:9415", *more, under=under)

    def _start(self, name, *words, under=()):
        number = self._agent.start([*under, self._programs[name], *words], f"{FOLDER}/{name}.log")
        return _Process(self._agent, number)

    def write(self, plan):
        made = copy.deepcopy(dam.configuration(plan, self.driver_name))
        if not self.on_xdp:
            made["dpdk"] = {"bind": True, "unsafe_noiommu": self.machine.unsafe_noiommu}
        for one in made["interfaces"].values():
            one["device"] = self.machine.devices[one["device"]]
        self._agent.write(self.yaml, json.dumps(made, indent=1))

    def try_damctl(self, *words):
        command = [self._programs["damctl"], "-s", FOLDER + "/control.sock", *words]
        return subprocess.CompletedProcess(command, *self._agent.run(command, 60))

    def detach(self):
        status, out, err = self._agent.run([self._programs["damctl"], "detach"], 60)
        return status, out + err

    def metrics(self):
        return self.machine.do("curl", "-sSf", "http://127.0.0.1:9415/metrics")

    def _read(self, path, begin=0):
        return zlib.decompress(self._agent.read(path, begin).data)

    def said(self):
        return self._read(FOLDER + "/dataplane.log", self.log_begins).decode()

    def counters(self):
        path = os.path.join(self._local, "counters")
        try:
            text = self._read(FOLDER + "/counters")
        except xmlrpc.client.Fault as error:
            raise OSError(error.faultString) from None
        with open(path, "wb") as handle:
            handle.write(text)
        return Counters(path)

    def judge_logs(self):
        path = os.path.join(self._local, "dam.jsonl")
        if self._agent.exists(FOLDER + "/logs/dam.jsonl"):
            with open(path, "r+b" if os.path.exists(path) else "wb") as handle:
                handle.write(self._read(FOLDER + "/logs/dam.jsonl"))
        self._log_reader.judge_new()

    def _log(self, name):
        return self._read(f"{FOLDER}/{name}.log").decode(errors="replace")

    def end(self, process, how=signal.SIGTERM):
        if process is not None and process.poll() is None:
            process.end(how)
