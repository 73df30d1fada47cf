/* SPDX-License-Identifier: BSD-3-Clause */
/* The segment that answers another one in its own frame, without payload: SYN-ACK and RST. */
#ifndef DAM_CORE_ANSWER_H
#define DAM_CORE_ANSWER_H

#include "dataplane/core/checksum.h"
#include "dataplane/core/packet_types.h"
#include "dataplane/core/tcp_options.h"
#include "dataplane/core/types.h"

struct dam_answer {
  dam_seq seq;
  dam_seq ack;
  uint32_t tsval;
  uint32_t tsecr;
  uint16_t window;
  uint16_t mss;   /* 0: none */
  uint8_t flags;  /* enum dam_tcp_flags */
  uint8_t wscale; /* DAM_WSCALE_NONE: none */
  uint8_t sack_permitted;
  uint8_t timestamps;
};

enum { DAM_ANSWER_HOP_LIMIT = 64 };

/* Can one host have this address? Not groups, loopback or nobody (RFC 1122 3.2.1.3, RFC 4291 2.5).
 */
DAM_INLINE int dam_is_unicast(const dam_address* address) {
  uint32_t last = __builtin_bswap32(address->word[3]);
  if (dam_address_is_v4(address)) {
    uint32_t first = last >> 24;
    return first != 0 && first != 127 && first < 224;
  }
  if ((address->word[0] & 0xff) == 0xff) return 0;
  return (address->word[0] | address->word[1] | address->word[2]) != 0 || last > 1;
}

/* The dam's TSval towards a client: milliseconds (RFC 7323 5.4: never backwards), from the origin
 * that came with the cookie. */
DAM_INLINE uint32_t dam_client_clock(uint64_t now_ns, uint32_t clock_origin) {
  return (uint32_t)(now_ns / 1000000) + clock_origin;
}

DAM_INLINE uint32_t dam_answer_tcp_bytes(const struct dam_answer* a) {
  uint32_t bytes = DAM_TCP_BYTES;
  if (a->mss) bytes += 4;
  if (a->timestamps) {
    bytes += 12;
  } else if (a->sack_permitted) {
    bytes += 4;
  }
  if (a->wscale != DAM_WSCALE_NONE) bytes += 4;
  return bytes;
}

/* Stores a word given as its octets read from left to right, and adds it to the sum. */
DAM_INLINE void dam_put32(uint8_t* p, uint32_t octets, uint64_t* sum) {
  uint32_t raw = __builtin_bswap32(octets);
  dam_store32(p, raw);
  *sum += raw;
}

/* RFC 9293 3.1 and RFC 7323; padded to words with NOPs in front, as Linux does. Gives where the
 * options end, or 0 when there is no room. */
DAM_INLINE uint8_t* dam_answer_options(uint8_t* at, const uint8_t* data_end,
                                       const struct dam_answer* a, uint64_t* sum) {
  if (a->mss) {
    if (at + 4 > data_end) return DAM_NULL;
    dam_put32(at, 0x02040000u | a->mss, sum);
    at += 4;
  }
  if (a->timestamps) {
    if (at + 12 > data_end) return DAM_NULL;
    dam_put32(at, a->sack_permitted ? 0x0402080au : 0x0101080au, sum);
    dam_put32(at + 4, a->tsval, sum);
    dam_put32(at + 8, a->tsecr, sum);
    at += 12;
  } else if (a->sack_permitted) {
    if (at + 4 > data_end) return DAM_NULL;
    dam_put32(at, 0x01010402u, sum);
    at += 4;
  }
  if (a->wscale != DAM_WSCALE_NONE) {
    if (at + 4 > data_end) return DAM_NULL;
    dam_put32(at, 0x01030300u | a->wscale, sum);
    at += 4;
  }
  return at;
}

DAM_INLINE uint64_t dam_address_sum(const dam_address* a) {
  return (uint64_t)a->word[0] + a->word[1] + a->word[2] + a->word[3];
}

DAM_INLINE void dam_answer_ipv4(uint8_t* ip, const struct dam_packet* to, uint32_t bytes) {
  uint64_t sum = 0;
  dam_put32(ip, 0x45000000u | bytes, &sum);
  dam_put32(ip + 4, 0x00004000u, &sum); /* don't fragment */
  dam_put32(ip + 8, (uint32_t)DAM_ANSWER_HOP_LIMIT << 24 | (uint32_t)DAM_PROTOCOL_TCP << 16, &sum);
  dam_store32(ip + 12, to->dst.word[3]);
  dam_store32(ip + 16, to->src.word[3]);
  sum += (uint64_t)to->dst.word[3] + to->src.word[3];
  dam_store16(ip + 10, (uint16_t)~dam_checksum_reduce(sum));
}

DAM_INLINE void dam_answer_ipv6(uint8_t* ip, const struct dam_packet* to, uint32_t payload) {
  dam_store_be32(ip, 0x60000000u);
  dam_store_be32(ip + 4, payload << 16 | (uint32_t)DAM_PROTOCOL_TCP << 8 | DAM_ANSWER_HOP_LIMIT);
  __builtin_memcpy(DAM_UNALIGNED(ip + 8, 4), &to->dst, 16);
  __builtin_memcpy(DAM_UNALIGNED(ip + 24, 4), &to->src, 16);
}

/* The checksum is summed as 0, then stored (RFC 9293 3.1). */
DAM_INLINE void dam_answer_tcp(uint8_t* tcp, const struct dam_packet* to,
                               const struct dam_answer* a, uint32_t bytes, uint64_t sum) {
  uint32_t ports = to->dst_port.raw | (uint32_t)to->src_port.raw << 16;
  dam_store32(tcp, ports);
  sum += ports;
  dam_put32(tcp + 4, a->seq.value, &sum);
  dam_put32(tcp + 8, a->ack.value, &sum);
  dam_put32(tcp + 12, (bytes / 4) << 28 | (uint32_t)a->flags << 16 | a->window, &sum);
  dam_store32(tcp + 16, 0);
  sum += dam_hton16((uint16_t)bytes).raw + (uint32_t)dam_hton16(DAM_PROTOCOL_TCP).raw;
  if (to->family == 4) {
    sum += (uint64_t)to->src.word[3] + to->dst.word[3];
  } else {
    sum += dam_address_sum(&to->src) + dam_address_sum(&to->dst);
  }
  dam_store16(tcp + 16, (uint16_t)~dam_checksum_reduce(sum));
}

/* How long the frame must be that holds the answer to `to`, link-layer header included. */
DAM_INLINE uint32_t dam_answer_bytes(const struct dam_packet* to, const struct dam_answer* a) {
  return to->l3 + (uint32_t)dam_ip_bytes(to->family) + dam_answer_tcp_bytes(a);
}

/* Writes IP and TCP behind the link-layer header of the frame that `to` was parsed from; the frame
 * is dam_answer_bytes long by now. 1, or 0 and nothing usable when it is shorter. */
DAM_INLINE int dam_write_answer(uint8_t* data, const uint8_t* data_end, const struct dam_packet* to,
                                const struct dam_answer* a) {
  uint32_t tcp_bytes = dam_answer_tcp_bytes(a);
  uint8_t* ip = data + (to->l3 & DAM_OFFSET_MASK);
  DAM_PIN(ip);
  if (ip + DAM_IPV6_BYTES > data_end) return 0; /* or the least that IPv4 and TCP take */
  uint8_t* tcp = ip + (to->family == 4 ? DAM_IPV4_BYTES : DAM_IPV6_BYTES);
  if (tcp + DAM_TCP_BYTES > data_end) return 0;
  uint64_t sum = 0;
  if (!dam_answer_options(tcp + DAM_TCP_BYTES, data_end, a, &sum)) return 0;
  if (to->family == 4) {
    dam_answer_ipv4(ip, to, DAM_IPV4_BYTES + tcp_bytes);
  } else {
    dam_answer_ipv6(ip, to, tcp_bytes);
  }
  dam_answer_tcp(tcp, to, a, tcp_bytes, sum);
  return 1;
}

#endif
