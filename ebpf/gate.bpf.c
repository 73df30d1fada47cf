// SPDX-License-Identifier: BSD-3-Clause
// What libxdp's dispatcher calls where the dam lives beside other XDP programs: the dam's own is
// behind it, and is replaced there between two frames. Nothing behind it: the frame is the host's.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u32);
} dam_behind SEC(".maps");

SEC("xdp")
int dam_gate(struct xdp_md* ctx) {
  bpf_tail_call(ctx, &dam_behind, 0);
  return XDP_PASS;
}

char dam_license[] SEC("license") = "Dual BSD/GPL";
