// SPDX-License-Identifier: BSD-3-Clause
// In which zones a source is banned, answered from one cache line: so that a SYN of a source that
// is banned wherever it could get to is refused before any other work. Shared by all workers. A
// hint that errs towards letting pass: what does not fit is still refused by its SourceEntry. Two
// sources are taken for one another with a chance of 2^-28 for each row in the line; the hash is
// keyed, so nobody can look for such a pair.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "dataplane/core/counters.h"
#include "dataplane/core/siphash.h"
#include "dataplane/core/types.h"
#include "dataplane/engine/big_array.h"
#include "dataplane/engine/prefetch.h"

namespace dam {

class BanMask {
 public:
  BanMask(uint32_t capacity, std::array<uint64_t, 2> secret);

  // Sources are IPv4 /32 and IPv6 /64: hash once, use for prefetch and lookup.
  uint64_t hash(const dam_address& source) const;
  void prefetch(uint64_t hash) const;
  uint64_t zones(uint64_t hash, uint64_t now_ns) const;  // bit n: banned in zone slot n

  // Only for zones whose source_bits_v6 is at most 64 (a narrower ban must not widen here).
  // Extends a ban that is there. False: no room.
  bool add(uint64_t hash, uint8_t zone_slot, uint64_t until_ns, uint64_t now_ns);
  void remove(uint64_t hash, uint8_t zone_slot);

 private:
  static constexpr uint32_t kRows = 8;
  static constexpr uint32_t kTickShift =
      30;  // until, in ticks of 1.07 s: 30 bits last for 36 years
  static constexpr uint64_t kUntil = (uint64_t{1} << 30) - 1;
  struct alignas(64) Line {
    uint64_t row[kRows];  // tag 28 | zone slot 6 | until 30; 0: free
  };
  static_assert(sizeof(Line) == 64 && DAM_MAX_ZONES <= 64);

  static uint64_t tag_of(uint64_t hash) { return hash >> 36 << 36; }
  static uint64_t tick_of(uint64_t ns) { return std::min(ns >> kTickShift, kUntil); }
  static uint8_t zone_of(uint64_t row) { return static_cast<uint8_t>(row >> 30 & 63); }
  Line& line(uint64_t hash) { return lines_[static_cast<uint32_t>(hash) & mask_]; }
  const Line& line(uint64_t hash) const { return lines_[static_cast<uint32_t>(hash) & mask_]; }
  bool extend(Line& line, uint64_t fresh);

  std::array<uint64_t, 2> secret_;
  uint32_t mask_;
  BigArray<Line> lines_;
};

inline BanMask::BanMask(uint32_t capacity, std::array<uint64_t, 2> secret)
    : secret_(secret), mask_(std::bit_ceil(capacity / (kRows / 2) + 1) - 1), lines_(mask_ + 1) {}

inline uint64_t BanMask::hash(const dam_address& source) const {
  const bool v4 = dam_address_is_v4(&source) != 0;
  uint64_t words[2] = {uint64_t{source.word[0]} << 32 | source.word[1], 0};
  if (v4) words[1] = uint64_t{source.word[2]} << 32 | source.word[3];
  return dam_siphash13(secret_.data(), words, 2);
}

inline void BanMask::prefetch(uint64_t hash) const { dam::prefetch(&line(hash)); }

// The last tick of a ban is not served: it ends up to 1.07 s early here, never late.
inline uint64_t BanMask::zones(uint64_t hash, uint64_t now_ns) const {
  const uint64_t now = tick_of(now_ns);
  uint64_t mask = 0;
  for (const uint64_t& shared : line(hash).row) {
    const uint64_t row = __atomic_load_n(&shared, __ATOMIC_RELAXED);
    const bool banned = tag_of(row) == tag_of(hash) && (row & kUntil) > now;
    mask |= static_cast<uint64_t>(banned) << zone_of(row);
  }
  return mask;
}

// The later of two bans of one source in one zone counts.
inline bool BanMask::extend(Line& line, uint64_t fresh) {
  for (uint64_t& shared : line.row) {
    uint64_t row = __atomic_load_n(&shared, __ATOMIC_RELAXED);
    while ((row & ~kUntil) == (fresh & ~kUntil)) {
      if (row >= fresh || __atomic_compare_exchange_n(&shared, &row, fresh, false, __ATOMIC_RELAXED,
                                                      __ATOMIC_RELAXED)) {
        return true;
      }
    }
  }
  return false;
}

inline bool BanMask::add(uint64_t hash, uint8_t zone_slot, uint64_t until_ns, uint64_t now_ns) {
  const uint64_t fresh = tag_of(hash) | uint64_t{zone_slot} << 30 | tick_of(until_ns);
  if (extend(line(hash), fresh)) return true;
  for (uint64_t& shared : line(hash).row) {
    uint64_t row = __atomic_load_n(&shared, __ATOMIC_RELAXED);
    const bool vacant = row == 0 || (row & kUntil) <= tick_of(now_ns);
    if (vacant && __atomic_compare_exchange_n(&shared, &row, fresh, false, __ATOMIC_RELAXED,
                                              __ATOMIC_RELAXED)) {
      return true;
    }
  }
  return false;
}

inline void BanMask::remove(uint64_t hash, uint8_t zone_slot) {
  const uint64_t key = tag_of(hash) | uint64_t{zone_slot} << 30;
  for (uint64_t& shared : line(hash).row) {
    uint64_t row = __atomic_load_n(&shared, __ATOMIC_RELAXED);
    while (row != 0 && (row & ~kUntil) == key) {
      if (__atomic_compare_exchange_n(&shared, &row, 0, false, __ATOMIC_RELAXED,
                                      __ATOMIC_RELAXED)) {
        break;
      }
    }
  }
}

}  // namespace dam
