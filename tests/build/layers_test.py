#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""layers.py passes this tree, and fails trees that break one rule each."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]


def check(root):
    return subprocess.run([sys.executable, HERE / "layers.py", root], capture_output=True, text=True)


# file, its include, whether that is allowed
ROWS = [
    ("dataplane/core/a.h", '"dataplane/core/types.h"', True),
    ("dataplane/core/a.h", "<stdint.h>", True),
    ("dataplane/core/a.h", "<string.h>", False),
    ("dataplane/core/a.h", '"dataplane/engine/flow.h"', False),
    ("dataplane/engine/a.cc", '"dataplane/core/types.h"', True),
    ("dataplane/engine/a.cc", "<vector>", True),
    ("dataplane/engine/a.cc", '"dataplane/drivers/dpdk/port.h"', False),
    ("dataplane/engine/a.cc", '"dataplane/ipc/framing.h"', False),
    ("dataplane/engine/a.cc", "<rte_mbuf.h>", False),
    ("dataplane/engine/a.cc", "<sys/socket.h>", False),
    ("dataplane/engine/a.cc", "<chrono>", False),
    ("dataplane/drivers/dpdk/a.cc", '"dataplane/engine/frame.h"', True),
    ("dataplane/drivers/dpdk/a.cc", '"dataplane/ipc/framing.h"', False),
    ("dataplane/drivers/dpdk/a.cc", '"dataplane/drivers/xdp/port.h"', False),
    ("dataplane/drivers/dpdk/a.cc", '"dataplane/drivers/netdev/ethtool.h"', True),
    ("dataplane/drivers/xdp/a.cc", '"dataplane/drivers/netdev/ethtool.h"', True),
    ("dataplane/drivers/netdev/a.cc", '"dataplane/engine/policy.h"', False),
    ("dataplane/drivers/netdev/a.cc", "<linux/ethtool.h>", True),
    ("dataplane/drivers/netdev/a.cc", "<rte_ethdev.h>", False),
    ("dataplane/ipc/a.cc", '"dataplane/engine/policy.h"', True),
    ("dataplane/ipc/a.cc", '"dataplane/drivers/dpdk/port.h"', False),
    ("tools/damctl/a.cc", '"controlplane/policy/load.h"', True),
    ("tools/damctl/doctor/a.cc", '"dataplane/drivers/netdev/ethtool.h"', True),
    ("tools/damctl/a.cc", '"dataplane/drivers/xdp/device.h"', False),
    ("ebpf/a.bpf.c", '"dataplane/core/splice.h"', True),
    ("ebpf/a.bpf.c", "<bpf/bpf_helpers.h>", True),
    ("ebpf/a.bpf.c", '"dataplane/engine/frame.h"', False),
    ("controlplane/api/a.cc", '"dataplane/core/counters.h"', True),
    ("controlplane/api/a.cc", '"dataplane/ipc/dam.pb.h"', True),
    ("controlplane/api/a.cc", '"dataplane/core/splice.h"', False),
    ("controlplane/api/a.cc", '"dataplane/ipc/policy_builder.h"', False),
    ("controlplane/api/a.cc", "<dataplane/engine/policy.h>", False),
    ("controlplane/api/a.cc", '"../../dataplane/engine/policy.h"', False),
]


class Layers(unittest.TestCase):
    def test_this_tree_points_downwards(self):
        result = check(ROOT)
        self.assertEqual(result.returncode, 0, result.stdout)

    def test_each_rule_bites(self):
        for file, include, allowed in ROWS:
            with self.subTest(file=file, include=include), tempfile.TemporaryDirectory() as tree:
                root = pathlib.Path(tree)
                (root / "dataplane/core").mkdir(parents=True)
                (root / "dataplane/engine").mkdir()
                (root / "dataplane/engine/policy.h").touch()
                path = root / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(f"#include {include}\n")
                result = check(root)
                self.assertEqual(result.returncode, 0 if allowed else 1, result.stdout)

    def test_a_folder_without_sources_of_ours_is_an_error(self):
        with tempfile.TemporaryDirectory() as tree:
            self.assertNotEqual(check(tree).returncode, 0)


if __name__ == "__main__":
    unittest.main()
