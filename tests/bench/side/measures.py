# SPDX-License-Identifier: BSD-3-Clause
"""What is measured of a front, one round each. Core time is the front's, whatever ran there."""
import json
import subprocess
import time

GB = 1e9


def run(site, command, timeout=120):
    """What the client program says."""
    command = [str(word) for word in command]
    done = subprocess.run(["nsenter", f"--net=/run/netns/{site.client.name}", "--", *command], text=True,
                          capture_output=True, timeout=timeout, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def _measured(site, front, cores, answers, unit, mode, **words):
    """Every connection must have been served; costs are for each unit."""
    command = site.client_command(mode, front, **words)
    result, facts = cores.busy_during(lambda: run(site, command), front)
    names = result["names"].values()
    if sum(name["answers"] for name in names) != answers or any(name["lost"] for name in names):
        raise RuntimeError(f"{front.name}, {mode}: {answers} answers were asked for: {result}")
    units = result["bytes"] / GB if unit == "gb" else answers
    costs = {f"{kind}_per_{unit}": facts[f"{kind}_s"] / units for kind in ("core", "threads", "process")}
    name = result["names"][front.names[0]]
    return {**facts, **costs, "p50_us": name["p50_us"], "p99_us": name["p99_us"], "a_second": answers / result["seconds"],
            "gb_a_second": result["bytes"] / GB / result["seconds"], "woke_per_unit": facts["process_woke"] / units}


def connections(site, front, cores, size):
    """New connections, 64 at once, each: handshake, hello, flight, request, 1 KiB, end."""
    count = size["connections"]
    return _measured(site, front, cores, count, "connection", "connections", count=count, parallel=64)


def paced(site, front, cores, size):
    """The same at a steady rate."""
    count = size["paced"]
    return _measured(site, front, cores, count, "connection", "connections", count=count, rate=size["rate"])


def bulk(site, front, cores, size):
    """Downloads on four connections at once."""
    return _measured(site, front, cores, 4, "gb", "bulk", parallel=4, bytes=size["bulk_bytes"] // 4, give_up=60)


def requests(site, front, cores, size):
    """Requests on 32 connections that live on, at a steady rate."""
    count = size["requests"]
    return _measured(site, front, cores, count, "request", "requests", count=count, parallel=32,
                     rate=size["request_rate"])


def idle(site, front, cores, size):
    """The front's processes with nothing to do, and with requests on living connections, which wake no dam."""
    _, calm = cores.busy_during(lambda: time.sleep(size["idle_s"]), front)
    return calm, requests(site, front, cores, size)
