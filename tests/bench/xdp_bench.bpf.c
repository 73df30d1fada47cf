// SPDX-License-Identifier: BSD-3-Clause
// The programs beside which the dam's is measured, and the one that gives it another packet each
// time: BPF_PROG_TEST_RUN repeats a program on one frame, which the dam has translated after the
// first.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "dataplane/core/gcra.h"
#include "dataplane/core/types.h"

enum { RING = 1 << 15, FRAME_BYTES = 80 };
uint8_t ring[RING][FRAME_BYTES];
uint32_t next_frame = 0;
uint32_t frame_bytes = 0; /* of each frame in the ring */

/* The program that gets the frames; set before each run. */
struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
  __uint(max_entries, 1);
  __type(key, uint32_t);
  __type(value, uint32_t);
} measured SEC(".maps");

/* Field by field, as they will be read: a load that spans two stores would wait for both, and one
 * of a frame that a NIC wrote does not. */
DAM_INLINE void copy_word(uint8_t* to, const uint8_t* from, uint32_t at) {
  dam_store32(to + at, dam_load32(from + at));
}
DAM_INLINE void copy_half(uint8_t* to, const uint8_t* from, uint32_t at) {
  dam_store16(to + at, dam_load16(from + at));
}

SEC("xdp")
int bench_next(struct xdp_md* ctx) {
  int cut = (int)frame_bytes - (int)(ctx->data_end - ctx->data); /* by an answer */
  if (cut != 0 && bpf_xdp_adjust_tail(ctx, cut)) return XDP_ABORTED;
  uint8_t *data = (uint8_t*)(long)ctx->data, *end = (uint8_t*)(long)ctx->data_end;
  uint32_t at = next_frame & (RING - 1);
  const uint8_t* from = ring[at];
  next_frame = at + 1;
  if (data + 60 > end) return XDP_ABORTED;
  copy_word(data, from, 0);
  copy_half(data, from, 4);
  copy_word(data, from, 6);
  copy_half(data, from, 10);
  copy_half(data, from, 12);
#pragma unroll
  for (uint32_t i = 14; i < 58; i += 4) copy_word(data, from, i);
  copy_half(data, from, 58);
  if (data + 74 <= end) {
    copy_half(data, from, 60); /* behind the two octets above: an option's word */
#pragma unroll
    for (uint32_t i = 62; i < 74; i += 4) copy_word(data, from, i);
  }
  bpf_tail_call_static(ctx, &measured, 0);
  return XDP_ABORTED;
}

SEC("xdp")
int bench_drop(struct xdp_md* ctx) {
  (void)ctx;
  return XDP_DROP;
}

SEC("xdp")
int bench_tx(struct xdp_md* ctx) {
  (void)ctx;
  return XDP_TX;
}

/* What a tutorial's rate limit is: one bucket for each IPv4 source, in an LRU hash map. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 1 << 16);
  __type(key, uint32_t);
  __type(value, uint64_t);
} buckets SEC(".maps");

SEC("xdp")
int bench_lru_bucket(struct xdp_md* ctx) {
  const struct dam_gcra_rate rate = {(UINT64_C(1) << DAM_GCRA_FRACTION) / 4, 1000000000};
  const uint8_t *data = (uint8_t*)(long)ctx->data, *end = (uint8_t*)(long)ctx->data_end;
  if (data + 34 > end || dam_load16(data + 12) != 8) return XDP_PASS;
  uint32_t source = dam_load32(data + 26);
  uint64_t* tat_ns = bpf_map_lookup_elem(&buckets, &source);
  if (!tat_ns) {
    uint64_t idle = 0;
    bpf_map_update_elem(&buckets, &source, &idle, BPF_ANY);
    return XDP_TX;
  }
  return dam_gcra_charge(tat_ns, &rate, bpf_ktime_get_ns(), 1) ? XDP_TX : XDP_DROP;
}

/* One read at random, of which the next one depends, from a table as large as a million flows: what
 * a miss of the caches and of the TLB costs here. */
struct line {
  uint64_t word[16];
};
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE); /* and so in pages of 4 KiB, as the dam's tables are */
  __uint(max_entries, 1 << 20);
  __type(key, uint32_t);
  __type(value, struct line);
} large SEC(".maps");
uint64_t where = 88172645463325252u; /* xorshift64* */

SEC("xdp")
int bench_miss(struct xdp_md* ctx) {
  (void)ctx;
  where ^= where >> 12;
  where ^= where << 25;
  where ^= where >> 27;
  uint32_t at = (uint32_t)(where * UINT64_C(2685821657736338717) >> 44);
  const struct line* line = bpf_map_lookup_elem(&large, &at);
  if (line) where += line->word[0]; /* 0 */
  return XDP_DROP;
}

char bench_license[] SEC("license") = "Dual BSD/GPL";
