# SPDX-License-Identifier: BSD-3-Clause
"""Attackers as processes of their own, so that they take no time of the load's interpreter: side_flood of tests/bench (live
frames, SYNs and other lone segments from random addresses) and sender.py (prepared frames)."""
import contextlib
import json
import os
import subprocess
import sys

from lib.site import PUBLIC

from . import sender

HERE = os.path.dirname(os.path.abspath(__file__))


def _begin(process):
    if process.stdout.readline() != "ready\n":
        raise RuntimeError("an attacker does not start")
    process.stdin.write("\n")
    process.stdin.flush()


def start_flood(world, flags, per_second, seconds):
    """From random addresses of 198.19.0.0/16."""
    program = os.path.join(world.options.build, "tests/bench/side_flood")
    process = world.site.client.popen(
        [program, "eth0", world.front_mac().hex(":"), PUBLIC[4], 443, per_second, seconds, f"{flags:#x}"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
    world.keep(process)
    _begin(process)
    return lambda: json.loads(process.communicate(timeout=90)[0])["sent"]


def start_frames(world, frames, per_second, seconds, role="client"):
    """Out of the role's cable to the dam; gives what waits for the end and tells how many were sent."""
    path = os.path.join(world.directory, f"frames-{len(world.children)}")
    sender.write(path, frames)
    process = getattr(world.site, role).popen(
        [sys.executable, os.path.join(HERE, "sender.py"), "eth0", path, per_second, seconds],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
    world.keep(process)
    _begin(process)
    return lambda: int(process.communicate(timeout=150)[0])


@contextlib.contextmanager
def attackers(world, kind, count, seconds):
    """Clients of fault/attackers.py while the `with` lasts; what they report is in the list that it gives."""
    process = world.site.client.popen(
        [sys.executable, os.path.join(HERE, "attackers.py"), kind, count, seconds],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
    world.keep(process)
    _begin(process)
    told = {}
    try:
        yield told
    finally:
        told.update(json.loads(process.communicate("\n", timeout=60)[0] or "{}"))
