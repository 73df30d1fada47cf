/* SPDX-License-Identifier: BSD-3-Clause */
/* What the dam remembers of one source in one zone: its buckets, its open connections, its
 * violations and its ban. Shared by every worker and by the kernel, without locks. */
#ifndef DAM_CORE_SOURCE_ENTRY_H
#define DAM_CORE_SOURCE_ENTRY_H

#include "dataplane/core/counters.h"
#include "dataplane/core/types.h"

/* One cache line. Its bucket of requests, which few packets ask for, lies in a table beside this
 * one, at the same place. */
struct dam_source_entry {
  dam_address prefix;
  uint64_t tat_ns[DAM_ENTRY_DIMS]; /* for dam_gcra_charge */
  uint64_t state;   /* references 24 | open connections 24 | zone slot 6 | live 1 | generation 9 */
  uint64_t penalty; /* bit 63: banned until the rest, in ns; else violations 16 | window start 47 */
} __attribute__((aligned(64)));
DAM_STATIC_ASSERT(sizeof(struct dam_source_entry) == 64, "one cache line");

#define DAM_PENALTY_BANNED (UINT64_C(1) << 63)
#define DAM_PENALTY_COUNT_MOST UINT64_C(0xffff)
enum {
  DAM_PENALTY_COUNT_SHIFT = 47,
  DAM_PENALTY_START_SHIFT = 12, /* 47 bits of 4 us last for 18 years */
  DAM_PENALTY_ATTEMPTS = 16     /* of compare-and-swap; who loses them all notes nothing */
};
#define DAM_PENALTY_START_MASK ((UINT64_C(1) << DAM_PENALTY_COUNT_SHIFT) - 1)

DAM_INLINE uint64_t dam_least64(uint64_t a, uint64_t b) { return a < b ? a : b; }

DAM_INLINE int dam_source_banned(const struct dam_source_entry* entry, uint64_t now_ns) {
  uint64_t penalty = dam_load_shared64(&entry->penalty);
  return (penalty & DAM_PENALTY_BANNED) != 0 && (penalty & ~DAM_PENALTY_BANNED) > now_ns;
}

/* The penalty after one more violation at now_ns. */
DAM_INLINE uint64_t dam_penalty_next(uint64_t penalty, uint64_t now_ns, uint32_t ban_after,
                                     uint64_t within_ns, uint64_t for_ns) {
  uint64_t violations = 0, start = now_ns >> DAM_PENALTY_START_SHIFT;
  if ((penalty & DAM_PENALTY_BANNED) == 0 && penalty != 0) {
    uint64_t old_start = penalty & DAM_PENALTY_START_MASK;
    if (start <= old_start || (start - old_start) << DAM_PENALTY_START_SHIFT <= within_ns) {
      violations = penalty >> DAM_PENALTY_COUNT_SHIFT;
      start = old_start;
    }
  }
  violations++;
  if (violations >= dam_least64(ban_after, DAM_PENALTY_COUNT_MOST)) {
    uint64_t until = now_ns + dam_least64(for_ns, DAM_PENALTY_BANNED - 1);
    return DAM_PENALTY_BANNED | dam_least64(until, DAM_PENALTY_BANNED - 1);
  }
  return violations << DAM_PENALTY_COUNT_SHIFT | start;
}

/* Notes a violation; 1 when it is the ban_after-th within within_ns and so begins a ban. */
DAM_INLINE int dam_source_violate(struct dam_source_entry* entry, uint64_t now_ns,
                                  uint32_t ban_after, uint64_t within_ns, uint64_t for_ns) {
  if (ban_after == 0) return 0;
  uint64_t seen = dam_load_shared64(&entry->penalty);
  for (int attempt = 0; attempt < DAM_PENALTY_ATTEMPTS; attempt++) {
    if ((seen & DAM_PENALTY_BANNED) != 0 && (seen & ~DAM_PENALTY_BANNED) > now_ns) return 0;
    uint64_t next = dam_penalty_next(seen, now_ns, ban_after, within_ns, for_ns);
    uint64_t found = __sync_val_compare_and_swap(&entry->penalty, seen, next);
    if (found == seen) return (next & DAM_PENALTY_BANNED) != 0;
    seen = found;
  }
  return 0;
}

#endif
