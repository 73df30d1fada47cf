/* SPDX-License-Identifier: BSD-3-Clause */
/* Translation of one packet of a spliced connection: what the client calls X, the server calls X +
 * delta. Constant time, in place, all or nothing; checksums are updated incrementally (RFC 1624).
 */
#ifndef DAM_CORE_SPLICE_H
#define DAM_CORE_SPLICE_H

#include "dataplane/core/checksum.h"
#include "dataplane/core/packet.h"
#include "dataplane/core/tcp_options.h"
#include "dataplane/core/types.h"

enum dam_direction { DAM_C2S = 0, DAM_S2C = 1 };

/* What splicing needs to know of a flow, both directions. */
struct dam_splice {
  dam_seq_delta seq_delta[2]; /* [dir]: added to SEQ of packets going dir; subtracted from ACK and
                                 SACK blocks of packets going the other way */
  uint32_t ts_delta[2]; /* [dir]: added to TSval going dir; subtracted from TSecr the other way */
  dam_seq ack_floor;    /* client's numbers: no ACK towards the client goes below it */
  uint8_t window_shift_in[2];  /* [dir]: scale of the window field as sent */
  uint8_t window_shift_out[2]; /* [dir]: scale that the receiver will apply */
  uint8_t flags;               /* enum dam_splice_flags */
  uint8_t reserved[3];
};
enum dam_splice_flags {
  DAM_SPLICE_TIMESTAMPS = 1, /* negotiated on both sides: translate the option */
  DAM_SPLICE_CLEAR_ECN = 2   /* the server declined ECN: client packets go out as Not-ECT */
};
DAM_STATIC_ASSERT(sizeof(struct dam_splice) == 28, "the state of a splice is 28 bytes");

/* The addresses and ports that a packet leaves with; of the packet's own family. */
struct dam_rewrite {
  dam_address src;
  dam_address dst;
  dam_be16 src_port;
  dam_be16 dst_port;
};

/* Replaces a field and gives what that adds to the one's complement sum over it. */
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
DAM_INLINE uint64_t dam_shift_be32(uint8_t* p, uint32_t change, uint32_t odd) {
  uint64_t sum = dam_replace32(p, __builtin_bswap32(dam_load_be32(p) + change));
  return odd & 1 ? sum << 8 : sum;
}
DAM_INLINE void dam_apply_checksum(uint8_t* field, uint64_t sum) {
  dam_store16(field, (uint16_t)~dam_checksum_reduce((uint16_t)~dam_load16(field) + sum));
}

DAM_INLINE uint64_t dam_rewrite_addresses(uint8_t* ip, uint32_t family,
                                          const struct dam_rewrite* rewrite) {
  uint64_t sum = 0;
  if (family == 4) {
    sum += dam_replace32(ip + 12, rewrite->src.word[3]);
    return sum + dam_replace32(ip + 16, rewrite->dst.word[3]);
  }
  for (int i = 0; i < 4; i++) {
    sum += dam_replace32(ip + 8 + 4 * i, rewrite->src.word[i]);
    sum += dam_replace32(ip + 24 + 4 * i, rewrite->dst.word[i]);
  }
  return sum;
}

/* Addresses, hop limit, ECN, IPv4 header checksum. Gives the change of the pseudo header's sum. */
DAM_INLINE uint64_t dam_splice_ip(uint8_t* ip, uint32_t family, const struct dam_rewrite* rewrite,
                                  int clear_ecn) {
  uint64_t addresses = dam_rewrite_addresses(ip, family, rewrite);
  if (family == 6) {
    ip[7]--;
    if (clear_ecn) ip[1] = (uint8_t)(ip[1] & ~0x30);
    return addresses;
  }
  uint64_t sum = addresses + 0xfffe; /* the TTL is the low octet of its word: ~n + (n - 1) */
  ip[8]--;
  if (clear_ecn) {
    sum += (uint64_t)((~ip[1] & 0xff) << 8 | 0xff) + (uint64_t)((ip[1] & 0xfc) << 8);
    ip[1] = ip[1] & 0xfc;
  }
  dam_apply_checksum(ip + 10, sum);
  return addresses;
}

/* The field means `field << in`; the receiver will shift by `out`. A window that is open stays
 * open: rounded to 0 it would stop the sender until a probe; the excess is below one unit, and the
 * receiver trims. */
DAM_INLINE uint16_t dam_splice_window(uint16_t field, uint8_t in, uint8_t out) {
  uint32_t window = ((uint32_t)field << (in & 15)) >> (out & 15);
  if (window > UINT16_MAX) return UINT16_MAX;
  return window == 0 && field != 0 ? 1 : (uint16_t)window;
}

DAM_INLINE uint32_t dam_splice_ack(uint32_t ack, const struct dam_splice* splice,
                                   enum dam_direction direction) {
  uint32_t translated = ack - splice->seq_delta[!direction].value;
  if (direction == DAM_S2C && (int32_t)(translated - splice->ack_floor.value) < 0) {
    return splice->ack_floor.value;
  }
  return translated;
}

/* SACK blocks acknowledge what went the other way: its delta is taken off them all. */
DAM_INLINE uint64_t dam_splice_sack(uint8_t* data, const uint8_t* data_end, uint32_t at,
                                    uint32_t blocks, uint32_t odd, uint32_t change) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < DAM_SACK_BLOCKS_MAX && i < blocks; i++) {
    uint8_t* block = data + (at & 0x7ff) + 2 + 8 * i;
    if (block + 8 > data_end) break;
    sum += dam_shift_be32(block, change, odd);
    sum += dam_shift_be32(block + 4, change, odd);
  }
  return sum;
}

/* TSecr means something only with ACK (RFC 7323 3.2), and 0 is "none yet": it stays 0. */
DAM_INLINE uint64_t dam_splice_timestamps(uint8_t* option, uint32_t odd, uint32_t val_change,
                                          uint32_t ecr_change, int acks) {
  uint64_t sum = dam_shift_be32(option + 2, val_change, odd);
  if (acks && dam_load32(option + 6) != 0) sum += dam_shift_be32(option + 6, ecr_change, odd);
  return sum;
}

/* The options: what changes in them, as a sum. */
DAM_INLINE uint64_t dam_splice_options(uint8_t* data, const uint8_t* data_end, uint32_t l4,
                                       const struct dam_tcp_options* options,
                                       const struct dam_splice* splice,
                                       enum dam_direction direction, int acks) {
  uint64_t sum = 0;
  if (options->has_timestamps && (splice->flags & DAM_SPLICE_TIMESTAMPS)) {
    uint8_t* option = data + (options->timestamps_at & 0x7ff);
    if (option + DAM_TIMESTAMPS_BYTES <= data_end) {
      sum += dam_splice_timestamps(option, options->timestamps_at - l4, splice->ts_delta[direction],
                                   0 - splice->ts_delta[!direction], acks);
    }
  }
  if (options->sack_blocks) {
    sum += dam_splice_sack(data, data_end, options->sack_at, options->sack_blocks,
                           options->sack_at - l4, 0 - splice->seq_delta[!direction].value);
  }
  return sum;
}

/* Translates a packet that dam_parse took for TCP, going `direction`, in place. DAM_DROP_none,
 * DAM_DROP_ttl_expired or DAM_DROP_malformed; refused packets are left as they were. Afterwards
 * `packet` still describes the old bytes (its offsets stay true). Not for SYNs: their window is
 * unscaled. */
DAM_INLINE enum dam_drop_reason dam_splice_translate(uint8_t* data, const uint8_t* data_end,
                                                     const struct dam_packet* packet,
                                                     const struct dam_splice* splice,
                                                     enum dam_direction direction,
                                                     const struct dam_rewrite* rewrite) {
  uint32_t l4 = packet->l4 & DAM_OFFSET_MASK;
  uint8_t* ip = data + (packet->l3 & DAM_OFFSET_MASK);
  uint8_t* tcp = data + l4;
  struct dam_tcp_options options;
  if (ip + (packet->family == 4 ? DAM_IPV4_BYTES : DAM_IPV6_BYTES) > data_end ||
      tcp + DAM_TCP_BYTES > data_end ||
      dam_parse_tcp_options(data, data_end, packet, &options) != DAM_DROP_none) {
    return DAM_DROP_malformed;
  }
  if (ip[packet->family == 4 ? 8 : 7] <= 1) return DAM_DROP_ttl_expired;
  int acks = (packet->tcp_flags & DAM_TCP_ACK) != 0;
  int clear_ecn = direction == DAM_C2S && (splice->flags & DAM_SPLICE_CLEAR_ECN);
  uint64_t sum = dam_splice_ip(ip, packet->family, rewrite, clear_ecn);
  sum += dam_replace32(tcp, rewrite->src_port.raw | (uint32_t)rewrite->dst_port.raw << 16);
  sum += dam_shift_be32(tcp + 4, splice->seq_delta[direction].value, 0);
  if (acks) {
    uint32_t ack = dam_splice_ack(dam_load_be32(tcp + 8), splice, direction);
    sum += dam_replace32(tcp + 8, __builtin_bswap32(ack));
  }
  uint16_t window = dam_splice_window(dam_load_be16(tcp + 14), splice->window_shift_in[direction],
                                      splice->window_shift_out[direction]);
  sum += dam_replace16(tcp + 14, __builtin_bswap16(window));
  sum += dam_splice_options(data, data_end, l4, &options, splice, direction, acks);
  dam_apply_checksum(tcp + 16, sum);
  return DAM_DROP_none;
}

/* Translates back the packet that an ICMP error quotes, from its IP header on: the dam sent it in
 * `travelled`, with the numbers of the far side; `rewrite` names what its sender had put on it.
 * Translates what is there; the caller computes the ICMP checksum. */
DAM_INLINE enum dam_drop_reason dam_splice_translate_embedded(uint8_t* l3, const uint8_t* end,
                                                              const struct dam_packet* quoted,
                                                              const struct dam_splice* splice,
                                                              enum dam_direction travelled,
                                                              const struct dam_rewrite* rewrite) {
  (void)l3, (void)end, (void)quoted, (void)splice, (void)travelled, (void)rewrite;
  return DAM_DROP_malformed; /* follows */
}

#endif
