// SPDX-License-Identifier: BSD-3-Clause
// What can be done with an entry that one holds a reference to.
#include <algorithm>

#include "dataplane/engine/source_table.h"

namespace dam {

namespace {

constexpr uint64_t kReferencesMost = (1u << 24) - 1;
constexpr uint32_t kConcurrentShift = 24;
constexpr uint64_t kConcurrentOne = uint64_t{1} << kConcurrentShift;
constexpr uint64_t kConcurrentMost = (1u << 24) - 1;

}  // namespace

void SourceTable::release(uint32_t index) {
  __atomic_fetch_sub(&entries_[index].state, 1, __ATOMIC_RELEASE);
}

uint32_t SourceTable::references(const SourceEntry& entry) {
  return static_cast<uint32_t>(__atomic_load_n(&entry.state, __ATOMIC_RELAXED) & kReferencesMost);
}

uint32_t SourceTable::concurrent(const SourceEntry& entry) {
  const uint64_t state = __atomic_load_n(&entry.state, __ATOMIC_RELAXED);
  return static_cast<uint32_t>(state >> kConcurrentShift & kConcurrentMost);
}

bool SourceTable::enter(SourceEntry& entry, uint32_t limit) {
  const uint64_t most = limit == 0 ? kConcurrentMost : std::min<uint64_t>(limit, kConcurrentMost);
  uint64_t state = __atomic_load_n(&entry.state, __ATOMIC_RELAXED);
  do {
    if ((state >> kConcurrentShift & kConcurrentMost) >= most) return false;
  } while (!__atomic_compare_exchange_n(&entry.state, &state, state + kConcurrentOne, true,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  return true;
}

void SourceTable::leave(SourceEntry& entry) {
  __atomic_fetch_sub(&entry.state, kConcurrentOne, __ATOMIC_RELEASE);
}

bool SourceTable::violate(SourceEntry& entry, uint64_t now_ns, uint32_t ban_after,
                          uint64_t within_ns, uint64_t for_ns) {
  return dam_source_violate(&entry, now_ns, ban_after, within_ns, for_ns) != 0;
}

void SourceTable::ban(SourceEntry& entry, uint64_t until_ns) {
  const uint64_t penalty =
      until_ns == 0 ? 0 : DAM_PENALTY_BANNED | std::min(until_ns, DAM_PENALTY_BANNED - 1);
  __atomic_store_n(&entry.penalty, penalty, __ATOMIC_RELAXED);
}

bool SourceTable::banned(const SourceEntry& entry, uint64_t now_ns) {
  return dam_source_banned(&entry, now_ns) != 0;
}

bool SourceTable::remembers(uint32_t index, uint64_t now_ns, uint64_t violations_ns) const {
  const SourceEntry& entry = entries_[index];
  if (__atomic_load_n(&request_tats_ns_[index], __ATOMIC_RELAXED) > now_ns) return true;
  for (const uint64_t& tat_ns : entry.tat_ns) {
    if (__atomic_load_n(&tat_ns, __ATOMIC_RELAXED) > now_ns) return true;
  }
  const uint64_t penalty = __atomic_load_n(&entry.penalty, __ATOMIC_RELAXED);
  if ((penalty & DAM_PENALTY_BANNED) != 0) return (penalty & ~DAM_PENALTY_BANNED) > now_ns;
  if (penalty == 0) return false;
  const uint64_t start_ns = (penalty & DAM_PENALTY_START_MASK) << DAM_PENALTY_START_SHIFT;
  return start_ns > now_ns || now_ns - start_ns <= violations_ns;
}

std::optional<SourceTable::Glance> SourceTable::glance(uint32_t index) const {
  const SourceEntry& entry = entries_[index];
  for (int attempt = 0; attempt < 8; ++attempt) {
    const uint64_t state = __atomic_load_n(&entry.state, __ATOMIC_ACQUIRE);
    if ((state & DAM_SOURCE_LIVE) == 0) return std::nullopt;
    Glance seen{};
    for (int i = 0; i < 4; ++i) {
      seen.prefix.word[i] = __atomic_load_n(&entry.prefix.word[i], __ATOMIC_RELAXED);
    }
    seen.zone_slot = static_cast<uint8_t>(state >> DAM_SOURCE_ZONE_SHIFT & (DAM_MAX_ZONES - 1));
    seen.connections = static_cast<uint32_t>(state >> kConcurrentShift & kConcurrentMost);
    for (size_t i = 0; i < DAM_ENTRY_DIMS; ++i) {
      seen.tat_ns[i] = __atomic_load_n(&entry.tat_ns[i], __ATOMIC_RELAXED);
    }
    seen.tat_ns[DAM_DIM_requests] = __atomic_load_n(&request_tats_ns_[index], __ATOMIC_RELAXED);
    seen.penalty = __atomic_load_n(&entry.penalty, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (__atomic_load_n(&entry.state, __ATOMIC_RELAXED) == state) return seen;
  }
  return std::nullopt;
}

}  // namespace dam
