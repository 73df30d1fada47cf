// SPDX-License-Identifier: BSD-3-Clause
// In which zones a source is banned, answered from one cache line: so that a SYN of a source that
// is banned wherever it could get to is refused before any other work. Shared by all workers. A
// hint that errs towards letting pass: what does not fit is still refused by its SourceEntry. Two
// sources are taken for one another with a chance of 2^-28 for each row in the line; the hash is
// keyed, so nobody can look for such a pair.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/core/counters.h"
#include "dataplane/core/types.h"
#include "dataplane/engine/big_array.h"

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
  struct alignas(64) Line {
    uint64_t row[kRows];  // tag 28 | zone slot 6 | until 30; 0: free
  };
  static_assert(sizeof(Line) == 64 && DAM_MAX_ZONES <= 64);

  std::array<uint64_t, 2> secret_;
  uint32_t mask_;
  BigArray<Line> lines_;
};

}  // namespace dam
