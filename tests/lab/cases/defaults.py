# SPDX-License-Identifier: BSD-3-Clause
"""A dam with the default limits: tables for a million connections and a million sources, in a real process."""
import re
import shutil
import subprocess

from lib import suite
from lib.plan import plan

PLAN = plan(limits=None)
DAM_ONLY = True
COST = 6


def _capacity(site, table):
    found = re.search(rf'^dam_table_capacity_entries{{table="{table}"}} (\S+)$', site.front.metrics(), re.M)
    return float(found.group(1))


def _resident_bytes(site):
    with open(f"/proc/{site.front.worker_pid()}/status") as handle:
        return int(re.search(r"^VmRSS:\s+(\d+) kB", handle.read(), re.M).group(1)) << 10


def test_a_million(site):
    """without limits in the policy there is room for a million connections and as many sources in less
    than 512 MiB, and both worlds are served"""
    assert _capacity(site, "flows") == 1_000_000
    assert _capacity(site, "sources") >= 1_000_000
    assert _capacity(site, "half_open") == 16384
    resident = _resident_bytes(site) >> 20
    site.note(f"{resident} MiB resident")
    assert resident < 512, resident
    for family in (4, 6):
        site.finish(*site.connect(family=family))
        site.finish(*site.connect("management.example", family=family))


def test_metrics_of_the_running_dam(site):
    """/metrics of the running control plane counts what just happened, and promtool has nothing to say"""
    def opened():
        found = re.search(r'^dam_opened_connections_total{zone="service"} (\S+)$', site.front.metrics(), re.M)
        return found and float(found.group(1))

    before = opened() or 0
    for _ in range(3):
        site.finish(*site.connect())
    suite.eventually(lambda: opened() == before + 3, 5, "three connections more")
    if shutil.which("promtool"):
        said = subprocess.run(["promtool", "check", "metrics"], input=site.front.metrics(), text=True,
                              capture_output=True)
        assert said.returncode == 0, said.stdout + said.stderr
