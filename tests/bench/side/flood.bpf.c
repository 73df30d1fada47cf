/* SPDX-License-Identifier: BSD-3-Clause */
/* SYNs, or other lone segments, from random addresses of 198.19.0.0/16, and what drops the answers
 * to them before a stack has work with them. BPF_PROG_TEST_RUN with live frames sends what `syn`
 * lets out by XDP_TX. */
#include <linux/bpf.h>
/* after linux/bpf.h */
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>

#include "tests/bench/side/flood.h"

struct frame {
  struct ethhdr link;
  struct iphdr ip;
  struct tcphdr tcp;
} __attribute__((packed));

/* The frame without what `syn` fills in, and sums of its headers. */
const volatile __u64 base[FLOOD_FRAME / 8];
const volatile __u32 ip_sum, tcp_sum;
/* Nanoseconds from a SYN to the next; 0: no pause. */
const volatile __u64 pause_ns;
/* Not SYNs alone: they acknowledge something. */
const volatile __u32 acknowledges;
__u64 due_ns;

static __u16 folded(__u32 sum) {
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return (__u16)~sum;
}

static long is_due(__u32 round, void* unused) {
  (void)round;
  (void)unused;
  return bpf_ktime_get_ns() >= due_ns;
}

/* What could not be sent in time is never made up for: a veth's ring has 256 places. */
static void wait_for_turn(void) {
  if (!pause_ns) return;
  bpf_loop(FLOOD_MOST_LOOKS, is_due, 0, 0);
  const __u64 now_ns = bpf_ktime_get_ns(), next_ns = due_ns + pause_ns;
  due_ns = next_ns > now_ns ? next_ns : now_ns;
}

SEC("xdp") int syn(struct xdp_md* ctx) {
  struct frame* frame = (struct frame*)(long)ctx->data;
  if ((void*)frame + FLOOD_FRAME > (void*)(long)ctx->data_end) return XDP_DROP;
  wait_for_turn();
  /* The kernel takes pages again that came back, as they are: a front may have answered in them. */
  for (int i = 0; i < FLOOD_FRAME / 8; i++) ((__u64*)frame)[i] = base[i];
  const __u32 dice = bpf_get_prandom_u32(), number = bpf_get_prandom_u32();
  const __u32 source = bpf_htonl(FLOOD_SOURCES | (dice & 0xffff));
  const __u16 port = bpf_htons((__u16)(1024 + (dice >> 16) % 64000));
  frame->ip.saddr = source;
  frame->tcp.source = port;
  frame->tcp.seq = number;
  frame->tcp.ack_seq = acknowledges ? number : 0;
  const __u32 address = (source & 0xffff) + (source >> 16);
  frame->ip.check = folded(ip_sum + address);
  const __u32 halves = (number & 0xffff) + (number >> 16);
  frame->tcp.check = folded(tcp_sum + address + port + (acknowledges ? 2 * halves : halves));
  return XDP_TX;
}

SEC("xdp") int sink(struct xdp_md* ctx) {
  struct frame* frame = (struct frame*)(long)ctx->data;
  if ((void*)(frame + 1) > (void*)(long)ctx->data_end) return XDP_PASS;
  const int forged = (bpf_ntohl(frame->ip.daddr) & 0xffff0000) == FLOOD_SOURCES;
  return frame->link.h_proto == bpf_htons(ETH_P_IP) && forged ? XDP_DROP : XDP_PASS;
}

char flood_license[] SEC("license") = "Dual BSD/GPL";
