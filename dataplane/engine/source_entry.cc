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

constexpr uint64_t kBanned = uint64_t{1} << 63;
constexpr uint32_t kCountShift = 47;
constexpr uint64_t kCountMost = 0xffff;
constexpr uint32_t kStartTickShift = 12;  // 47 bits of 4 us last for 18 years
constexpr uint64_t kStartMask = (uint64_t{1} << kCountShift) - 1;

// The penalty after one more violation at now_ns.
uint64_t one_more(uint64_t penalty, uint64_t now_ns, uint64_t ban_after, uint64_t within_ns,
                  uint64_t for_ns) {
  uint64_t violations = 0;
  uint64_t start = now_ns >> kStartTickShift;
  if ((penalty & kBanned) == 0 && penalty != 0) {
    const uint64_t old_start = penalty & kStartMask;
    if (start <= old_start || (start - old_start) << kStartTickShift <= within_ns) {
      violations = penalty >> kCountShift;
      start = old_start;
    }
  }
  ++violations;
  if (violations >= std::min(ban_after, kCountMost)) {
    return kBanned | std::min(now_ns + std::min(for_ns, kBanned - 1), kBanned - 1);
  }
  return violations << kCountShift | start;
}

}  // namespace

void SourceTable::retain(uint32_t index) {
  __atomic_fetch_add(&entries_[index].state, 1, __ATOMIC_RELAXED);
}

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
  if (ban_after == 0) return false;
  uint64_t penalty = __atomic_load_n(&entry.penalty, __ATOMIC_RELAXED);
  uint64_t next = 0;
  do {
    if ((penalty & kBanned) != 0 && (penalty & ~kBanned) > now_ns) return false;
    next = one_more(penalty, now_ns, ban_after, within_ns, for_ns);
  } while (!__atomic_compare_exchange_n(&entry.penalty, &penalty, next, true, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED));
  return (next & kBanned) != 0;
}

void SourceTable::ban(SourceEntry& entry, uint64_t until_ns) {
  const uint64_t penalty = until_ns == 0 ? 0 : kBanned | std::min(until_ns, kBanned - 1);
  __atomic_store_n(&entry.penalty, penalty, __ATOMIC_RELAXED);
}

bool SourceTable::banned(const SourceEntry& entry, uint64_t now_ns) {
  const uint64_t penalty = __atomic_load_n(&entry.penalty, __ATOMIC_RELAXED);
  return (penalty & kBanned) != 0 && (penalty & ~kBanned) > now_ns;
}

bool SourceTable::remembers(const SourceEntry& entry, uint64_t now_ns, uint64_t violations_ns) {
  for (const uint64_t& tat_ns : entry.tat_ns) {
    if (__atomic_load_n(&tat_ns, __ATOMIC_RELAXED) > now_ns) return true;
  }
  const uint64_t penalty = __atomic_load_n(&entry.penalty, __ATOMIC_RELAXED);
  if ((penalty & kBanned) != 0) return (penalty & ~kBanned) > now_ns;
  if (penalty == 0) return false;
  const uint64_t start_ns = (penalty & kStartMask) << kStartTickShift;
  return start_ns > now_ns || now_ns - start_ns <= violations_ns;
}

}  // namespace dam
