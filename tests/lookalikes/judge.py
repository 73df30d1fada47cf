#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Precision and recall of `damctl similar`, by what traffic.py says of each address: each address is asked for in turn.

usage: judge.py KINDS.json DAMCTL SOCKET [PERCENT…]     a line for each kind and distance"""
import collections
import json
import subprocess
import sys

PROGRAMS = ("herd", "fixed", "jittered", "replay")
ASKED_OF_A_KIND = 12  # of the herd of 200: as many as this say the same


def similar(damctl, socket, address):
    done = subprocess.run([damctl, "-s", socket, "similar", "--json", "--count", "1000", "--within", "99", "--over", "1h",
                           address], capture_output=True, text=True)
    if done.returncode != 0:
        return None  # nothing is known of it
    return [(one["source"].split("/")[0], one["distance"]) for one in json.loads(done.stdout)["similar"]]


def judged(kinds, kind, answers, percent):
    """How many of the kind were found, and how many of each other one."""
    others = collections.Counter()
    for answer in answers.values():
        others.update(kinds.get(address) for address, distance in answer if distance <= percent)
    return others.pop(kind, 0), dict(others)


def main():
    with open(sys.argv[1]) as file:
        kinds = json.load(file)
    damctl, socket = sys.argv[2:4]
    found = {}
    for kind in dict.fromkeys(kinds.values()):
        asked = [address for address, is_kind in kinds.items() if is_kind == kind][:ASKED_OF_A_KIND]
        answers = {address: similar(damctl, socket, address) for address in asked}
        found[kind] = {address: answer for address, answer in answers.items() if answer is not None}
    print(f"{'kind':<10}{'sources':>8}{'known':>6}{'within':>8}{'precision':>11}{'recall':>8}  others that were found")
    for percent in [float(word) for word in sys.argv[4:]] or [10.0]:
        for kind, answers in found.items():
            count = list(kinds.values()).count(kind)
            hits, others = judged(kinds, kind, answers, percent)
            near, wanted = hits + sum(others.values()), len(answers) * (count - 1)
            numbers = f"{hits / near if near else 1:>11.3f}{hits / wanted if wanted else 0:>8.3f}"
            print(f"{kind:<10}{count:>8}{len(answers):>6}{percent:>7}%{numbers if kind in PROGRAMS else '     people        '}  {others or ''}")


main()
