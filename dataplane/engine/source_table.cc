// SPDX-License-Identifier: BSD-3-Clause
// How a key keeps exactly one live entry without locks. The maker of an entry reserves a slot,
// fills the entry, and publishes it by moving its first bucket's `control` from the version that it
// saw before it searched: whoever else made an entry of that first bucket meanwhile has moved it,
// and then the search begins anew. `control` also names the entry, so that anybody who comes
// between the publication and the change of its word can finish that change. Idle entries are
// killed first (their state loses `live`, which fails if anybody referred to them meanwhile), then
// their word is freed.
#include "dataplane/engine/source_table.h"

#include <emmintrin.h>

#include <algorithm>
#include <bit>
#include <utility>

namespace dam {

namespace {

constexpr uint64_t kReferences = (1u << 24) - 1;
constexpr uint64_t kInUse = (uint64_t{1} << 48) - 1;  // references and open connections
constexpr uint32_t kZoneShift = DAM_SOURCE_ZONE_SHIFT;
constexpr uint64_t kZoneMask = 63;
constexpr uint64_t kLive = DAM_SOURCE_LIVE;
constexpr uint64_t kGeneration = uint64_t{1} << 55;
static_assert(DAM_MAX_ZONES <= kZoneMask + 1);

// The words of a bucket.
constexpr uint32_t kReserved = 1;
constexpr uint32_t kMember = DAM_SOURCE_MEMBER;
constexpr uint32_t kRoundShift = 2;
constexpr uint32_t kTagShift = DAM_SOURCE_TAG_SHIFT;
constexpr uint32_t kTag = 0xffffffff << kTagShift;

constexpr int kAttempts = 64;  // against as many other workers at one bucket

uint32_t version_of(uint64_t control) { return static_cast<uint32_t>(control >> 32); }
uint32_t round_of(uint32_t version) { return (version & 0xff) << kRoundShift; }

bool is_of(const SourceEntry& entry, uint64_t state, const SourceKey& key) {
  uint32_t difference = 0;
  for (int i = 0; i < 4; ++i) {
    difference |= __atomic_load_n(&entry.prefix.word[i], __ATOMIC_RELAXED) ^ key.prefix.word[i];
  }
  return difference == 0 && (state >> kZoneShift & kZoneMask) == key.zone_slot;
}

dam_table_key secret_of(const std::array<uint64_t, 2>& secret) {
  dam_table_key key;
  dam_table_key_make(&key, secret.data());
  return key;
}

}  // namespace

// Three quarters of the slots: with two buckets to choose from, none finds both full before that.
uint32_t SourceTable::buckets_for(uint32_t capacity) {
  return static_cast<uint32_t>(uint64_t{capacity} * 4 / (kSlots * 3)) + 2;
}

SourceTable::SourceTable(uint32_t capacity, uint32_t workers, std::array<uint64_t, 2> secret)
    : secret_(secret_of(secret)),
      bucket_count_(buckets_for(capacity)),
      buckets_(bucket_count_),
      entries_(std::size_t{bucket_count_} * kSlots),
      request_tats_ns_(entries_.size()),
      used_(std::max(workers, 1u)) {}

SourceTable::SourceTable(std::span<dam_source_bucket> buckets, std::span<dam_source_entry> entries,
                         std::span<uint64_t> request_tats_ns, uint32_t workers,
                         std::array<uint64_t, 2> secret)
    : secret_(secret_of(secret)),
      bucket_count_(static_cast<uint32_t>(buckets.size())),
      buckets_(buckets),
      entries_(entries),
      request_tats_ns_(request_tats_ns),
      used_(std::max(workers, 1u)) {
  for (uint32_t i = 0; i < slots(); ++i) used_[0].used += word(i) != 0;
}

SourceKey SourceTable::key(const dam_address& source, uint8_t zone_slot, uint8_t source_bits_v4,
                           uint8_t source_bits_v6) const {
  SourceKey key;
  dam_source_key_of(&key, &secret_, &source, zone_slot, source_bits_v4, source_bits_v6);
  return key;
}

SourceTable::Place SourceTable::place(const SourceKey& key) const {
  return dam_source_place_of(key.hash, bucket_count_);
}

void SourceTable::prefetch(const SourceKey& key) const {
  const Place at = place(key);
  dam::prefetch(&buckets_[at.first]);
  dam::prefetch(&buckets_[at.second]);
}

// Bit i: the word of slot i looked like this one. A hint: whoever goes by it reads the word again;
// so others may be writing meanwhile, and ThreadSanitizer need not look.
__attribute__((no_sanitize("thread"))) uint32_t SourceTable::slots_like(uint32_t bucket,
                                                                        uint32_t word) const {
  constexpr int kControlLanes = 2;
  const auto* lanes = reinterpret_cast<const __m128i*>(&buckets_[bucket]);
  const __m128i wanted = _mm_set1_epi32(static_cast<int>(word));
  const __m128i like[4] = {_mm_cmpeq_epi32(_mm_load_si128(lanes), wanted),
                           _mm_cmpeq_epi32(_mm_load_si128(lanes + 1), wanted),
                           _mm_cmpeq_epi32(_mm_load_si128(lanes + 2), wanted),
                           _mm_cmpeq_epi32(_mm_load_si128(lanes + 3), wanted)};
  const __m128i all =
      _mm_packs_epi16(_mm_packs_epi32(like[0], like[1]), _mm_packs_epi32(like[2], like[3]));
  return static_cast<uint32_t>(_mm_movemask_epi8(all)) >> kControlLanes;
}

void SourceTable::prefetch_entry(const SourceKey& key) const {
  const Place at = place(key);
  for (const uint32_t bucket : {at.first, at.second}) {
    const uint32_t like = slots_like(bucket, at.member);
    if (like != 0) return prefetch(bucket * kSlots + std::countr_zero(like));
  }
}

// Takes a reference if the entry is live, still published, and the key's.
bool SourceTable::pin(uint32_t index, uint32_t member, const SourceKey& key) {
  SourceEntry& entry = entries_[index];
  uint64_t state = __atomic_load_n(&entry.state, __ATOMIC_RELAXED);
  do {
    if ((state & kLive) == 0 || (state & kReferences) == kReferences) return false;
  } while (!__atomic_compare_exchange_n(&entry.state, &state, state + kGeneration + 1, true,
                                        __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
  if (is_of(entry, state, key) && __atomic_load_n(&word(index), __ATOMIC_ACQUIRE) == member) {
    return true;
  }
  release(index);
  return false;
}

SourceTable::Search SourceTable::search(const SourceKey& key, const Place& place) {
  Search result;
  uint32_t most_free = 0;
  for (const uint32_t bucket : {place.first, place.second}) {
    for (uint32_t like = slots_like(bucket, place.member); like != 0; like &= like - 1) {
      const uint32_t index = bucket * kSlots + std::countr_zero(like);
      if (__atomic_load_n(&word(index), __ATOMIC_ACQUIRE) != place.member) continue;
      if (!pin(index, place.member, key)) continue;
      result.found = index;
      return result;
    }
    const uint32_t vacant = slots_like(bucket, 0);
    const auto free = static_cast<uint32_t>(std::popcount(vacant));
    if (free <= most_free) continue;
    most_free = free;
    result.vacant = bucket * kSlots + static_cast<uint32_t>(std::bit_width(vacant)) - 1;
  }
  return result;
}

uint32_t SourceTable::find(const SourceKey& key) const {
  const Place at = place(key);
  for (const uint32_t bucket : {at.first, at.second}) {
    for (uint32_t like = slots_like(bucket, at.member); like != 0; like &= like - 1) {
      const int slot = std::countr_zero(like);
      if (__atomic_load_n(&buckets_[bucket].word[slot], __ATOMIC_ACQUIRE) != at.member) continue;
      const SourceEntry& entry = entries_[bucket * kSlots + slot];
      const uint64_t state = __atomic_load_n(&entry.state, __ATOMIC_ACQUIRE);
      if ((state & kLive) != 0 && is_of(entry, state, key)) return bucket * kSlots + slot;
    }
  }
  return kNone;
}

uint32_t SourceTable::acquire(uint32_t worker, const SourceKey& key, uint64_t now_ns) {
  const Place at = place(key);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const uint64_t control = __atomic_load_n(&buckets_[at.first].control, __ATOMIC_ACQUIRE);
    finish(at, control);
    const Search result = search(key, at);
    if (result.found != kNone) return result.found;
    const uint32_t round = round_of(version_of(control) + 1);
    const uint32_t reserved = (at.member & kTag) | round | kReserved;
    const uint32_t index = reserve(at, key, result.vacant, reserved, worker, now_ns);
    if (index == kNone && result.vacant == kNone) return kNone;
    if (index == kNone) continue;
    fill(index, key);
    if (publish(at, control, index)) return index;
    abandon(index, worker);
  }
  return kNone;
}

void SourceTable::empty_buckets(uint32_t index) {
  for (int dimension = 0; dimension < DAM_DIM_COUNT; ++dimension) {
    __atomic_store_n(&tat_ns(index, static_cast<dam_dimension>(dimension)), 0, __ATOMIC_RELAXED);
  }
}

void SourceTable::fill(uint32_t index, const SourceKey& key) {
  SourceEntry& entry = entries_[index];
  for (int i = 0; i < 4; ++i) {
    __atomic_store_n(&entry.prefix.word[i], key.prefix.word[i], __ATOMIC_RELAXED);
  }
  empty_buckets(index);
  __atomic_store_n(&entry.penalty, 0, __ATOMIC_RELAXED);
  uint64_t state = __atomic_load_n(&entry.state, __ATOMIC_RELAXED) & ~(kLive - 1);
  state += kGeneration;
  state |= kLive | uint64_t{key.zone_slot} << kZoneShift | 1;
  __atomic_store_n(&entry.state, state, __ATOMIC_RELEASE);
}

// A slot that is ours to fill; kNone: another was quicker, or (nothing vacant) all are in use.
uint32_t SourceTable::reserve(const Place& place, const SourceKey& key, uint32_t vacant,
                              uint32_t reserved, uint32_t worker, uint64_t now_ns) {
  if (vacant != kNone) {
    uint32_t free = 0;
    const bool won = __atomic_compare_exchange_n(&word(vacant), &free, reserved, false,
                                                 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
    if (won) count(worker, 1);
    return won ? vacant : kNone;
  }
  const uint32_t index = reclaim(place, key, now_ns);
  if (index != kNone) __atomic_store_n(&word(index), reserved, __ATOMIC_RELEASE);
  return index;
}

bool SourceTable::publish(const Place& place, uint64_t control, uint32_t index) {
  const uint64_t version = version_of(control) + uint64_t{1};
  uint64_t expected = control >> 32 << 32;
  const uint64_t published = version << 32 | (index + 1);
  if (!__atomic_compare_exchange_n(&buckets_[place.first].control, &expected, published, false,
                                   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
    return false;
  }
  finish(place, published);
  return true;
}

// Makes the entry that `control` names a member, then takes its name out.
void SourceTable::finish(const Place& place, uint64_t control) {
  const auto name = static_cast<uint32_t>(control);
  if (name == 0) return;
  uint32_t seen = __atomic_load_n(&word(name - 1), __ATOMIC_ACQUIRE);
  const uint32_t expected = round_of(version_of(control)) | kReserved;
  if ((seen & ~kTag) == expected) {
    __atomic_compare_exchange_n(&word(name - 1), &seen, (seen & kTag) | kMember, false,
                                __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
  }
  __atomic_compare_exchange_n(&buckets_[place.first].control, &control, control >> 32 << 32, false,
                              __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

// Takes back an entry that was never published. Whoever looked at it (its slot once held the same
// key) lets go at once, but perhaps after this: then the sweep frees the slot.
void SourceTable::abandon(uint32_t index, uint32_t worker) {
  release(index);
  if (!kill_idle(index, 0)) return;
  __atomic_store_n(&word(index), 0, __ATOMIC_RELEASE);
  count(worker, 0u - 1);
}

bool SourceTable::kill_idle(uint32_t index, uint64_t now_ns) {
  SourceEntry& entry = entries_[index];
  uint64_t state = __atomic_load_n(&entry.state, __ATOMIC_ACQUIRE);
  if ((state & kLive) == 0 || (state & kInUse) != 0) return false;
  const uint64_t memory_ns = __atomic_load_n(&violation_memory_ns_, __ATOMIC_RELAXED);
  if (remembers(index, now_ns, memory_ns)) return false;
  return __atomic_compare_exchange_n(&entry.state, &state, state & ~kLive, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED);
}

// Looks from a slot that the key chooses, so that not always the same entries go.
uint32_t SourceTable::reclaim(const Place& place, const SourceKey& key, uint64_t now_ns) {
  const auto start = static_cast<uint32_t>(key.hash % kSlots);
  for (const uint32_t bucket : {place.first, place.second}) {
    for (uint32_t i = 0; i < kSlots; ++i) {
      const uint32_t index = bucket * kSlots + (start + i) % kSlots;
      if (kill_idle(index, now_ns)) return index;
    }
  }
  return kNone;
}

uint32_t SourceTable::sweep(uint32_t worker, uint64_t now_ns, uint32_t budget) {
  uint32_t freed = 0;
  for (uint32_t looked = 0; looked < budget; ++looked) {
    const uint32_t index = sweep_cursor_;
    sweep_cursor_ = index + 1 == slots() ? 0 : index + 1;
    if (__atomic_load_n(&word(index), __ATOMIC_ACQUIRE) == 0) continue;
    if (!kill_idle(index, now_ns)) continue;
    __atomic_store_n(&word(index), 0, __ATOMIC_RELEASE);
    ++freed;
  }
  count(worker, 0u - freed);
  return freed;
}

void SourceTable::forget(uint64_t zones) {
  for (uint32_t i = 0; i < slots(); ++i) {
    const uint64_t state = __atomic_load_n(&entries_[i].state, __ATOMIC_ACQUIRE);
    if ((state & kLive) == 0 || (zones >> (state >> kZoneShift & kZoneMask) & 1) == 0) continue;
    empty_buckets(i);
    __atomic_store_n(&entries_[i].penalty, 0, __ATOMIC_RELAXED);
  }
}

void SourceTable::disown() {
  for (Bucket& bucket : buckets_.all()) bucket.control = bucket.control >> 32 << 32;
  used_[0].used = 0;
  for (uint32_t i = 0; i < slots(); ++i) {
    const bool member = (word(i) & ~kTag) == kMember;
    const uint64_t state = entries_[i].state;
    if (!member || (state & kLive) == 0) {
      __atomic_store_n(&word(i), 0, __ATOMIC_RELEASE);
      entries_[i].state = state & ~(kLive | kInUse);
      continue;
    }
    entries_[i].state = state & ~kInUse;
    ++used_[0].used;
  }
}

void SourceTable::set_violation_memory(uint64_t ns) {
  __atomic_store_n(&violation_memory_ns_, ns, __ATOMIC_RELAXED);
}

void SourceTable::count(uint32_t worker, uint32_t change) {
  if (change != 0) __atomic_fetch_add(&used_[worker].used, change, __ATOMIC_RELAXED);
}

uint32_t SourceTable::used() const {
  uint32_t sum = 0;
  for (std::size_t i = 0; i < used_.size(); ++i) {
    sum += __atomic_load_n(&used_[i].used, __ATOMIC_RELAXED);
  }
  return sum;
}

}  // namespace dam
