# SPDX-License-Identifier: BSD-3-Clause
"""Reads the access logs of the lab's servers, in the format of config/lab/nginx."""
import re
import time

LOG = re.compile(r'(?P<time>\S+) (?P<client>\S+) (?P<proxy>\S+) (?P<host>\S+) "(?P<request>[^"]*)" '
                 r'(?P<status>\d+) \d+ "(?P<agent>[^"]*)" (?P<tls>\S+) (?P<curve>\S+) (?P<name>\S+)')


def log_lines(state, server, started, at_least=0):
    """What the server's log has since then, whoever it was; waits until it has enough."""
    end = time.monotonic() + 3
    while True:
        with open(f"{state}/{server}/logs/access.log", encoding="utf-8") as file:
            lines = [match.groupdict() for match in map(LOG.match, file) if match]
        seen = [line for line in lines if float(line["time"]) >= started - 0.01]
        if len(seen) >= at_least or time.monotonic() > end:
            return seen
        time.sleep(0.05)


def is_of(line, client, agent):
    return (line["client"] == line["proxy"] == client and line["agent"] == agent and line["status"] == "200" and
            line["request"].endswith("HTTP/2.0") and line["tls"] == "TLSv1.3")
