# SPDX-License-Identifier: BSD-3-Clause
"""The lab's site with the dam, servers that answer by themselves, and the legitimate load; and what scenarios do to them."""
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import shutil

from lib import suite
from lib.dam import DamFront
from lib.site import Site, management_address, service_address

from .plan import PLAN

HERE = os.path.dirname(os.path.abspath(__file__))
SERVERS = {"service": ("service", 10), "spare": ("service", 11), "management": ("management", 10)}


class World:
    def __init__(self, prefix, options, wires=()):
        self.options, self.children, self.servers, self.acknowledged = options, [], {}, {}
        self.directory = tempfile.mkdtemp(prefix="dam-faults-")
        self.load = self.front = self.site = None
        try:
            self.site = Site(prefix, wires)
            self.site.options = options
            self._as_machines_do()
            for name in SERVERS:
                self.start_server(name)
            self.front = self.site.front = DamFront(self.site, PLAN, self.directory, options)
            self.front.start()
            self.start_load()
        except BaseException:
            self.close()
            raise

    def _as_machines_do(self):
        """Routers and servers keep their addresses, announce a new link address, and ask in their own name."""
        for role in ("client", "service", "management"):
            for name, value in {"ipv6.conf.eth0.keep_addr_on_down": 1, "ipv4.conf.eth0.arp_notify": 1,
                                "ipv6.conf.eth0.ndisc_notify": 1, "ipv4.conf.eth0.arp_announce": 2}.items():
                getattr(self.site, role).sysctl("net." + name, value)

    def keep(self, process):
        self.children.append(process)
        return process

    def start_server(self, name):
        role, n = SERVERS[name]
        addresses = (service_address if role == "service" else management_address)(n)
        process = self.keep(getattr(self.site, role).popen(
            [sys.executable, os.path.join(HERE, "server.py"), 443, *addresses.values()],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True))
        if process.stdout.readline() != "ready\n":
            raise RuntimeError(f"server {name} does not start")
        self.servers[name] = process

    def stop_server(self, name, how=signal.SIGKILL):
        self.servers[name].send_signal(how)
        self.servers[name].wait()

    def start_load(self):
        self.load = self.keep(self.site.client.popen(
            [sys.executable, os.path.join(HERE, "load.py"), self.options.seed],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True))
        suite.eventually(lambda: len(self.ask("standing")) >= 30, 20, "the load's conversations", every=0.3)

    def ask(self, word):
        self.load.stdin.write(word + "\n")
        self.load.stdin.flush()
        return json.loads(self.load.stdout.readline())

    def front_mac(self):
        return self.site.edge.mac("front")

    def kill(self, whom):
        """SIGKILL at once; gives what has to be started again."""
        front = self.front
        if whom == "child":
            os.kill(front.worker_pid(), signal.SIGKILL)
        elif whom == "keeper":
            os.kill(front.dataplane.pid, signal.SIGKILL)
        elif whom == "dataplane":
            os.killpg(front.dataplane.pid, signal.SIGKILL)
        elif whom == "controlplane":
            os.killpg(front.controlplane.pid, signal.SIGKILL)
        else:
            os.killpg(front.dataplane.pid, signal.SIGKILL)
            os.killpg(front.controlplane.pid, signal.SIGKILL)
        for process in (front.dataplane, front.controlplane):
            if process.pid == front.controlplane.pid and whom in ("controlplane", "both") or \
                    process.pid == front.dataplane.pid and whom != "controlplane":
                process.wait(20)

    def start_again(self):
        """As systemd would: whichever does not run, once all of the one before is gone."""
        front = self.front
        if not front.alive():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(front.dataplane.pid, signal.SIGKILL)
            front.start_dataplane()
        if front.controlplane.poll() is not None:
            front.start_controlplane()

    def wait_well(self, seconds=30):
        """Both processes answer, a policy is in force, all servers are up."""
        front = self.front

        def is_alive():
            self.start_again()
            return front.alive()

        suite.eventually(lambda: is_alive() and "is in force." in front.said() and front.has_policy(), seconds,
                         lambda: "a policy; " + front.evidence())
        suite.eventually(lambda: front.try_damctl("status").returncode == 0, seconds,
                         lambda: "the control plane; " + front.evidence())
        suite.eventually(lambda: all(front.server_up(name) for name in SERVERS), seconds, "the servers up")

    def ban(self, source):
        """What is acknowledged must hold, whatever dies next."""
        self.front.damctl("ban", source, "--for", "2h", "--reason", "a test")
        self.acknowledged[source] = True

    def bans(self):
        return {ban["source"] for ban in json.loads(self.front.damctl("bans", "--json"))["bans"]}

    def header_errors(self):
        """Bad PROXY headers that servers met: lines that are there already."""
        found = []
        for process in self.servers.values():
            os.set_blocking(process.stdout.fileno(), False)
            if line := process.stdout.readline():
                found.append(line.strip())
        return found

    def close(self):
        for process in self.children:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if self.front:
            self.front.stop()
        if self.site:
            self.site.close()
        if self.options.keep:
            print(f"logs: {self.directory}")
        else:
            shutil.rmtree(self.directory, ignore_errors=True)
