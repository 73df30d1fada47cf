# SPDX-License-Identifier: BSD-3-Clause
"""New connections, of both names, without and with a flood of SYNs from forged addresses."""
import json
import os
import subprocess
import time

from lib.site import PUBLIC

from . import measures


class Flood:
    """side_flood in the client's namespace; its sink stays on the client's device."""

    def __init__(self, site, seconds, per_second):
        program = os.path.join(site.options.build, "tests/bench/side_flood")
        mac = site.edge.mac("front").hex(":")
        self.process = site.client.popen(
            [program, "eth0", mac, PUBLIC[4], 443, per_second, seconds], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, start_new_session=True)
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError("side_flood does not start")
        _least_of_all(self.process.pid)

    def begin(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self

    def sent(self):
        """Ends by itself; gives how many it sent."""
        return json.loads(self.process.communicate(timeout=90)[0])["sent"]


def _least_of_all(pid):
    """Where each session is weighed as a whole, a low priority inside of it does not do."""
    try:
        with open(f"/proc/{pid}/autogroup", "w", encoding="ascii") as handle:
            handle.write("19")
    except FileNotFoundError:
        pass


def arrived(site):
    """SYNs and all else that the front's device took in, whatever became of it."""
    lines = site.edge.run("ethtool", "-S", "front").splitlines()
    return sum(int(line.split(":")[1]) for line in lines if "rx_queue" in line and "xdp_packets" in line)


def _honest(site, front, size):
    """New connections at a slow, steady rate: names take turns. What is lost is counted, not an error."""
    result = measures.run(site, site.client_command(
        "connections", front, names=front.names, count=size["honest"], rate=size["honest_rate"], give_up=5))
    return {name.split(".")[0]: {key: seen[key] for key in ("answers", "lost", "p50_us", "p99_us", "most_us")}
            for name, seen in result["names"].items()}


def _calm(site, front, cores, size):
    names, facts = cores.busy_during(lambda: _honest(site, front, size), front)
    return {"names": names, **facts}


def _flooded(site, front, cores, size, per_second):
    """The flood begins before and ends after the honest connections."""
    flood = Flood(site, size["honest"] / size["honest_rate"] + 1, per_second)

    def work():
        flood.begin()
        time.sleep(0.3)
        return _honest(site, front, size), flood.sent()

    before = arrived(site)
    (names, sent), facts = cores.busy_during(work, front)
    return {"names": names, "sent": sent, "arrived": arrived(site) - before, **facts}


def measure(site, front, cores, size):
    """One round: calm, then under each flood. A SYN costs what it costs more than calm."""
    figures = {"calm": _calm(site, front, cores, size)}
    for per_second in size["floods"]:
        name = f"{per_second:,}/s" if per_second else "most"
        figures[name] = one = _flooded(site, front, cores, size, per_second)
        extra = {kind: one[f"{kind}_s"] - figures["calm"][f"{kind}_s"] for kind in ("core", "threads")}
        for kind, spent in extra.items():
            one[f"{kind}_per_syn"] = spent / max(one["arrived"], 1)
        time.sleep(0.3)
    return figures


def prepare(site, front, cores):
    """The sink takes its place, for the calm figures too."""
    Flood(site, 0, 1).begin().sent()
    front.napi += cores.pin()
