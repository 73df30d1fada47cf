# SPDX-License-Identifier: BSD-3-Clause
"""A machine under QEMU (tests/vm/lab) in the place of the edge: its NICs' cables end in a namespace here, each in a bridge. What is asked
of it goes to tests/vm/agent.py there."""
import http.client
import json
import xmlrpc.client

from . import netns, suite


class _Transport(xmlrpc.client.Transport):
    """Connections of a namespace."""

    def __init__(self, namespace):
        super().__init__()
        self._namespace = namespace

    def make_connection(self, host):
        connection = http.client.HTTPConnection(host, timeout=180)
        with self._namespace:
            connection.connect()
        return connection


class _Edge:
    """In the place of the edge's namespace: nothing but the NICs' addresses is known here."""

    def __init__(self, macs):
        self._macs = macs

    def mac(self, device):
        return bytes.fromhex(self._macs[device].replace(":", ""))

    def __getattr__(self, name):
        raise suite.Skipped("the dam's machine is another one")

    def __enter__(self):
        raise suite.Skipped("the dam's machine is another one")

    def __exit__(self, *_):
        pass


class Machine:
    """What tests/vm/lab wrote of the guest: where its cables end, its NICs' devices and addresses, its agent."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as handle:
            about = json.load(handle)
        self.devices, self.edge = about["devices"], _Edge(about["macs"])
        self.unsafe_noiommu = about["unsafe_noiommu"]
        self._plugged = []
        self.cables = netns.Existing(about["cables"])
        self.agent = xmlrpc.client.ServerProxy(f"http://{about['agent']}/", allow_none=True,
                                               transport=_Transport(netns.Existing(about["control"])))

    def plug_in(self, device):
        """The end of a cable of the lab's, which is in `cables`, to the guest's NIC of that name."""
        self.cables.ip("link", "set", device, "master", "to-" + device)
        self._plugged.append(device)

    def unplug(self):
        """Now: what a namespace takes with it goes some time later."""
        for device in self._plugged:
            self.cables.ip("link", "del", device)
        self._plugged = []

    def do(self, *words):
        status, said, _ = self.agent.run(list(words), 120)
        assert status == 0, f"{' '.join(words)}: {said}"
        return said
