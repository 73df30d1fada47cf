# SPDX-License-Identifier: BSD-3-Clause
"""Steers the lab's dam: damctl, and changes of the lab's policy."""
import re
import subprocess


def damctl(options, *words):
    environment = {"DAM_CONTROL_SOCKET": f"{options.state}/edge/control.sock", "PATH": "/usr/bin:/bin"}
    return subprocess.run([options.damctl, *words], env=environment, check=True, text=True,
                          capture_output=True).stdout


def version(options):
    return int(re.search(r'"policy_version": *(\d+)', damctl(options, "status", "--json")).group(1))


def put_in_force(options, name, change):
    """The lab's policy, changed by a function from text to text; in force when this returns. Gives the versions before
    and after."""
    with open(f"{options.state}/edge/dam.yaml", encoding="utf-8") as file:
        text = file.read()
    changed = change(text)
    if changed == text:
        raise ValueError(f"the lab's policy has not the place that \"{name}\" changes")
    path, before = f"{options.scratch}/{name}.yaml", version(options)
    with open(path, "w", encoding="utf-8") as file:
        file.write(changed)
    damctl(options, "apply", "-f", path)
    return before, version(options)
