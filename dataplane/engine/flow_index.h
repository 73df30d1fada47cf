// SPDX-License-Identifier: BSD-3-Clause
// From a 64-bit keyed hash to 32-bit references, for one worker. A bucket is one cache line; an
// entry lives in its first bucket, and in its second one only while the first is full, so that a
// lookup touches one line nearly always. When both are full, one entry is moved to its other bucket
// (R. Pagh, F. Rodler, "Cuckoo hashing", 2004; the other bucket is derived from the tag as in
// B. Fan et al., "Cuckoo filter", 2014).
#pragma once

#include <emmintrin.h>

#include <bit>
#include <cstdint>

#include "dataplane/engine/big_array.h"

namespace dam {

class FlowIndex {
 public:
  static constexpr uint32_t kNone = 0xffffffff;

  // Room for `capacity` references, at most half of the slots.
  explicit FlowIndex(uint32_t capacity);

  void prefetch(uint64_t hash) const;
  // The first reference of this hash that match(ref) confirms, or kNone.
  template <class Match>
  uint32_t find(uint64_t hash, Match&& match) const;
  // A reference that is probably the one, for prefetching what it points to; or kNone.
  uint32_t first_candidate(uint64_t hash) const;
  // False: no room within reach. The caller sees to it that no pair is inserted twice.
  bool insert(uint64_t hash, uint32_t ref);
  bool erase(uint64_t hash, uint32_t ref);

  uint32_t size() const { return size_; }
  std::size_t bytes() const { return buckets_.bytes(); }

 private:
  static constexpr uint32_t kSlots = 10;
  struct alignas(64) Bucket {
    uint16_t tag[kSlots];  // 0: free
    uint16_t overflow;     // entries of this bucket that live in their second one
    uint16_t foreign;      // bit i: slot i holds an entry whose first bucket is another
    uint32_t ref[kSlots];
  };
  static_assert(sizeof(Bucket) == 64);

  uint32_t size_ = 0;
  uint32_t mask_ = 0;
  BigArray<Bucket> buckets_;
};

}  // namespace dam
