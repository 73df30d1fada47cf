# SPDX-License-Identifier: BSD-3-Clause
"""Reads the access logs of the lab's servers, in the format of config/site/shared/nginx."""
import json
import time


def log_lines(state, server, started, at_least=0):
    """What the server's log has since then, whoever it was; waits until it has enough."""
    end = time.monotonic() + 3
    while True:
        with open(f"{state}/{server}/logs/access.log", encoding="utf-8") as file:
            lines = [json.loads(line) for line in file if line.endswith("\n")]
        seen = [line for line in lines if line["msec"] >= started - 0.01]
        if len(seen) >= at_least or time.monotonic() > end:
            return seen
        time.sleep(0.05)


def is_of(line, client, agent):
    return (line["client"] == line["proxy"] == client and line["agent"] == agent and line["status"] == 200 and
            line["protocol"] == "HTTP/2.0" and line["tls"] == "TLSv1.3")
