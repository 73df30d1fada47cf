# SPDX-License-Identifier: BSD-3-Clause
"""The dataplane ends, and another one goes on."""
import contextlib
import os
import signal

from . import suite
from .stream import transfer


def end(site, how=signal.SIGKILL):
    """The dataplane's process ends; its keeper follows."""
    front = site.front
    os.kill(front.worker_pid(), how)
    front.dataplane.wait(10)


def start(site):
    """The control plane has been there all the time, and tells it the policy."""
    front = site.front
    front.start_dataplane("--fresh")
    wait_for_policy(front)
    suite.eventually(lambda: front.server_up("service"), 5, "the server up")


def wait_for_policy(front):
    """The counters may still be those of the dataplane before."""
    suite.eventually(lambda: "is in force." in front.said() and front.has_policy(), 20, "a policy")


@contextlib.contextmanager
def dead(site, how=signal.SIGKILL):
    """No dataplane inside, a new one after it."""
    end(site, how)
    try:
        yield
    finally:
        if not site.front.alive():
            start(site)


@contextlib.contextmanager
def other_limits(site, plan, **limits):
    """A dataplane and a control plane with other limits inside, those of before after it."""
    front = site.front
    front.write({**plan, "limits": limits})
    # The control plane has its policy from before; the new file counts from its own start on.
    front.end(front.controlplane)
    end(site)
    front.start_dataplane("--fresh")
    front.start_controlplane()
    wait_for_policy(front)
    try:
        yield
    finally:
        front.write(plan)
        front.end(front.controlplane)
        front.end(front.dataplane)
        front.start_controlplane()
        start(site)


def finish_all(site, pairs):
    """Each pair's ends have heard all of each other, and their places are free again."""
    for client, server in pairs:
        transfer(client, server, 20000)
        transfer(server, client, 20000)
        site.finish(client, server)
    suite.eventually(lambda: site.front.table("flows") == 0, 10, "the connections' places back")
