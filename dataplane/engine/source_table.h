// SPDX-License-Identifier: BSD-3-Clause
// What the dam remembers of each source in each zone: its buckets, its open connections, its
// violations and its ban. Shared by all workers, lock-free; each key has exactly one live entry, so
// that buckets are exact however many workers charge them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/core/plane.h"
#include "dataplane/core/source_entry.h"
#include "dataplane/core/source_key.h"
#include "dataplane/engine/big_array.h"
#include "dataplane/engine/prefetch.h"

namespace dam {

// A source as a zone sees it: made by SourceTable::key, which hashes once for prefetch and lookup.
using SourceKey = dam_source_key;

// Shared fields are read and written with __atomic builtins only.
using SourceEntry = dam_source_entry;

class SourceTable {
 public:
  static constexpr uint32_t kNone = 0xffffffff;

  // Holds `capacity` entries at least (a few more fit); indices stay below slots().
  SourceTable(uint32_t capacity, uint32_t workers, std::array<uint64_t, 2> secret);
  // In memory of another owner, which holds what it holds: buckets_for() buckets, and
  // DAM_SOURCE_SLOTS entries and buckets of requests for each.
  SourceTable(std::span<dam_source_bucket> buckets, std::span<dam_source_entry> entries,
              std::span<uint64_t> request_tats_ns, uint32_t workers,
              std::array<uint64_t, 2> secret);
  static uint32_t buckets_for(uint32_t capacity);

  SourceKey key(const dam_address& source, uint8_t zone_slot, uint8_t source_bits_v4,
                uint8_t source_bits_v6) const;
  void prefetch(const SourceKey& key) const;
  void prefetch_entry(const SourceKey& key) const;  // worth it some time after prefetch()
  void prefetch(uint32_t index) const { dam::prefetch(&entries_[index]); }
  void prefetch_requests(uint32_t index) const { dam::prefetch(&request_tats_ns_[index]); }

  // Finds or makes the entry and takes a reference to it; kNone: full of entries in use.
  uint32_t acquire(uint32_t worker, const SourceKey& key, uint64_t now_ns);
  void release(uint32_t index);
  // Without a reference: good for a glance, e.g. at a ban; the entry may be reclaimed meanwhile.
  uint32_t find(const SourceKey& key) const;

  // An entry as it was at one moment, for who holds no reference; nothing where there is none, or
  // it changed whenever it was looked at.
  struct Glance {
    dam_address prefix;
    uint8_t zone_slot;
    uint32_t connections;
    std::array<uint64_t, DAM_DIM_COUNT> tat_ns;
    uint64_t penalty;
  };
  std::optional<Glance> glance(uint32_t index) const;

  SourceEntry& operator[](uint32_t index) { return entries_[index]; }
  const SourceEntry& operator[](uint32_t index) const { return entries_[index]; }
  // For dam_gcra_charge.
  uint64_t& tat_ns(uint32_t index, dam_dimension dimension) {
    return dimension == DAM_DIM_requests ? request_tats_ns_[index]
                                         : entries_[index].tat_ns[dimension];
  }

  // Open connections. enter: false when there are `limit` already (0: no limit).
  static bool enter(SourceEntry& entry, uint32_t limit);
  static void leave(SourceEntry& entry);
  static uint32_t concurrent(const SourceEntry& entry);
  static uint32_t references(const SourceEntry& entry);

  // Notes a violation; true when it is the ban_after-th within within_ns and so begins a ban.
  static bool violate(SourceEntry& entry, uint64_t now_ns, uint32_t ban_after, uint64_t within_ns,
                      uint64_t for_ns);
  static void ban(SourceEntry& entry, uint64_t until_ns);  // 0: lifts it
  static bool banned(const SourceEntry& entry, uint64_t now_ns);

  // Frees entries that say nothing any more, looking at `budget` slots; called now and then by one
  // worker so that used() tells the truth. acquire also reclaims by itself where it needs room.
  uint32_t sweep(uint32_t worker, uint64_t now_ns, uint32_t budget);
  // Empties the buckets and lifts the bans of all entries of these zones (bit: slot). Looks at
  // each.
  void forget(uint64_t zones);
  // Violations older than this are forgotten (the longest ban_within of the policy).
  void set_violation_memory(uint64_t ns);

  // Of a dataplane that ended anywhere: nobody holds an entry, no connection is open, nothing is
  // half made. Buckets and bans stay, and may be charged meanwhile.
  void disown();

  uint32_t used() const;
  uint32_t slots() const { return static_cast<uint32_t>(entries_.size()); }
  std::size_t bytes() const {
    return entries_.bytes() + buckets_.bytes() + request_tats_ns_.bytes();
  }

 private:
  static constexpr uint32_t kSlots = DAM_SOURCE_SLOTS;
  using Bucket = dam_source_bucket;
  using Place = dam_source_place;
  struct alignas(64) Count {
    uint32_t used;  // modulo 2^32: one worker may free what another made
  };
  struct Search {
    uint32_t found = kNone;   // entry, with a reference if asked for
    uint32_t vacant = kNone;  // a free slot of the emptier bucket
  };

  Place place(const SourceKey& key) const;
  uint32_t& word(uint32_t index) { return buckets_[index / kSlots].word[index % kSlots]; }
  uint32_t slots_like(uint32_t bucket, uint32_t word) const;
  Search search(const SourceKey& key, const Place& place);
  bool pin(uint32_t index, uint32_t member, const SourceKey& key);
  void fill(uint32_t index, const SourceKey& key);
  void empty_buckets(uint32_t index);
  bool remembers(uint32_t index, uint64_t now_ns, uint64_t violations_ns) const;
  bool kill_idle(uint32_t index, uint64_t now_ns);
  uint32_t reclaim(const Place& place, const SourceKey& key, uint64_t now_ns);
  uint32_t reserve(const Place& place, const SourceKey& key, uint32_t vacant, uint32_t reserved,
                   uint32_t worker, uint64_t now_ns);
  bool publish(const Place& place, uint64_t control, uint32_t index);
  void finish(const Place& place, uint64_t control);
  void abandon(uint32_t index, uint32_t worker);
  void count(uint32_t worker, uint32_t change);

  dam_table_key secret_;
  uint32_t bucket_count_;
  BigArray<Bucket> buckets_;
  BigArray<SourceEntry> entries_;
  BigArray<uint64_t> request_tats_ns_;  // by entry
  BigArray<Count> used_;
  uint64_t violation_memory_ns_ = 600'000'000'000;
  uint32_t sweep_cursor_ = 0;
};

}  // namespace dam
