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
#include <span>

#include "dataplane/core/flow.h"
#include "dataplane/engine/big_array.h"
#include "dataplane/engine/prefetch.h"

namespace dam {

class FlowIndex {
 public:
  static constexpr uint32_t kNone = 0xffffffff;

  // Room for `capacity` references.
  explicit FlowIndex(uint32_t capacity);
  // In memory of another owner, of buckets_for() buckets, which hold what they hold.
  explicit FlowIndex(std::span<dam_index_bucket> buckets);
  static uint32_t buckets_for(uint32_t capacity) { return std::bit_ceil(capacity / kFilled + 2); }

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
  // Insertions and removals so far: while it stands, a hash that was not found is not there.
  uint32_t changes() const { return changes_; }
  // Entries in their second bucket: a lookup of these touches two lines. Not for the packet path.
  uint32_t overflowed() const;
  std::size_t bytes() const { return buckets_.bytes(); }

 private:
  using Bucket = dam_index_bucket;
  static constexpr uint32_t kSlots = DAM_INDEX_SLOTS;
  static constexpr uint32_t kFilled = 7;  // of a bucket's slots, on average, at capacity

  static uint16_t tag_of(uint64_t hash) { return dam_index_tag(hash); }
  uint32_t first_bucket(uint64_t hash) const { return dam_index_first(hash, mask_); }
  uint32_t other_bucket(uint32_t bucket, uint16_t tag) const {
    return dam_index_other(bucket, tag, mask_);
  }
  static uint32_t matches(const Bucket& bucket, uint16_t tag);
  template <class Match>
  static uint32_t find_in(const Bucket& bucket, uint16_t tag, Match&& match);
  static bool place(Bucket& bucket, uint16_t tag, uint32_t ref, bool foreign);
  static bool remove(Bucket& bucket, uint16_t tag, uint32_t ref);
  bool make_room(uint32_t bucket);

  uint32_t size_ = 0;
  uint32_t changes_ = 0;
  uint32_t mask_ = 0;
  BigArray<Bucket> buckets_;
};

inline FlowIndex::FlowIndex(uint32_t capacity)
    : mask_(buckets_for(capacity) - 1), buckets_(std::size_t{mask_} + 1) {}

inline FlowIndex::FlowIndex(std::span<dam_index_bucket> buckets)
    : mask_(static_cast<uint32_t>(buckets.size()) - 1), buckets_(buckets) {
  for (const Bucket& bucket : buckets) {
    for (const uint16_t tag : bucket.tag) size_ += tag != 0;
  }
}

inline void FlowIndex::prefetch(uint64_t hash) const {
  dam::prefetch(&buckets_[first_bucket(hash)]);
}

// Bit i: slot i has this tag. Both loads stay within the bucket's line.
inline uint32_t FlowIndex::matches(const Bucket& bucket, uint16_t tag) {
  const auto* words = reinterpret_cast<const __m128i*>(&bucket);
  const __m128i wanted = _mm_set1_epi16(static_cast<short>(tag));
  const __m128i low = _mm_cmpeq_epi16(_mm_load_si128(words), wanted);
  const __m128i high = _mm_cmpeq_epi16(_mm_load_si128(words + 1), wanted);
  const int bits = _mm_movemask_epi8(_mm_packs_epi16(low, high));
  return static_cast<uint32_t>(bits) & ((1u << kSlots) - 1);
}

template <class Match>
uint32_t FlowIndex::find_in(const Bucket& bucket, uint16_t tag, Match&& match) {
  for (uint32_t hits = matches(bucket, tag); hits != 0; hits &= hits - 1) {
    const uint32_t ref = bucket.ref[std::countr_zero(hits)];
    if (match(ref)) return ref;
  }
  return kNone;
}

template <class Match>
uint32_t FlowIndex::find(uint64_t hash, Match&& match) const {
  const uint16_t tag = tag_of(hash);
  const uint32_t first = first_bucket(hash);
  const uint32_t ref = find_in(buckets_[first], tag, match);
  if (ref != kNone || buckets_[first].overflow == 0) [[likely]]
    return ref;
  return find_in(buckets_[other_bucket(first, tag)], tag, match);
}

inline uint32_t FlowIndex::first_candidate(uint64_t hash) const {
  return find(hash, [](uint32_t) { return true; });
}

inline bool FlowIndex::place(Bucket& bucket, uint16_t tag, uint32_t ref, bool foreign) {
  const uint32_t vacant = matches(bucket, 0);
  if (vacant == 0) return false;
  const int slot = std::countr_zero(vacant);
  bucket.ref[slot] = ref;
  if (foreign) bucket.foreign = static_cast<uint16_t>(bucket.foreign | 1u << slot);
  __atomic_store_n(&bucket.tag[slot], tag, __ATOMIC_RELEASE);  // the kernel may be reading
  return true;
}

inline bool FlowIndex::remove(Bucket& bucket, uint16_t tag, uint32_t ref) {
  for (uint32_t hits = matches(bucket, tag); hits != 0; hits &= hits - 1) {
    const int slot = std::countr_zero(hits);
    if (bucket.ref[slot] != ref) continue;
    bucket.tag[slot] = 0;
    bucket.foreign = static_cast<uint16_t>(bucket.foreign & ~(1u << slot));
    return true;
  }
  return false;
}

inline bool FlowIndex::insert(uint64_t hash, uint32_t ref) {
  const uint16_t tag = tag_of(hash);
  const uint32_t first = first_bucket(hash);
  const uint32_t second = other_bucket(first, tag);
  for (int attempt = 0; attempt < 2; ++attempt) {
    const bool in_first = place(buckets_[first], tag, ref, false);
    if (in_first || place(buckets_[second], tag, ref, true)) {
      if (!in_first) ++buckets_[first].overflow;
      ++size_;
      ++changes_;
      return true;
    }
    if (!make_room(first)) return false;
  }
  return false;
}

// Moves one entry of a full bucket to its other bucket.
inline bool FlowIndex::make_room(uint32_t bucket) {
  Bucket& full = buckets_[bucket];
  for (uint32_t slot = 0; slot < kSlots; ++slot) {
    const uint16_t tag = full.tag[slot];
    const uint32_t target = other_bucket(bucket, tag);
    const bool goes_home = (full.foreign >> slot & 1) != 0;
    if (!place(buckets_[target], tag, full.ref[slot], !goes_home)) continue;
    if (goes_home) {
      --buckets_[target].overflow;
    } else {
      ++full.overflow;
    }
    full.tag[slot] = 0;
    full.foreign = static_cast<uint16_t>(full.foreign & ~(1u << slot));
    return true;
  }
  return false;
}

inline bool FlowIndex::erase(uint64_t hash, uint32_t ref) {
  const uint16_t tag = tag_of(hash);
  const uint32_t first = first_bucket(hash);
  if (!remove(buckets_[first], tag, ref)) {
    if (buckets_[first].overflow == 0) return false;
    if (!remove(buckets_[other_bucket(first, tag)], tag, ref)) return false;
    --buckets_[first].overflow;
  }
  --size_;
  ++changes_;
  return true;
}

inline uint32_t FlowIndex::overflowed() const {
  uint32_t sum = 0;
  for (uint32_t bucket = 0; bucket <= mask_; ++bucket) sum += buckets_[bucket].overflow;
  return sum;
}

}  // namespace dam
