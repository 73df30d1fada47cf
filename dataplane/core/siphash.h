/* SPDX-License-Identifier: BSD-3-Clause */
/* SipHash-c-d (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012) of whole 64-bit words.
 * The result equals the reference SipHash of the words' bytes in little-endian order. */
#ifndef DAM_CORE_SIPHASH_H
#define DAM_CORE_SIPHASH_H

#include "dataplane/core/types.h"

struct dam_siphash_state {
  uint64_t v0, v1, v2, v3;
};

DAM_INLINE uint64_t dam_rotate_left64(uint64_t value, unsigned bits) {
  return (value << bits) | (value >> (64 - bits));
}

DAM_INLINE void dam_siphash_rounds(struct dam_siphash_state* s, unsigned rounds) {
  for (unsigned i = 0; i < rounds; i++) {
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = dam_rotate_left64(s->v1, 13) ^ s->v0;
    s->v3 = dam_rotate_left64(s->v3, 16) ^ s->v2;
    s->v0 = dam_rotate_left64(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = dam_rotate_left64(s->v1, 17) ^ s->v2;
    s->v3 = dam_rotate_left64(s->v3, 21) ^ s->v0;
    s->v2 = dam_rotate_left64(s->v2, 32);
  }
}

DAM_INLINE void dam_siphash_absorb(struct dam_siphash_state* s, uint64_t word, unsigned rounds) {
  s->v3 ^= word;
  dam_siphash_rounds(s, rounds);
  s->v0 ^= word;
}

/* `last` is the final block: the message's length modulo 256 in the top octet, its last 0 to 7
 * octets below. */
DAM_INLINE uint64_t dam_siphash(const uint64_t key[2], const uint64_t* words, unsigned count,
                                uint64_t last, unsigned c_rounds, unsigned d_rounds) {
  struct dam_siphash_state s;
  s.v0 = key[0] ^ 0x736f6d6570736575u;
  s.v1 = key[1] ^ 0x646f72616e646f6du;
  s.v2 = key[0] ^ 0x6c7967656e657261u;
  s.v3 = key[1] ^ 0x7465646279746573u;
  for (unsigned i = 0; i < count; i++) dam_siphash_absorb(&s, words[i], c_rounds);
  dam_siphash_absorb(&s, last, c_rounds);
  s.v2 ^= 0xff;
  dam_siphash_rounds(&s, d_rounds);
  return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

/* A message of count * 8 octets. 2-4 for what is sent to strangers, 1-3 for what stays here. */
DAM_INLINE uint64_t dam_siphash24(const uint64_t key[2], const uint64_t* words, unsigned count) {
  return dam_siphash(key, words, count, (uint64_t)count << 59, 2, 4);
}
/* A message of count * 8 + 4 octets, of which `tail` is the last four (low octet first). */
DAM_INLINE uint64_t dam_siphash24_tail32(const uint64_t key[2], const uint64_t* words,
                                         unsigned count, uint32_t tail) {
  return dam_siphash(key, words, count, (uint64_t)(count * 8 + 4) << 56 | tail, 2, 4);
}
DAM_INLINE uint64_t dam_siphash13(const uint64_t key[2], const uint64_t* words, unsigned count) {
  return dam_siphash(key, words, count, (uint64_t)count << 59, 1, 3);
}
/* A message of count * 8 + 2 octets, of which `tail` is the last two (low octet first). */
DAM_INLINE uint64_t dam_siphash24_tail(const uint64_t key[2], const uint64_t* words, unsigned count,
                                       uint16_t tail) {
  return dam_siphash(key, words, count, (uint64_t)(count * 8 + 2) << 56 | tail, 2, 4);
}

#endif
