/* SPDX-License-Identifier: BSD-3-Clause */
/* Passes everything: what XDP sends over a veth is taken up only where the other end has a program.
 */
#include <linux/bpf.h>

__attribute__((section("xdp"), used)) int pass(struct xdp_md* ctx) {
  (void)ctx;
  return XDP_PASS;
}
