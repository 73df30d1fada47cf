# SPDX-License-Identifier: BSD-3-Clause
"""The lab of this test, raised by tools/lab, and what its Prometheus says."""
import functools
import json
import os
import signal
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.append(f"{ROOT}/tests/lab")
from lib import suite  # noqa: E402

NAME = "watchtest"  # nobody else's: what a killed run left can be taken down
STATE = f"/run/dam-lab-{NAME}"
PROMETHEUS = "http://198.18.5.1:9090"
AUTHORITY = f"{STATE}/authority/ca.pem"


eventually = functools.partial(suite.eventually, every=0.3)  # each look starts a program


# On the cable beside the dam's: with driver dpdk the edge's kernel has no other address there.
SIGNALS = "198.18.6.1:5514"


def lab(*words, check=True):
    done = subprocess.run([f"{ROOT}/tools/lab", "--name", NAME, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=120, check=False,
                          env={**os.environ, "SITE_SIGNALS": SIGNALS})
    assert not check or done.returncode == 0, f"tools/lab {' '.join(words)}: {done.stdout}"
    return done


def inside(node, *command):
    return ["nsenter", f"--net=/run/netns/dam-{node}-{NAME}", "--", *command]


def run(node, *command, told="", seconds=20):
    """`told`: its input."""
    return subprocess.run(inside(node, *command), input=told, capture_output=True, text=True, timeout=seconds, check=False)


class Background:
    """Programs that run beside the checks; ended with the test."""

    def __init__(self):
        self._all = []

    def begin(self, node, *command):
        with open(f"{STATE}/background.log", "a", encoding="utf-8") as log:
            process = subprocess.Popen(inside(node, *command), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._all.append(process)
        return process

    def end(self):
        for process in self._all:
            process.terminate()
        for process in self._all:
            process.wait(10)


def pid_of(name):
    with open(f"{STATE}/processes/{name}.pid", encoding="utf-8") as file:
        return int(file.read().split()[0])


def tell(name, number=signal.SIGHUP):
    os.kill(pid_of(name), number)


def _api(path, *words):
    done = run("management", "curl", "-s", "--max-time", "10", *words, f"{PROMETHEUS}/api/v1/{path}")
    assert done.returncode == 0, f"Prometheus does not answer the management network: {done}"
    answer = json.loads(done.stdout)
    assert answer["status"] == "success", answer
    return answer["data"]


def query(expression):
    """Its series: (labels, value)."""
    data = _api("query", "--data-urlencode", f"query={expression}")
    return [(one["metric"], float(one["value"][1])) for one in data["result"]]


def firing():
    """Name → labels of those that fire."""
    return {one["labels"]["alertname"]: one["labels"] for one in _api("alerts")["alerts"] if one["state"] == "firing"}


def rules_loaded():
    return {rule["name"]: rule for group in _api("rules")["groups"] for rule in group["rules"]}
