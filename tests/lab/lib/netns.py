# SPDX-License-Identifier: BSD-3-Clause
"""Network namespaces: making them, wiring them with veths, stepping into them."""
import contextlib
import ctypes
import os
import subprocess

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
# TSO, GSO and GRO make frames larger than the MTU; tx leaves checksums to a NIC that is not there.
# txvlan leaves VLAN tags to it, beside the frame.
_NO_OFFLOADS = [word for name in ("tx", "rx", "tso", "gso", "gro", "sg", "txvlan") for word in (name, "off")]


def run(*command, check=True, **kwargs):
    """Runs a command, returns its standard output."""
    done = subprocess.run([str(word) for word in command], text=True, capture_output=True, **kwargs)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    return done.stdout


def _setns(path):
    with open(path, "rb") as handle:
        if _libc.setns(handle.fileno(), _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns {path}")


class Namespace:
    """One network namespace. Sockets made inside `with namespace:` stay in it."""

    def __init__(self, name):
        self.name = name
        self._home = []
        run("ip", "netns", "add", name)
        self.ip("link", "set", "lo", "up")

    def __enter__(self):
        # The calling thread's own namespace: threads enter and leave independently.
        self._home.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY))
        _setns(f"/run/netns/{self.name}")
        return self

    def __exit__(self, *_):
        home = self._home.pop()
        _libc.setns(home, _CLONE_NEWNET)
        os.close(home)

    def ip(self, *words):
        return run("ip", "-n", self.name, *words)

    def ip_each(self, commands):
        """Many of them, by one process."""
        lines = "".join(" ".join(map(str, words)) + "\n" for words in commands)
        return run("ip", "-n", self.name, "-batch", "-", input=lines)

    def run(self, *command, **kwargs):
        return run("ip", "netns", "exec", self.name, *command, **kwargs)

    def popen(self, command, **kwargs):
        """Starts a program inside. Enters with setns, so that its /sys stays the host's."""
        return subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{self.name}", "--"] + [str(word) for word in command],
            **kwargs)

    def sysctl(self, name, value=None):
        path = "/proc/sys/" + name.replace(".", "/")
        with self:
            if value is not None:
                with open(path, "w") as handle:
                    handle.write(str(value))
            with open(path) as handle:
                return handle.read().strip()

    @contextlib.contextmanager
    def sysctls(self, values):
        """The settings hold inside the `with`; the old ones come back after it."""
        old = {name: self.sysctl(name) for name in values}
        try:
            for name, value in values.items():
                self.sysctl(name, value)
            yield
        finally:
            for name, value in old.items():
                self.sysctl(name, value)

    @contextlib.contextmanager
    def rules(self, text):
        """nftables rules (the inside of one inet table) that hold inside the `with`."""
        self.run("nft", "-f", "-", input="table inet lab {\n" + text + "\n}\n")
        try:
            yield
        finally:
            self.run("nft", "delete", "table", "inet", "lab")

    def mac(self, device):
        text = self.ip("-o", "link", "show", "dev", device)
        return bytes.fromhex(text.split("link/ether ")[1].split()[0].replace(":", ""))

    def remove(self):
        run("ip", "netns", "del", self.name, check=False)


class Existing(Namespace):
    """One that somebody else has made, and takes away."""

    def __init__(self, name):  # pylint: disable=super-init-not-called
        self.name = name
        self._home = []


def veth(a, device_a, b, device_b, mtu=1500, queues=1):
    """A cable from namespace a to namespace b, with every offload off."""
    shape = ["numtxqueues", queues, "numrxqueues", queues]
    a.ip("link", "add", device_a, *shape, "type", "veth", "peer", "name", device_b, *shape,
         "netns", b.name)
    for namespace, device in ((a, device_a), (b, device_b)):
        namespace.run("ethtool", "-K", device, *_NO_OFFLOADS)
        namespace.ip("link", "set", device, "mtu", mtu, "up")


def existing():
    """Names of the namespaces that are there now."""
    return [line.split()[0] for line in run("ip", "netns", "list").splitlines() if line]
