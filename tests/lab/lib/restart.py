# SPDX-License-Identifier: BSD-3-Clause
"""The dataplane ends, and another one goes on."""
import contextlib
import os
import signal

from . import suite


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
