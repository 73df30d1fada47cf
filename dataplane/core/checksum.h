/* SPDX-License-Identifier: BSD-3-Clause */
/* The Internet checksum (RFC 1071) and its incremental update (RFC 1624). Sums are of 16-bit words
 * as they lie in memory, so values go to and from packets with dam_load16/dam_store16, never
 * swapped. */
#ifndef DAM_CORE_CHECKSUM_H
#define DAM_CORE_CHECKSUM_H

#include "dataplane/core/packet_types.h"
#include "dataplane/core/types.h"

/* The sum modulo 0xffff in 16 bits; only 0 gives 0. Each step adds the halves to each other: the
 * upper half of that is their sum with the carry brought around. */
DAM_INLINE uint16_t dam_checksum_reduce(uint64_t sum) {
  sum = (sum + (sum >> 32 | sum << 32)) >> 32;
  uint32_t half = (uint32_t)sum;
  return (uint16_t)((half + (half >> 16 | half << 16)) >> 16);
}

/* Adds the bytes [p, end) to a sum, an odd last one padded with zero: so only the last stretch of
 * several may be of odd length. The result is below 2^16: callers may add words to it. */
DAM_INLINE uint32_t dam_checksum_add(uint32_t sum, const uint8_t* p, const uint8_t* end) {
  uint64_t low = sum, high = 0;
  for (; p + 16 <= end; p += 16) {
    uint64_t a = dam_load64(p), b = dam_load64(p + 8);
    low += (a & UINT32_MAX) + (b & UINT32_MAX);
    high += (a >> 32) + (b >> 32);
  }
  for (; p + 2 <= end; p += 2) low += dam_load16(p);
  if (p < end) low += *p; /* little-endian: the first byte of the padded word is the low one */
  return dam_checksum_reduce(low + high);
}

/* The checksum field of a sum. */
DAM_INLINE uint16_t dam_checksum_fold(uint32_t sum) { return (uint16_t)~dam_checksum_reduce(sum); }

/* RFC 1624 eqn. 3: the field after words that summed to `from` became words that sum to `to`. */
DAM_INLINE uint16_t dam_checksum_replace32(uint16_t field, uint32_t from, uint32_t to) {
  return (uint16_t)~dam_checksum_reduce((uint64_t)(uint16_t)~field + (uint32_t)~from + to);
}
DAM_INLINE uint16_t dam_checksum_replace16(uint16_t field, uint16_t from, uint16_t to) {
  return (uint16_t)~dam_checksum_reduce((uint64_t)(uint16_t)~field + (uint16_t)~from + to);
}

/* The sum of the pseudo header (RFC 9293 3.1, RFC 8200 8.1) for the packet's upper layer. Reads the
 * addresses from the frame, not from `packet`, which may be older than the bytes. */
DAM_INLINE uint32_t dam_checksum_pseudo(const uint8_t* data, const struct dam_packet* packet,
                                        uint8_t protocol) {
  const uint8_t* ip = data + packet->l3;
  uint32_t length = (uint32_t)(packet->end - packet->l4);
  uint32_t sum = dam_hton16((uint16_t)length).raw + (uint32_t)dam_hton16(protocol).raw;
  return packet->family == 4 ? dam_checksum_add(sum, ip + 12, ip + 20)
                             : dam_checksum_add(sum, ip + 8, ip + 40);
}

DAM_INLINE uint16_t dam_checksum_tcp(const uint8_t* data, const struct dam_packet* packet) {
  uint32_t sum = dam_checksum_pseudo(data, packet, DAM_PROTOCOL_TCP);
  return dam_checksum_fold(dam_checksum_add(sum, data + packet->l4, data + packet->end));
}

/* 1 when the TCP checksum, as it stands in the frame, is right. */
DAM_INLINE int dam_checksum_tcp_valid(const uint8_t* data, const struct dam_packet* packet) {
  return dam_checksum_tcp(data, packet) == 0;
}

/* Computes and stores it; `packet` gives family, l3, l4 and end. */
DAM_INLINE void dam_checksum_tcp_set(uint8_t* data, const struct dam_packet* packet) {
  dam_store16(data + packet->l4 + 16, 0);
  dam_store16(data + packet->l4 + 16, dam_checksum_tcp(data, packet));
}

DAM_INLINE uint16_t dam_checksum_ipv4(const uint8_t* ip) {
  return dam_checksum_fold(dam_checksum_add(0, ip, ip + (ip[0] & 15) * 4));
}
DAM_INLINE int dam_checksum_ipv4_valid(const uint8_t* ip) { return dam_checksum_ipv4(ip) == 0; }
DAM_INLINE void dam_checksum_ipv4_set(uint8_t* ip) {
  dam_store16(ip + 10, 0);
  dam_store16(ip + 10, dam_checksum_ipv4(ip));
}

/* ICMP sums its own bytes only (RFC 792); ICMPv6 a pseudo header too (RFC 4443 2.3). */
DAM_INLINE uint16_t dam_checksum_icmp(const uint8_t* data, const struct dam_packet* packet) {
  uint32_t sum = packet->family == 4 ? 0 : dam_checksum_pseudo(data, packet, DAM_PROTOCOL_ICMPV6);
  return dam_checksum_fold(dam_checksum_add(sum, data + packet->l4, data + packet->end));
}
DAM_INLINE int dam_checksum_icmp_valid(const uint8_t* data, const struct dam_packet* packet) {
  return dam_checksum_icmp(data, packet) == 0;
}
DAM_INLINE void dam_checksum_icmp_set(uint8_t* data, const struct dam_packet* packet) {
  dam_store16(data + packet->l4 + 2, 0);
  dam_store16(data + packet->l4 + 2, dam_checksum_icmp(data, packet));
}

#endif
