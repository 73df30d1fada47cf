/* SPDX-License-Identifier: BSD-3-Clause */
/* What names a flow on one side of the dam, and its keyed hashes. */
#ifndef DAM_CORE_FLOW_KEY_H
#define DAM_CORE_FLOW_KEY_H

#include "dataplane/core/siphash.h"
#include "dataplane/core/table_hash.h"
#include "dataplane/core/types.h"

/* `remote` is the client or the server, `local` the dam. */
struct dam_flow_key {
  dam_address remote;
  dam_address local;
  dam_be16 remote_port;
  dam_be16 local_port;
};
DAM_STATIC_ASSERT(sizeof(struct dam_flow_key) == 36, "no padding: usable as a map key");

DAM_INLINE int dam_flow_key_equal(const struct dam_flow_key* a, const struct dam_flow_key* b) {
  return ((a->remote_port.raw ^ b->remote_port.raw) | (a->local_port.raw ^ b->local_port.raw)) ==
             0 &&
         dam_address_equal(&a->remote, &b->remote) && dam_address_equal(&a->local, &b->local);
}

DAM_INLINE uint64_t dam_pair32(uint32_t low, uint32_t high) { return low | (uint64_t)high << 32; }

DAM_INLINE uint64_t dam_flow_key_ports(const struct dam_flow_key* key) {
  return key->remote_port.raw | (uint32_t)key->local_port.raw << 16;
}

/* The key's addresses as SipHash words: 1 for IPv4 on both sides, else 4. Gives their number. */
DAM_INLINE unsigned dam_flow_key_words(const struct dam_flow_key* key, uint64_t words[4]) {
  if (dam_address_is_v4(&key->remote) && dam_address_is_v4(&key->local)) {
    words[0] = dam_pair32(key->remote.word[3], key->local.word[3]);
    return 1;
  }
  words[0] = dam_pair32(key->remote.word[0], key->remote.word[1]);
  words[1] = dam_pair32(key->remote.word[2], key->remote.word[3]);
  words[2] = dam_pair32(key->local.word[0], key->local.word[1]);
  words[3] = dam_pair32(key->local.word[2], key->local.word[3]);
  return 4;
}

/* For the flow index; nothing made of it may leave the dam (core/table_hash.h). */
DAM_INLINE uint64_t dam_flow_hash_v4(const struct dam_table_key* key, uint32_t remote,
                                     uint32_t local, uint32_t ports) {
  struct dam_table_hash hash = dam_table_hash_begin(key->v4_base);
  dam_table_hash_add(&hash, key, 3, remote);
  dam_table_hash_add(&hash, key, 7, local);
  dam_table_hash_add(&hash, key, 8, ports);
  return dam_table_hash_end(&hash);
}
DAM_INLINE uint64_t dam_flow_hash(const struct dam_table_key* key,
                                  const struct dam_flow_key* flow) {
  struct dam_table_hash hash = dam_table_hash_begin(key->base);
  dam_table_hash_address(&hash, key, 0, &flow->remote);
  dam_table_hash_address(&hash, key, 4, &flow->local);
  dam_table_hash_add(&hash, key, 8, (uint32_t)dam_flow_key_ports(flow));
  return dam_table_hash_end(&hash);
}

/* For what the flow's hosts are shown: SipHash-2-4 of addresses and ports, 12 octets for IPv4 and
 * 36 for IPv6 (the lengths keep the families apart). */
DAM_INLINE uint64_t dam_flow_siphash(const uint64_t key[2], const struct dam_flow_key* flow) {
  uint64_t words[4];
  unsigned count = dam_flow_key_words(flow, words);
  return dam_siphash24_tail32(key, words, count, (uint32_t)dam_flow_key_ports(flow));
}

#endif
