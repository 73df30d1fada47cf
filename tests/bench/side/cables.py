# SPDX-License-Identifier: BSD-3-Clause
"""A site for one front: the lab's, with the packets of each end taken in on the right core."""
import os
import subprocess

from lib.site import DAM, PUBLIC, SOURCES, Site

from .fronts import MANAGEMENT, PLAIN, PROXIED, SERVICE

ENDS = ("client", "service", "management")


def ethtool(namespace, device, **features):
    namespace.run("ethtool", "-K", device, *(word for pair in features.items() for word in pair), check=False)


class SideSite(Site):
    """frames: "wire" for at most 1,514 bytes on every cable, "super" for up to 64 KiB."""

    def __init__(self, prefix, front, options, frames="wire"):
        super().__init__(prefix)
        self.side, self.options, self.frames = [], options, frames
        try:
            self._addresses()
            self._cables(front)
            for namespace, address in ((self.service, SERVICE), (self.management, MANAGEMENT)):
                self.side.append(self._server(namespace, address))
        except BaseException:
            self.close()
            raise

    def _addresses(self):
        """The edge has its addresses as any host has; everybody else answers through it."""
        for device, pair in (("front", PUBLIC), ("service", DAM["service"]), ("management", DAM["management"])):
            self._address(self.edge, device, pair)
        self.shared = True  # the dam's front need not do that
        self.edge.ip("route", "add", "default", "via", "198.18.0.1")
        self.service.ip("route", "add", "default", "via", DAM["service"][4])
        self.management.ip("route", "add", "default", "via", DAM["management"][4])
        for namespace in (self.client, self.edge, self.service, self.management):
            namespace.sysctl("net.ipv4.tcp_congestion_control", "reno")
        # Proxies open a connection for each of their clients'.
        self.edge.sysctl("net.ipv4.ip_local_port_range", "10000 65000")
        self.edge.sysctl("net.ipv4.tcp_tw_reuse", 1)

    def _cables(self, front):
        """GRO makes a veth take in packets by NAPI, whose thread can be pinned. It merges nothing here unless
        super-frames are asked for. Checksums are a NIC's work for the kernel's fronts; XDP sees them, so that
        the dam's clients and servers compute theirs themselves, on their own core."""
        large = "on" if self.frames == "super" else "off"
        sums = "off" if front.reads_frames else "on"
        for role in ENDS:
            device = "front" if role == "client" else role
            for namespace, name in ((getattr(self, role), "eth0"), (self.edge, device)):
                ethtool(namespace, name, rx="on", tx=sums, sg=sums, tso=large, gso=large, gro="on")
                if self.frames == "wire":
                    namespace.ip("link", "set", "dev", name, "gro_max_size", "1")
                namespace.run("sh", "-c", f"echo 1 >/sys/class/net/{name}/threaded")
        if front.reads_frames:  # what XDP_TX sends is taken up only by a program
            self.attach_pass(self.client, "eth0")

    def _server(self, namespace, address):
        program = os.path.join(self.options.build, "tests/bench/side_server")
        return namespace.popen([program, address, PROXIED, PLAIN], stdout=subprocess.PIPE, text=True)

    def client_command(self, mode, front, **words):
        """A command for the client's namespace."""
        command = [os.path.join(self.options.build, "tests/bench/side_client"), mode, "--to", front.to, "--from",
                   SOURCES[4][0], "--sources", len(SOURCES[4])]
        for name in words.pop("names", front.names[:1]):
            command += ["--name", name]
        for word, value in words.items():
            command += ["--" + word.replace("_", "-"), value]
        return command

    def close(self):
        for server in getattr(self, "side", ()):
            server.terminate()
            server.wait(5)
            server.stdout.close()
        super().close()
