/* SPDX-License-Identifier: BSD-3-Clause */
/* Translation of one packet of a spliced connection: what the client calls X, the server calls X
 * plus a delta. Constant time, in place, all or nothing; checksums are updated incrementally. */
#ifndef DAM_CORE_SPLICE_H
#define DAM_CORE_SPLICE_H

#include "dataplane/core/packet.h"
#include "dataplane/core/rewrite.h"
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
  DAM_SPLICE_TIMESTAMPS = 1,  /* negotiated on both sides: translate the option */
  DAM_SPLICE_CLEAR_ECN = 2,   /* the server declined ECN: client packets go out as Not-ECT */
  DAM_SPLICE_FLOOR_PASSED = 4 /* the server acknowledged ack_floor or more: clamp no longer */
};
DAM_STATIC_ASSERT(sizeof(struct dam_splice) == 28, "the state of a splice is 28 bytes");

/* The field means `field << in`; the receiver will shift by `out`. A window that is open stays
 * open: rounded to 0 it would stop the sender until a probe; the excess is below one unit, and the
 * receiver trims. */
DAM_INLINE uint16_t dam_splice_window(uint16_t field, uint8_t in, uint8_t out) {
  uint32_t window = ((uint32_t)field << (in & 15)) >> (out & 15);
  if (window > UINT16_MAX) return UINT16_MAX;
  return window == 0 && field != 0 ? 1 : (uint16_t)window;
}

/* What is added to each number of a segment. */
struct dam_shift {
  uint32_t seq;
  uint32_t ack; /* SACK blocks too */
  uint32_t tsval;
  uint32_t tsecr;
};

DAM_INLINE struct dam_shift dam_shift_forth(const struct dam_splice* splice,
                                            enum dam_direction direction) {
  struct dam_shift shift;
  shift.seq = splice->seq_delta[direction].value;
  shift.ack = 0 - splice->seq_delta[!direction].value;
  shift.tsval = splice->ts_delta[direction];
  shift.tsecr = 0 - splice->ts_delta[!direction];
  return shift;
}
DAM_INLINE struct dam_shift dam_shift_back(const struct dam_splice* splice,
                                           enum dam_direction travelled) {
  struct dam_shift shift;
  shift.seq = 0 - splice->seq_delta[travelled].value;
  shift.ack = splice->seq_delta[!travelled].value;
  shift.tsval = 0 - splice->ts_delta[travelled];
  shift.tsecr = splice->ts_delta[!travelled];
  return shift;
}

enum { DAM_FLOOR_SPAN = 1 << 17 }; /* more than a PROXY header and the held octets together */

/* What the dam sent the server by itself (the header, the held octets) the client must not see
 * acknowledged anew: it gets the floor instead. True numbers come up to the floor again after 4
 * GiB, hence the bounded span, and the flag, to be set once the server acknowledged it all. */
DAM_INLINE uint32_t dam_splice_ack(uint32_t ack, const struct dam_splice* splice,
                                   enum dam_direction direction) {
  uint32_t below = splice->ack_floor.value - ack;
  if (direction == DAM_C2S || (splice->flags & DAM_SPLICE_FLOOR_PASSED)) return ack;
  return below <= DAM_FLOOR_SPAN ? splice->ack_floor.value : ack;
}

DAM_INLINE uint64_t dam_splice_sack(uint8_t* data, const uint8_t* data_end, uint32_t l4,
                                    const struct dam_tcp_options* options, uint32_t change) {
  uint32_t at = options->sack_at & DAM_OPTION_MASK;
  uint64_t sum = 0;
  for (uint32_t i = 0; i < DAM_SACK_BLOCKS_MAX && i < options->sack_blocks; i++) {
    uint8_t* block = data + at + 2 + 8 * i;
    if (block + 8 > data_end) break;
    sum += dam_add_be32(block, change, at - l4);
    sum += dam_add_be32(block + 4, change, at - l4);
  }
  return sum;
}

/* `odd`: whether the option starts at an odd offset of the segment. TSecr means something only with
 * ACK (RFC 7323 3.2), and 0 is "none yet": it stays 0. */
DAM_INLINE uint64_t dam_splice_timestamps(uint8_t* option, uint32_t odd,
                                          const struct dam_shift* shift, int acks) {
  uint64_t sum = dam_add_be32(option + 2, shift->tsval, odd);
  if (acks && dam_load32(option + 6) != 0) sum += dam_add_be32(option + 6, shift->tsecr, odd);
  return sum;
}

DAM_INLINE uint64_t dam_splice_options(uint8_t* data, const uint8_t* data_end, uint32_t l4,
                                       const struct dam_tcp_options* options,
                                       const struct dam_splice* splice,
                                       const struct dam_shift* shift, int acks) {
  uint64_t sum = 0;
  if (options->has_timestamps && (splice->flags & DAM_SPLICE_TIMESTAMPS)) {
    uint8_t* option = data + (options->timestamps_at & DAM_OPTION_MASK);
    if (option + DAM_TIMESTAMPS_BYTES <= data_end) {
      sum += dam_splice_timestamps(option, options->timestamps_at - l4, shift, acks);
    }
  }
  if (options->sack_blocks) sum += dam_splice_sack(data, data_end, l4, options, shift->ack);
  return sum;
}

/* The fixed part of the TCP header, its checksum aside. */
DAM_INLINE uint64_t dam_splice_tcp(uint8_t* tcp, const struct dam_splice* splice,
                                   enum dam_direction direction, const struct dam_shift* shift,
                                   const struct dam_rewrite* rewrite, int acks) {
  uint64_t sum = dam_rewrite_ports(tcp, rewrite);
  sum += dam_add_be32(tcp + 4, shift->seq, 0);
  if (acks) {
    uint32_t ack = dam_splice_ack(dam_load_be32(tcp + 8) + shift->ack, splice, direction);
    sum += dam_replace32(tcp + 8, __builtin_bswap32(ack));
  }
  uint16_t window = dam_splice_window(dam_load_be16(tcp + 14), splice->window_shift_in[direction],
                                      splice->window_shift_out[direction]);
  return sum + dam_replace16(tcp + 14, __builtin_bswap16(window));
}

/* A router sends no packet on whose hop limit would become 0 (RFC 1812 5.3.1, RFC 8200 3). */
DAM_INLINE int dam_is_last_hop(const uint8_t* ip, uint32_t family) {
  return ip[family == 4 ? 8 : 7] <= 1;
}

/* All of the options or none: 0 when they cannot be. `parsed` are those, or null: then they are
 * read here. */
DAM_RARE int dam_splice_rare_options(uint8_t* data, const uint8_t* data_end,
                                     const struct dam_packet* packet,
                                     const struct dam_tcp_options* parsed,
                                     const struct dam_splice* splice, struct dam_shift shift,
                                     uint64_t* sum) {
  struct dam_tcp_options options;
  if (!parsed) {
    if (dam_parse_tcp_options(data, data_end, packet, &options) != DAM_DROP_none) return 0;
    parsed = &options;
  }
  *sum += dam_splice_options(data, data_end, packet->l4 & DAM_OFFSET_MASK, parsed, splice, &shift,
                             packet->tcp_flags & DAM_TCP_ACK);
  return 1;
}

/* Translates the options of a segment. Usual timestamps need no walk, and nothing in memory. */
DAM_INLINE int dam_splice_any_options(uint8_t* data, const uint8_t* data_end,
                                      const struct dam_packet* packet,
                                      const struct dam_tcp_options* parsed,
                                      const struct dam_splice* splice,
                                      const struct dam_shift* shift, uint64_t* sum) {
  uint32_t l4 = packet->l4 & DAM_OFFSET_MASK, bytes = packet->payload - l4 - DAM_TCP_BYTES;
  uint8_t* first = data + l4 + DAM_TCP_BYTES;
  DAM_PIN(first);
  if (bytes == 0) return 1;
  if (dam_is_usual_timestamps(first, data_end, bytes)) {
    if (splice->flags & DAM_SPLICE_TIMESTAMPS) {
      *sum += dam_splice_timestamps(first + 2, 0, shift, packet->tcp_flags & DAM_TCP_ACK);
    }
    return 1;
  }
  uint64_t rare = 0;
  if (!dam_splice_rare_options(data, data_end, packet, parsed, splice, *shift, &rare)) return 0;
  *sum += rare;
  return 1;
}

/* `family` is the packet's, as a constant: so each family's code is compiled by itself. */
DAM_INLINE enum dam_drop_reason dam_splice_family(uint8_t* data, const uint8_t* data_end,
                                                  uint32_t family, const struct dam_packet* packet,
                                                  const struct dam_tcp_options* parsed,
                                                  const struct dam_splice* splice,
                                                  enum dam_direction direction,
                                                  const struct dam_rewrite* rewrite) {
  uint8_t* ip = data + (packet->l3 & DAM_OFFSET_MASK);
  uint8_t* tcp = data + (packet->l4 & DAM_OFFSET_MASK);
  DAM_PIN(ip);
  DAM_PIN(tcp);
  /* 40 octets: an IPv6 header, or the least that IPv4 and TCP take. */
  if (ip + DAM_IPV6_BYTES > data_end || tcp + DAM_TCP_BYTES > data_end) return DAM_DROP_malformed;
  if (dam_is_last_hop(ip, family)) return DAM_DROP_ttl_expired;
  struct dam_shift shift = dam_shift_forth(splice, direction);
  uint64_t sum = 0;
  if (!dam_splice_any_options(data, data_end, packet, parsed, splice, &shift, &sum)) {
    return DAM_DROP_malformed;
  }
  uint64_t addresses = dam_rewrite_addresses(ip, family, rewrite);
  dam_rewrite_hop(ip, family, addresses,
                  direction == DAM_C2S && (splice->flags & DAM_SPLICE_CLEAR_ECN));
  sum += dam_splice_tcp(tcp, splice, direction, &shift, rewrite, packet->tcp_flags & DAM_TCP_ACK);
  dam_apply_checksum(tcp + 16, sum + addresses);
  return DAM_DROP_none;
}

/* Translates a packet that dam_parse took for TCP, going `direction`, in place. DAM_DROP_none,
 * DAM_DROP_ttl_expired or DAM_DROP_malformed (options that cannot be); a refused packet is left as
 * it was. Afterwards `packet` still tells the old addresses and numbers; its offsets stay true. Not
 * for SYNs: their window is unscaled. */
DAM_INLINE enum dam_drop_reason dam_splice_translate(uint8_t* data, const uint8_t* data_end,
                                                     const struct dam_packet* packet,
                                                     const struct dam_splice* splice,
                                                     enum dam_direction direction,
                                                     const struct dam_rewrite* rewrite) {
  if (packet->family == 4) {
    return dam_splice_family(data, data_end, 4, packet, DAM_NULL, splice, direction, rewrite);
  }
  return dam_splice_family(data, data_end, 6, packet, DAM_NULL, splice, direction, rewrite);
}

/* Translates back the packet that an ICMP error quotes, from its IP header on (`quoted` is what
 * dam_parse_embedded gave): the dam had sent it in direction `travelled`. `rewrite` names what it
 * came to the dam with: for DAM_C2S the client as source, the listener as destination. What was cut
 * off stays away; window, hop limit and ECN stay as quoted. The caller computes the ICMP checksum.
 * DAM_DROP_none, or DAM_DROP_malformed and nothing changed. */
DAM_INLINE enum dam_drop_reason dam_splice_translate_embedded(uint8_t* l3, const uint8_t* end,
                                                              const struct dam_packet* quoted,
                                                              const struct dam_splice* splice,
                                                              enum dam_direction travelled,
                                                              const struct dam_rewrite* rewrite) {
  uint8_t* tcp = l3 + (quoted->l4 & DAM_OFFSET_MASK);
  uint32_t there = (uint32_t)(quoted->end - quoted->l4);
  if (quoted->kind != DAM_KIND_TCP || l3 + dam_ip_bytes(quoted->family) > end || tcp + 8 > end) {
    return DAM_DROP_malformed;
  }
  struct dam_shift shift = dam_shift_back(splice, travelled);
  uint64_t sum = dam_rewrite_addresses(l3, quoted->family, rewrite);
  if (quoted->family == 4) dam_apply_checksum(l3 + 10, sum);
  sum += dam_rewrite_ports(tcp, rewrite) + dam_add_be32(tcp + 4, shift.seq, 0);
  if (there >= DAM_TCP_BYTES && tcp + DAM_TCP_BYTES <= end) {
    if (quoted->tcp_flags & DAM_TCP_ACK) sum += dam_add_be32(tcp + 8, shift.ack, 0);
    /* Options that were cut stay as they are. */
    (void)dam_splice_any_options(l3, end, quoted, DAM_NULL, splice, &shift, &sum);
  }
  if (there >= 18 && tcp + 18 <= end) dam_apply_checksum(tcp + 16, sum);
  return DAM_DROP_none;
}

#endif
