# SPDX-License-Identifier: BSD-3-Clause
"""DPDK's yardsticks in the same run: testpmd macswap on one core, and two processes over memif."""
import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

SECONDS = 5
FLOWS = 100_000
EAL = ["--no-huge", "-m", "512", "--no-pci", "--no-telemetry", "--no-shconf"]
SOCKET = f"dam-bench-{os.getpid()}"  # abstract: leaves nothing behind
MACS = ("02:00:00:00:00:01", "02:00:00:00:00:02")  # of the dam's two ports, as peer.h has them


def first_and_last_core():
    cores = sorted(os.sched_getaffinity(0))
    return cores[0], cores[-1]


def memif_device(index, role, mac=None):
    device = f"net_memif{index},role={role},id={index},socket={SOCKET}"
    return device + (f",mac={mac}" if mac else "")


@contextlib.contextmanager
def running(command, log):
    """A process that is ended, and waited for, when the block is left."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                          stderr=subprocess.STDOUT) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def testpmd(mode, devices):
    first, last = first_and_last_core()
    vdevs = [f"--vdev={device}" for device in devices]
    return ["dpdk-testpmd", "-l", f"{first},{last}", *EAL, f"--file-prefix=dambench{mode}", *vdevs,
            "--", f"--forward-mode={mode}", "--burst=32", "--nb-cores=1",
            "--total-num-mbufs=16384", "--stats-period=1", "--record-core-cycles",
            "--no-lsc-interrupt"]


def macswap():
    """net_null makes the packets and takes them back: buffers are allocated, read, written and
    freed, and nothing else happens. testpmd itself counts the cycles."""
    devices = [f"net_null{i},size=64,copy=0" for i in (0, 1)]
    with tempfile.TemporaryFile("w+", errors="replace") as log:
        with running(testpmd("macswap", devices), log):
            time.sleep(SECONDS + 2)
        log.seek(0)
        text = log.read()
    found = re.search(r"CPU cycles/packet=([0-9.]+) .* at ([0-9]+) MHz", text)
    if not found:
        raise RuntimeError("dpdk-testpmd says nothing of cycles:\n" + text[-2000:])
    cycles, mhz = float(found[1]), float(found[2])
    return {"cycles_per_packet": cycles, "ns_per_packet": cycles * 1000 / mhz,
            "how": "net_null, copy=0, 64-byte packets, one core"}


def peer(programs, flows):
    first, _ = first_and_last_core()
    vdevs = [f"--vdev={memif_device(i, 'server')}" for i in (0, 1)]
    return subprocess.Popen(
        [programs / "memif_peer", "-l", str(first), *EAL, "--file-prefix=dambenchpeer", *vdevs, "--",
         "--flows", str(flows), "--seconds", str(SECONDS)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def result_of(process):
    try:
        out, errors = process.communicate(timeout=180)
    except subprocess.TimeoutExpired:
        process.kill()
        out, errors = process.communicate()
    lines = [line for line in out.splitlines() if line.startswith("{")]
    if process.returncode == 0 and lines:
        return json.loads(lines[-1])
    return {"error": (errors.strip().splitlines() or ["no answer in time"])[-1]}


def through_testpmd(programs):
    process = peer(programs, 0)
    time.sleep(1)
    devices = [memif_device(i, "client") for i in (0, 1)]
    with tempfile.TemporaryFile("w+") as log, running(testpmd("io", devices), log):
        return result_of(process)


def through_dam(build, programs):
    process = peer(programs, FLOWS)
    time.sleep(1)
    with tempfile.TemporaryDirectory(prefix="dam-bench-") as folder, \
         tempfile.TemporaryDirectory(prefix="dam-bench-", dir="/dev/shm") as tables:
        place = pathlib.Path(folder)
        policy = place / "dam.yaml"
        template = pathlib.Path(__file__).with_name("memif.yaml").read_text(encoding="utf-8")
        for index, name in enumerate(("@FRONT@", "@BACK@")):
            template = template.replace(name, memif_device(index, "client", MACS[index]))
        policy.write_text(template, encoding="utf-8")
        dataplane = [build / "dataplane/dam-dataplane", "--socket", place / "dataplane.sock",
                     "--counters", place / "counters", "--tables", tables, "--fresh", "--busy-poll"]
        control = [build / "controlplane/dam-controlplane", "--config", policy,
                   "--dataplane-socket", place / "dataplane.sock",
                   "--api-socket", place / "control.sock", "--state", "none", "--metrics-address", "none"]
        with open(place / "log", "w+", encoding="utf-8") as log, running(dataplane, log):
            wait_for(place / "dataplane.sock")
            with running(control, log):
                result = result_of(process)
            if "error" in result:
                log.seek(0)
                result["log"] = log.read()[-2000:]
            return result


def wait_for(path):
    for _ in range(200):
        if path.exists():
            return
        time.sleep(0.05)
    raise RuntimeError(f"{path} did not appear in 10 s")


def memif(build, programs):
    """The peer is generator and sink on one core, X runs on the other; io twice, around the dam."""
    return {"testpmd io": through_testpmd(programs),
            f"dam-dataplane, {FLOWS:,} connections": through_dam(build, programs),
            "testpmd io, again": through_testpmd(programs)}
