// SPDX-License-Identifier: BSD-3-Clause
// Somebody else's XDP program: counts frames and passes them on.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u64);
} lab_frames SEC(".maps");

SEC("xdp")
int lab_count(struct xdp_md* ctx) {
  __u32 first = 0;
  __u64* frames = bpf_map_lookup_elem(&lab_frames, &first);
  if (frames) __sync_fetch_and_add(frames, 1);
  return XDP_PASS;
}

char lab_license[] SEC("license") = "Dual BSD/GPL";
