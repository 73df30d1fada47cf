// SPDX-License-Identifier: BSD-3-Clause
// Functions of core, each a program of its own, as BPF's compiler makes them.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "tests/parity/core/core_calls.h"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, uint32_t);
  __type(value, struct core_call);
} calls SEC(".maps");

#define DATA(ctx) ((uint8_t*)(long)(ctx)->data)
#define END(ctx) ((uint8_t*)(long)(ctx)->data_end)

static __always_inline struct core_call* call_of(struct xdp_md* ctx) {
  uint32_t zero = 0;
  (void)ctx; /* one call at a time */
  return bpf_map_lookup_elem(&calls, &zero);
}

SEC("xdp") int run_parse(struct xdp_md* ctx) {
  struct core_call* call = call_of(ctx);
  struct dam_packet packet;
  if (!call) return XDP_ABORTED;
  call->result = dam_parse(DATA(ctx), END(ctx), &packet);
  call->packet = packet;
  return XDP_PASS;
}

/* Behind an Ethernet header, which a test run wants. */
SEC("xdp") int run_parse_embedded(struct xdp_md* ctx) {
  struct core_call* call = call_of(ctx);
  struct dam_packet packet;
  const uint8_t* l3 = DATA(ctx) + DAM_ETHERNET_BYTES;
  if (!call || l3 > END(ctx)) return XDP_ABORTED;
  call->result = dam_parse_embedded(l3, END(ctx), &packet);
  call->packet = packet;
  return XDP_PASS;
}

/* A step by itself, as in ebpf/options.h. */
__attribute__((noinline)) uint32_t read_options(struct xdp_md* ctx, struct dam_packet* packet,
                                                struct dam_tcp_options* options) {
  if (!packet || !options) return DAM_DROP_malformed;
  return dam_parse_tcp_options(DATA(ctx), END(ctx), packet, options);
}

SEC("xdp") int run_parse_options(struct xdp_md* ctx) {
  struct core_call* call = call_of(ctx);
  struct dam_tcp_options options;
  if (!call) return XDP_ABORTED;
  __builtin_memset(&options, 0, sizeof options);
  struct dam_packet packet = call->packet;
  call->result = read_options(ctx, &packet, &options);
  call->options = options;
  return XDP_PASS;
}

/* The options are read as ebpf/splice.h reads them: only where they are not the usual ones. */
SEC("xdp") int run_splice(struct xdp_md* ctx) {
  struct core_call* call = call_of(ctx);
  struct dam_tcp_options options;
  if (!call) return XDP_ABORTED;
  __builtin_memset(&options, 0, sizeof options);
  struct dam_packet packet = call->packet;
  uint32_t at = (packet.l4 & DAM_OFFSET_MASK) + DAM_TCP_BYTES, bytes = packet.payload - at;
  const uint8_t* first = DATA(ctx) + at;
  DAM_PIN(first);
  if (bytes != 0 && !dam_is_usual_timestamps(first, END(ctx), bytes) &&
      read_options(ctx, &packet, &options)) {
    call->result = DAM_DROP_malformed;
    return XDP_PASS;
  }
  enum dam_direction direction = call->direction & 1 ? DAM_S2C : DAM_C2S;
  struct dam_rewrite rewrite = call->rewrite;
  call->result = packet.family == 4 ? dam_splice_family(DATA(ctx), END(ctx), 4, &packet, &options,
                                                        &call->splice, direction, &rewrite)
                                    : dam_splice_family(DATA(ctx), END(ctx), 6, &packet, &options,
                                                        &call->splice, direction, &rewrite);
  return XDP_PASS;
}

SEC("xdp") int run_flow_hash(struct xdp_md* ctx) {
  struct core_call* call = call_of(ctx);
  if (!call) return XDP_ABORTED;
  struct dam_flow_key flow = call->flow;
  call->result = dam_flow_hash(&call->table_key, &flow);
  return XDP_PASS;
}

SEC("xdp") int run_cookie_make(struct xdp_md* ctx) {
  struct core_call* call = call_of(ctx);
  if (!call) return XDP_ABORTED;
  struct dam_flow_key flow = call->flow;
  struct dam_cookie_secrets secrets = call->secrets;
  uint32_t clock_origin;
  call->isn = dam_syn_cookie_make(&secrets, &flow, call->client_isn, call->cookie, &clock_origin);
  call->clock_origin = clock_origin;
  return XDP_PASS;
}

SEC("xdp") int run_cookie_check(struct xdp_md* ctx) {
  struct core_call* call = call_of(ctx);
  if (!call) return XDP_ABORTED;
  struct dam_flow_key flow = call->flow;
  struct dam_cookie_secrets secrets = call->secrets;
  struct dam_cookie_options options;
  uint32_t clock_origin;
  call->result =
      dam_syn_cookie_check(&secrets, &flow, call->client_isn, call->isn, &options, &clock_origin);
  call->clock_origin = clock_origin;
  /* Not the MSS: the kernel's plane does not ask for it, and libbpf 1.1 knows no lone table. */
  call->cookie.wscale = options.wscale;
  call->cookie.sack = options.sack;
  call->cookie.ecn = options.ecn;
  return XDP_PASS;
}

SEC("xdp") int run_gcra_charge(struct xdp_md* ctx) {
  struct core_call* call = call_of(ctx);
  if (!call) return XDP_ABORTED;
  struct dam_gcra_rate rate = call->rate;
  call->result = dam_gcra_charge(&call->tat_ns, &rate, call->now_ns, call->count);
  return XDP_PASS;
}

SEC("xdp") int run_gcra_would_admit(struct xdp_md* ctx) {
  struct core_call* call = call_of(ctx);
  if (!call) return XDP_ABORTED;
  struct dam_gcra_rate rate = call->rate;
  call->result = dam_gcra_would_admit(&call->tat_ns, &rate, call->now_ns, call->count);
  return XDP_PASS;
}

SEC("xdp") int run_gcra_refit(struct xdp_md* ctx) {
  struct core_call* call = call_of(ctx);
  if (!call) return XDP_ABORTED;
  struct dam_gcra_rate rate = call->rate;
  dam_gcra_refit(&call->tat_ns, &rate, call->now_ns);
  return XDP_PASS;
}

/* The kernel's plane hashes messages of a known length only: one program for each. */
#define SIPHASH(name, expression)           \
  SEC("xdp") int name(struct xdp_md* ctx) { \
    struct core_call* call = call_of(ctx);  \
    if (!call) return XDP_ABORTED;          \
    const uint64_t* words = call->words;    \
    call->result = (expression);            \
    return XDP_PASS;                        \
  }
SIPHASH(run_siphash24_tail2, dam_siphash24_tail(call->key, words, 2, (uint16_t)call->tail))
SIPHASH(run_siphash24_tail5, dam_siphash24_tail(call->key, words, 5, (uint16_t)call->tail))

char core_license[] SEC("license") = "Dual BSD/GPL";
