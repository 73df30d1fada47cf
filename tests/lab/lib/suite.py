# SPDX-License-Identifier: BSD-3-Clause
"""How tests are written, found and run. A group is a file in cases/ with a PLAN; a test is a function
test_… whose docstring is its name, a sentence. Every test of a group shares one site and one front."""
import contextlib
import importlib.util
import inspect
import itertools
import os
import re
import signal
import sys
import time
import traceback

TEST_SECONDS = 60


class TimedOut(Exception):
    pass


class Skipped(Exception):
    """Raised by a test that this machine or this front cannot run; says why."""


def dam_only(function):
    """For what other fronts do not do."""
    function.dam_only = True
    return function


def only_on(driver, reason):
    """For what the dam's other driver does not do; says why."""
    def mark(function):
        function.only_on = (driver, reason)
        return function
    return mark


def each(**choices):
    """Makes one test of every combination of the given arguments."""
    def mark(function):
        function.choices = [dict(zip(choices, values))
                            for values in itertools.product(*choices.values())]
        return function
    return mark


def seconds(limit):
    """For a test that may take longer than the usual."""
    def mark(function):
        function.seconds = limit
        return function
    return mark


class Test:
    def __init__(self, group, function, arguments):
        self.group, self.function, self.arguments = group, function, arguments
        sentence = " ".join((function.__doc__ or function.__name__).split())
        detail = ", ".join(f"{name} {value}" for name, value in arguments.items())
        detail = detail.encode("unicode_escape").decode()
        self.name = f"{group}: {sentence}" + (f" ({detail})" if detail else "")
        self.dam_only = getattr(function, "dam_only", False)
        self.seconds = getattr(function, "seconds", TEST_SECONDS)
        self.only_on = getattr(function, "only_on", None)


class Group:
    def __init__(self, path):
        self.name = os.path.splitext(os.path.basename(path))[0]
        spec = importlib.util.spec_from_file_location("cases." + self.name, path)
        self.module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.module)
        self.plan = self.module.PLAN
        self.wires = getattr(self.module, "WIRES", {})
        self.dam_only = getattr(self.module, "DAM_ONLY", False)
        self.only_on = getattr(self.module, "ONLY_ON", None)  # (driver, reason): as suite.only_on, for all
        self.cost = getattr(self.module, "COST", 10)  # about how long it runs, in seconds
        self.tests = []
        for name, function in inspect.getmembers(self.module, inspect.isfunction):
            if name.startswith("test_"):
                for arguments in getattr(function, "choices", [{}]):
                    self.tests.append(Test(self.name, function, arguments))
        self.tests.sort(key=lambda test: test.function.__code__.co_firstlineno)


def load(directory, pattern=None):
    """The groups, with only those tests whose name or function matches."""
    groups = []
    for entry in sorted(os.listdir(directory)):
        if entry.endswith(".py"):
            group = Group(os.path.join(directory, entry))
            if pattern:
                wanted = re.compile(pattern, re.I)
                group.tests = [one for one in group.tests
                               if wanted.search(one.name) or wanted.search(one.function.__name__)]
            if group.tests:
                groups.append(group)
    return groups


@contextlib.contextmanager
def time_limit(limit):
    def ring(*_):
        raise TimedOut(f"took longer than {limit} s")
    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(limit)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _short_trace():
    """The error, and the line of the test that met it."""
    kind, error, trace = sys.exc_info()
    frames = traceback.extract_tb(trace)[1:]
    where = " < ".join(f"{os.path.basename(frame.filename)}:{frame.lineno}" for frame in reversed(frames))
    return f"{kind.__name__}: {error}\n  at {where}: {frames[-1].line if frames else ''}\n"


def run_test(test, site):
    """Returns (outcome, seconds, text): outcome is passed, failed or skipped."""
    start = time.monotonic()
    site.notes = []
    for server in site.servers.values():
        server.errors.clear()
    try:
        if test.dam_only and not site.front.is_dam:
            raise Skipped("only the dam does this")
        if test.only_on and test.only_on[0] != site.front.driver:
            raise Skipped(test.only_on[1])
        with time_limit(test.seconds):
            test.function(site, **test.arguments)
        assert site.front.alive(), "the front died during the test"
        for name, server in site.servers.items():
            assert not server.errors, f"server {name} met bad headers: {server.errors}"
        site.front.judge_logs()
        outcome, text = "passed", ", ".join(site.notes)
    except Skipped as reason:
        outcome, text = "skipped", str(reason)
    except Exception:
        outcome, text = "failed", _short_trace()
    finally:
        site.tidy()
    return outcome, time.monotonic() - start, text


def eventually(condition, timeout=5, what="the expected", every=0.05):
    """Waits until condition() holds; returns its value. `what`: words, or what gives them once time is up."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what() if callable(what) else what} did not come true within {timeout} s"
        time.sleep(every)
