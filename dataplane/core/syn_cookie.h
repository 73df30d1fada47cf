/* SPDX-License-Identifier: BSD-3-Clause */
/* SYN cookies (RFC 4987 3.6): the client's options survive in the dam's initial sequence number
 * alone, so that clients without timestamps lose nothing. bit 31: which secret | bits 9..30: MAC |
 * bits 0..8: options, xor the MAC's lowest bits, so that ISNs spread. The MAC is of flow, client
 * ISN and options: none of them can be changed. Who sees the cookie can read the options, as he can
 * in the SYN. A blind guess passes once in 2^22. */
#ifndef DAM_CORE_SYN_COOKIE_H
#define DAM_CORE_SYN_COOKIE_H

#include "dataplane/core/flow_key.h"
#include "dataplane/core/siphash.h"
#include "dataplane/core/types.h"

struct dam_cookie_options {
  uint16_t mss;   /* what the client announced; comes back rounded down to a step, at least 536 */
  uint8_t wscale; /* 15: none */
  uint8_t sack;
  uint8_t ecn;
};

struct dam_cookie_secrets {
  uint64_t key[2][2];
  uint32_t current; /* 0 or 1: makes cookies; the other still checks them */
};

enum { DAM_COOKIE_OPTION_BITS = 9, DAM_COOKIE_MAC_BITS = 22 };

/* RFC 9293 3.7.1's default first; then tunnels, PPPoE (1452 and 1440 for IPv6), Ethernet. */
DAM_INLINE uint16_t dam_cookie_mss(unsigned index) {
  static const uint16_t steps[8] = {536, 1220, 1300, 1360, 1400, 1440, 1452, 1460};
  return steps[index & 7];
}

DAM_INLINE unsigned dam_cookie_mss_index(uint16_t mss) {
  unsigned index = 0;
  for (unsigned i = 1; i < 8; i++) index += dam_cookie_mss(i) <= mss;
  return index;
}

DAM_INLINE uint32_t dam_cookie_pack(struct dam_cookie_options options) {
  return (uint32_t)(dam_cookie_mss_index(options.mss) | (options.wscale & 15u) << 3 |
                    (options.sack ? 1u : 0u) << 7 | (options.ecn ? 1u : 0u) << 8);
}

DAM_INLINE struct dam_cookie_options dam_cookie_unpack(uint32_t packed) {
  struct dam_cookie_options options;
  options.mss = dam_cookie_mss(packed);
  options.wscale = packed >> 3 & 15;
  options.sack = packed >> 7 & 1;
  options.ecn = packed >> 8 & 1;
  return options;
}

DAM_INLINE uint64_t dam_cookie_hash(const uint64_t key[2], const struct dam_flow_key* flow,
                                    dam_seq client_isn, uint32_t packed) {
  uint64_t words[5];
  uint64_t last = dam_flow_key_ports(flow) | (uint64_t)client_isn.value << 32;
  if (dam_flow_key_words(flow, words) == 1) {
    words[1] = last;
    return dam_siphash24_tail(key, words, 2, (uint16_t)packed);
  }
  words[4] = last;
  return dam_siphash24_tail(key, words, 5, (uint16_t)packed);
}
DAM_INLINE uint32_t dam_cookie_mac(uint64_t hash) {
  return (uint32_t)(hash >> (64 - DAM_COOKIE_MAC_BITS));
}
DAM_INLINE uint32_t dam_cookie_clock_origin(uint64_t hash) { return (uint32_t)hash; }

DAM_INLINE uint32_t dam_cookie_masked(uint32_t bits, uint32_t mac) {
  return (bits ^ mac) & ((1u << DAM_COOKIE_OPTION_BITS) - 1);
}

/* The ISN of the SYN-ACK to a SYN with this ISN and these options, and the origin of the TSvals
 * that begin with it. */
DAM_INLINE dam_seq dam_syn_cookie_make(const struct dam_cookie_secrets* secrets,
                                       const struct dam_flow_key* flow, dam_seq client_isn,
                                       struct dam_cookie_options options, uint32_t* clock_origin) {
  uint32_t secret = secrets->current & 1;
  uint32_t packed = dam_cookie_pack(options);
  uint64_t hash = dam_cookie_hash(secrets->key[secret], flow, client_isn, packed);
  uint32_t mac = dam_cookie_mac(hash);
  *clock_origin = dam_cookie_clock_origin(hash);
  return dam_seq_of(secret << 31 | mac << DAM_COOKIE_OPTION_BITS | dam_cookie_masked(packed, mac));
}

/* 1, the options and the origin when `cookie` (the ACK's number - 1) answers a SYN with client_isn
 * (its SEQ - 1) under either secret, else 0. */
DAM_INLINE int dam_syn_cookie_check(const struct dam_cookie_secrets* secrets,
                                    const struct dam_flow_key* flow, dam_seq client_isn,
                                    dam_seq cookie, struct dam_cookie_options* options,
                                    uint32_t* clock_origin) {
  uint32_t mac = cookie.value << 1 >> (32 - DAM_COOKIE_MAC_BITS);
  uint32_t packed = dam_cookie_masked(cookie.value, mac);
  uint64_t hash = dam_cookie_hash(secrets->key[cookie.value >> 31], flow, client_isn, packed);
  *options = dam_cookie_unpack(packed);
  *clock_origin = dam_cookie_clock_origin(hash);
  return dam_cookie_mac(hash) == mac;
}

/* The fresh secret makes cookies from now on; those of the secret before are still honoured. */
DAM_INLINE void dam_cookie_rotate(struct dam_cookie_secrets* secrets, const uint64_t fresh[2]) {
  uint32_t next = ~secrets->current & 1;
  secrets->key[next][0] = fresh[0];
  secrets->key[next][1] = fresh[1];
  secrets->current = next;
}

#endif
