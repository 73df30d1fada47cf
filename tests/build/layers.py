#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Includes point downwards: each folder names what it may see, and this checks every #include.

usage: layers.py [ROOT]     exit 1 and one line for each include that points elsewhere
"""
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
SUFFIXES = {".h", ".hpp", ".c", ".cc"}
ABI = r"dataplane/core/(connection_end|counters|drop_reason|types)\.h"
MESSAGES = r"dataplane/ipc/(dam\.pb|framing|start_digest|bounds|device_name|ja4_pattern)\.h"
# What a layer that does no input or output has no use for (huge pages are asked for once, at start).
SYSTEM = r"(rte_|bpf/|xdp/|linux/|sys/(?!mman\.h)|net/|netinet/|arpa/|unistd\.h|fcntl\.h|poll\.h|ctime|time\.h|chrono)"

# folder: (what of this project it may include, which system headers it may not)
LAYERS = {
    "dataplane/core": (r"dataplane/core/", r"(?!stdint\.h$)"),
    "dataplane/engine": (r"dataplane/(engine|core)/", SYSTEM),
    "dataplane/drivers/netdev": (r"dataplane/drivers/netdev/", r"(rte_|xdp/)"),
    "dataplane/drivers/dpdk": (r"dataplane/(drivers/(dpdk|netdev)|engine|core)/", None),
    "dataplane/drivers/xdp": (r"dataplane/(drivers/(xdp|netdev)|engine|core)/|ebpf/", None),
    "dataplane/ipc": (r"dataplane/(ipc|engine|core)/", r"(rte_|bpf/|xdp/)"),
    "tools/damctl": (r"tools/damctl/|controlplane/|dataplane/drivers/(netdev/|xdp/detach\.h$)|" + rf"{ABI}$|{MESSAGES}$", r"(rte_|bpf/|xdp/)"),
    "ebpf": (r"dataplane/core/|ebpf/", None),
    "controlplane": (rf"controlplane/|{ABI}$|{MESSAGES}$", r"(rte_|bpf/|xdp/)"),
}


def project_path(root, file, quote, name):
    """The include as a path from the root, or None when it is a system header."""
    if quote == "<" and not name.startswith(("dataplane/", "controlplane/", "ebpf/")):
        return None
    beside = file.parent / name
    if quote == '"' and not (root / name).exists() and beside.exists():
        return beside.resolve().relative_to(root.resolve()).as_posix()
    return name


def violations(root, folder):
    allowed, forbidden_system = LAYERS[folder]
    for file in sorted((root / folder).rglob("*")):
        if file.suffix not in SUFFIXES:
            continue
        for number, line in enumerate(file.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            path = project_path(root, file, *match.groups())
            if path is None:
                bad = forbidden_system and re.match(forbidden_system, match.group(2))
            else:
                bad = not re.match(allowed, path)
            if bad:
                yield f"{file.relative_to(root)}:{number}: {folder} may not include {match.group(2)}"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2])
    if not (root / "dataplane/core").is_dir():
        sys.exit(f"{root}: no dataplane/core here")
    found = [line for folder in LAYERS for line in violations(root, folder)]
    print("\n".join(found) if found else "includes point downwards")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
