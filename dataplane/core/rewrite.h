/* SPDX-License-Identifier: BSD-3-Clause */
/* Fields of a packet replaced in place, each with what it adds to the checksum's sum (RFC 1624). */
#ifndef DAM_CORE_REWRITE_H
#define DAM_CORE_REWRITE_H

#include "dataplane/core/checksum.h"
#include "dataplane/core/packet_types.h"
#include "dataplane/core/types.h"

/* The addresses and ports that a packet leaves with; of the packet's own family. */
struct dam_rewrite {
  dam_address src;
  dam_address dst;
  dam_be16 src_port;
  dam_be16 dst_port;
};

/* Replaces a field and gives the change of the one's complement sum over it. */
DAM_INLINE uint64_t dam_replace16(uint8_t* p, uint16_t to) {
  uint16_t from = dam_load16(p);
  dam_store16(p, to);
  return (uint64_t)(uint16_t)~from + to;
}
DAM_INLINE uint64_t dam_replace32(uint8_t* p, uint32_t to) {
  uint32_t from = dam_load32(p);
  dam_store32(p, to);
  return (uint64_t)(uint32_t)~from + to;
}

/* Adds `change` to a field in network order; fields at odd offsets count swapped (RFC 1071 2.B). */
DAM_INLINE uint64_t dam_add_be32(uint8_t* p, uint32_t change, uint32_t odd) {
  uint64_t sum = dam_replace32(p, __builtin_bswap32(dam_load_be32(p) + change));
  return sum << (odd & 1) * 8;
}

/* RFC 1624 eqn. 3 for the sum of all changes. */
DAM_INLINE void dam_apply_checksum(uint8_t* field, uint64_t sum) {
  dam_store16(field, (uint16_t)~dam_checksum_reduce((uint16_t)~dam_load16(field) + sum));
}

DAM_INLINE uint64_t dam_rewrite_ports(uint8_t* tcp, const struct dam_rewrite* rewrite) {
  return dam_replace32(tcp, rewrite->src_port.raw | (uint32_t)rewrite->dst_port.raw << 16);
}

DAM_INLINE uint64_t dam_replace128(uint8_t* p, const dam_address* to) {
  return dam_replace32(p, to->word[0]) + dam_replace32(p + 4, to->word[1]) +
         dam_replace32(p + 8, to->word[2]) + dam_replace32(p + 12, to->word[3]);
}

DAM_INLINE uint64_t dam_rewrite_addresses(uint8_t* ip, uint32_t family,
                                          const struct dam_rewrite* rewrite) {
  if (family == 4) {
    return dam_replace32(ip + 12, rewrite->src.word[3]) +
           dam_replace32(ip + 16, rewrite->dst.word[3]);
  }
  return dam_replace128(ip + 8, &rewrite->src) + dam_replace128(ip + 24, &rewrite->dst);
}

/* Hop limit less one and ECN, with the IPv4 header checksum; `addresses` is what changed there. */
DAM_INLINE void dam_rewrite_hop(uint8_t* ip, uint32_t family, uint64_t addresses, int clear_ecn) {
  if (family == 4) {
    uint64_t sum = addresses + dam_replace16(ip + 8, (uint16_t)(dam_load16(ip + 8) - 1));
    if (clear_ecn) sum += dam_replace16(ip, dam_load16(ip) & 0xfcff);
    dam_apply_checksum(ip + 10, sum);
  } else {
    ip[7]--;
    if (clear_ecn) ip[1] = ip[1] & 0xcf;
  }
}

#endif
