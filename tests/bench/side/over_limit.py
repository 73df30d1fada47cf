# SPDX-License-Identifier: BSD-3-Clause
"""A source that opens connections far beyond its limit, beside honest ones within theirs."""
import json
import subprocess
import time

from lib.site import SOURCES

from . import measures
from .fronts import LIMIT


def _command(site, front, **words):
    command = site.client_command("connections", front, names=("service.example",), **words)
    command[command.index("--to") + 1] = front.limited
    return command


def _honest(site, front, size):
    """All of the client's sources but the macro's, which take turns."""
    command = _command(site, front, count=size["honest"], rate=size["honest_rate"], give_up=5)
    command[command.index("--sources") + 1] = len(SOURCES[4]) - 1
    return measures.run(site, command)


class _Macro:
    """One source, open loop; what is refused it does not try again."""

    def __init__(self, site, front, size):
        command = _command(site, front, count=size["macro"], rate=size["macro_rate"], give_up=1)
        command[command.index("--sources") + 1] = 1
        command[command.index("--from") + 1] = SOURCES[4][-1]
        self.process = subprocess.Popen(["nsenter", f"--net=/run/netns/{site.client.name}", "--", *map(str, command)],
                                        stdout=subprocess.PIPE, text=True)

    def seen(self):
        result = json.loads(self.process.communicate(timeout=90)[0])
        return {**result["names"]["service.example"], "seconds": result["seconds"]}


def _name(result):
    return {key: result["names"]["service.example"][key] for key in ("answers", "lost", "p50_us", "p99_us")}


def measure(site, front, cores, size):
    """One round: the honest alone, then beside the macro."""
    alone, calm = cores.busy_during(lambda: _honest(site, front, size), front)

    def work():
        macro = _Macro(site, front, size)
        time.sleep(0.2)
        return _honest(site, front, size), macro.seen()

    time.sleep(1.2)  # its bucket is full again
    (beside, macro), facts = cores.busy_during(work, front)
    allowed = LIMIT * (macro["seconds"] + 1)
    return {"alone": _name(alone), "beside": _name(beside), "macro": macro, "allowed": allowed,
            "core_per_refused": (facts["core_s"] - calm["core_s"]) / max(macro["lost"], 1),
            "threads_per_refused": (facts["threads_s"] - calm["threads_s"]) / max(macro["lost"], 1), **facts}
