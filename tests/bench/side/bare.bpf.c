/* SPDX-License-Identifier: BSD-3-Clause */
/* What a front costs at least that lives in XDP: TCP goes from one device to the other with new
 * link addresses, and nothing is looked at. Compiled for each device with the next hop there:
 * TO_MAC, FROM_MAC, TO_DEVICE. */
#include <linux/bpf.h>
/* after linux/bpf.h */
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>

SEC("xdp") int bare(struct xdp_md* ctx) {
  struct ethhdr* link = (struct ethhdr*)(long)ctx->data;
  const struct iphdr* ip = (const struct iphdr*)(link + 1);
  if ((const void*)(ip + 1) > (const void*)(long)ctx->data_end) return XDP_PASS;
  if (link->h_proto != bpf_htons(ETH_P_IP) || ip->protocol != IPPROTO_TCP) return XDP_PASS;
  const unsigned char to[ETH_ALEN] = {TO_MAC}, from[ETH_ALEN] = {FROM_MAC};
  __builtin_memcpy(link->h_dest, to, ETH_ALEN);
  __builtin_memcpy(link->h_source, from, ETH_ALEN);
  return (int)bpf_redirect(TO_DEVICE, 0);
}
