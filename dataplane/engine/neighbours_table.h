// SPDX-License-Identifier: BSD-3-Clause
// How the table of next hops is laid out: open addressing over memory that others may share.
#pragma once

#include <emmintrin.h>

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "dataplane/core/plane.h"
#include "dataplane/core/siphash.h"
#include "dataplane/engine/neighbours.h"

namespace dam {

inline constexpr uint32_t kNeighbourSlots = 2 * Neighbours::kCapacity;
static_assert(kNeighbourSlots == DAM_MAX_NEIGHBOURS);
inline constexpr uint32_t kNeighbourProbes = 128;  // several times the longest run at half load

inline bool equal(const dam_address& a, const dam_address& b) {
  return dam_address_equal(&a, &b) != 0;
}
inline bool same_family(const dam_address& a, const dam_address& b) {
  return dam_address_is_v4(&a) == dam_address_is_v4(&b);
}

inline dam_address mask_of(uint32_t bits) {
  dam_address mask{};
  for (uint32_t i = 0; i < 4; ++i) {
    const auto here =
        static_cast<uint32_t>(std::clamp<int>(static_cast<int>(bits - 32 * i), 0, 32));
    mask.word[i] = here == 0 ? 0 : __builtin_bswap32(~0u << (32 - here));
  }
  return mask;
}

inline bool covers(const dam_address& prefix, const dam_address& mask, const dam_address& address) {
  uint32_t difference = 0;
  for (int i = 0; i < 4; ++i) {
    difference |= (prefix.word[i] ^ address.word[i]) & mask.word[i];
  }
  return difference == 0;
}

// Where the search for an address begins. Strangers cannot choose on-link addresses, so the key may
// be known.
inline uint32_t neighbour_slot_of(uint16_t interface, const dam_address& address) {
  constexpr uint64_t kKey[2] = {0x6e65696768626f75, 0x7273};
  const uint64_t words[3] = {uint64_t{address.word[0]} << 32 | address.word[1],
                             uint64_t{address.word[2]} << 32 | address.word[3], interface};
  return static_cast<uint32_t>(dam_siphash13(kKey, words, 3)) % kNeighbourSlots;
}

// The state of a slot that nobody is just writing.
inline uint32_t settled_state(const uint32_t& state) {
  constexpr int kSpins = 1000;  // another worker writes 20 bytes meanwhile
  uint32_t seen = __atomic_load_n(&state, __ATOMIC_ACQUIRE);
  for (int i = 0; seen == DAM_NEIGHBOUR_writing && i < kSpins; ++i) {
    _mm_pause();
    seen = __atomic_load_n(&state, __ATOMIC_ACQUIRE);
  }
  return seen;
}

template <class T>
T load_shared(const T& shared) {
  return __atomic_load_n(&shared, __ATOMIC_RELAXED);
}
template <class T>
void store_shared(T& shared, std::type_identity_t<T> value) {
  __atomic_store_n(&shared, value, __ATOMIC_RELAXED);
}

}  // namespace dam
