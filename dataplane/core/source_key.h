/* SPDX-License-Identifier: BSD-3-Clause */
/* What names a source in a zone, and where its entry may lie in the source table. */
#ifndef DAM_CORE_SOURCE_KEY_H
#define DAM_CORE_SOURCE_KEY_H

#include "dataplane/core/plane.h"
#include "dataplane/core/table_hash.h"
#include "dataplane/core/types.h"

struct dam_source_key {
  dam_address prefix; /* masked to the zone's source_bits */
  uint64_t hash;
  uint8_t zone_slot;
};

struct dam_source_place {
  uint32_t first; /* bucket */
  uint32_t second;
  uint32_t member; /* the word of a published entry of the key */
};

enum { DAM_SOURCE_MEMBER = 2, DAM_SOURCE_TAG_SHIFT = 10, DAM_SOURCE_ZONE_SHIFT = 48 };
#define DAM_SOURCE_LIVE (UINT64_C(1) << 54)

/* The word of an address, of which the first `bits` of the address are kept. */
DAM_INLINE uint32_t dam_masked_word(uint32_t word, uint32_t i, uint32_t bits) {
  if (bits >= 32 * (i + 1)) return word;
  if (bits <= 32 * i) return 0;
  return word & __builtin_bswap32(0xffffffffu << (32 * (i + 1) - bits));
}

DAM_INLINE void dam_source_key_of(struct dam_source_key* key, const struct dam_table_key* secret,
                                  const dam_address* source, uint8_t zone_slot, uint32_t bits_v4,
                                  uint32_t bits_v6) {
  uint32_t bits = dam_address_is_v4(source) ? 96 + bits_v4 : bits_v6;
  struct dam_table_hash hash = dam_table_hash_begin(secret->base);
  for (uint32_t i = 0; i < 4; i++) {
    key->prefix.word[i] = dam_masked_word(source->word[i], i, bits);
  }
  key->zone_slot = zone_slot;
  dam_table_hash_address(&hash, secret, 0, &key->prefix);
  dam_table_hash_add(&hash, secret, 4, zone_slot);
  key->hash = dam_table_hash_end(&hash);
}

DAM_INLINE struct dam_source_place dam_source_place_of(uint64_t hash, uint32_t buckets) {
  struct dam_source_place place;
  place.first = (uint32_t)((hash >> 32) * buckets >> 32);
  place.second = (uint32_t)((hash & UINT32_MAX) * buckets >> 32);
  if (place.second == place.first) place.second = place.first == 0 ? 1 : place.first - 1;
  uint32_t tag = (uint32_t)(hash * UINT64_C(0x9e3779b97f4a7c15) >> 32);
  place.member = (tag & 0xffffffffu << DAM_SOURCE_TAG_SHIFT) | DAM_SOURCE_MEMBER;
  return place;
}

#endif
