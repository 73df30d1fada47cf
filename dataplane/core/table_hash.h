/* SPDX-License-Identifier: BSD-3-Clause */
/* The hash of the flow index and of the source table: multilinear, strongly universal (D. Lemire,
 * O. Kaser, "Strongly universal string hashing is fast", 2014). A half of the result is the upper
 * half of base + sum of key[i] * word[i] modulo 2^64, with random 64-bit keys of its own: for any
 * two different messages all pairs of results are equally likely over the choice of the keys. So
 * two messages agree in any b bits of the result with probability 2^-b, exactly, whatever they are.
 *
 * It is a hash for tables, not a MAC: who saw results could solve for the keys. Nothing made of a
 * result may leave the dam; cookies, sequence numbers and clocks are made with SipHash. A stranger
 * sees no result and does not know the keys, so that the bound holds for whatever he sends. */
#ifndef DAM_CORE_TABLE_HASH_H
#define DAM_CORE_TABLE_HASH_H

#include "dataplane/core/siphash.h"
#include "dataplane/core/types.h"

enum { DAM_TABLE_HASH_WORDS = 9 }; /* two addresses and a pair of ports */

/* [half of the result] */
struct dam_table_key {
  uint64_t base[2];
  uint64_t v4_base[2]; /* base, with the word that marks mapped IPv4 addresses in both added */
  uint64_t word[DAM_TABLE_HASH_WORDS][2];
};

struct dam_table_hash {
  uint64_t sum[2];
};

DAM_INLINE void dam_table_hash_add(struct dam_table_hash* hash, const struct dam_table_key* key,
                                   uint32_t i, uint32_t word) {
  hash->sum[0] += key->word[i][0] * word;
  hash->sum[1] += key->word[i][1] * word;
}
DAM_INLINE void dam_table_hash_address(struct dam_table_hash* hash, const struct dam_table_key* key,
                                       uint32_t first, const dam_address* address) {
  for (uint32_t i = 0; i < 4; i++) dam_table_hash_add(hash, key, first + i, address->word[i]);
}
DAM_INLINE struct dam_table_hash dam_table_hash_begin(const uint64_t base[2]) {
  struct dam_table_hash hash = {{base[0], base[1]}};
  return hash;
}
/* Of a row of words (the ports of one client) a multilinear hash makes a row again, which some keys
 * crowd into few buckets. The last step scatters it; since that maps results one to one, the bound
 * holds as before. */
DAM_INLINE uint64_t dam_table_hash_end(const struct dam_table_hash* hash) {
  uint64_t result = (hash->sum[0] & ~(uint64_t)UINT32_MAX) | hash->sum[1] >> 32;
  result = (result ^ result >> 32) * UINT64_C(0x9e3779b97f4a7c15);
  return result ^ result >> 32;
}

/* From a secret, with SipHash as the source of random words; not for the packet path. */
DAM_INLINE void dam_table_key_make(struct dam_table_key* key, const uint64_t secret[2]) {
  const uint64_t mapped = __builtin_bswap32(0xffffu);
  for (uint64_t half = 0; half < 2; half++) {
    uint64_t count = half << 32;
    key->base[half] = dam_siphash24(secret, &count, 1);
    for (uint32_t i = 0; i < DAM_TABLE_HASH_WORDS; i++) {
      count++;
      key->word[i][half] = dam_siphash24(secret, &count, 1);
    }
    key->v4_base[half] = key->base[half] + mapped * (key->word[2][half] + key->word[6][half]);
  }
}

#endif
