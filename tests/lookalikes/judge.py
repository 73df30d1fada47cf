#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Precision and recall of `damctl similar`, by what traffic.py says of each address: each address is asked for in turn.

usage: judge.py KINDS.json DAMCTL SOCKET [PERCENT…]     a line for each kind and distance"""
import json
import subprocess
import sys

PROGRAMS = ("herd", "fixed", "jittered", "replay")
ASKED_OF_A_KIND = 12  # of the herd of 200: as many as this say the same


def similar(damctl, socket, address):
    done = subprocess.run([damctl, "-s", socket, "similar", "--json", "--count", "1000", "--within", "99", "--over", "1h",
                           address], capture_output=True, text=True)
    if done.returncode != 0:
        return None
    return [(one["source"].split("/")[0], one["distance"]) for one in json.loads(done.stdout)["similar"]]


def main():
    kinds, (damctl, socket), percents = json.load(open(sys.argv[1])), sys.argv[2:4], [float(word) for word in sys.argv[4:]]
    found = {}
    for kind in dict.fromkeys(kinds.values()):
        all_of = [address for address, is_kind in kinds.items() if is_kind == kind]
        answers = {address: similar(damctl, socket, address) for address in all_of[:ASKED_OF_A_KIND]}
        found[kind] = (len(all_of), {address: answer for address, answer in answers.items() if answer is not None})
    print(f"{'kind':<10}{'sources':>8}{'known':>6}{'within':>8}{'precision':>11}{'recall':>8}  others")
    for percent in percents or [10.0]:
        for kind in PROGRAMS:
            count, answers = found[kind]
            hits = near = 0
            others = {}
            for answer in answers.values():
                for address, distance in answer:
                    if distance > percent:
                        continue
                    near += 1
                    hits += kinds.get(address) == kind
                    if kinds.get(address) != kind:
                        others[kinds.get(address)] = others.get(kinds.get(address), 0) + 1
            wanted = len(answers) * (count - 1)
            print(f"{kind:<10}{count:>8}{len(answers):>6}{percent:>7}%{hits / near if near else 1:>11.3f}"
                  f"{hits / wanted if wanted else 0:>8.3f}  {others or ''}")


main()
