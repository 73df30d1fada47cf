# SPDX-License-Identifier: BSD-3-Clause
"""The dam beside the kernel's forwarding, HAProxy and nginx: tools/bench --side-by-side. See tests/README.md."""
