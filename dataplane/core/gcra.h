/* SPDX-License-Identifier: BSD-3-Clause */
/* Token buckets as GCRA (ITU-T I.371 annex A): one word, the theoretical arrival time, says it all.
 * From idle, `burst` units pass at once; in any stretch of time no more than rate * time + burst,
 * where time counts begun nanoseconds. Costs round up to whole nanoseconds. */
#ifndef DAM_CORE_GCRA_H
#define DAM_CORE_GCRA_H

#include "dataplane/core/types.h"

struct dam_gcra_rate {
  uint64_t interval_q20; /* ns << 20 per unit (the emission interval); 0: no limit */
  uint64_t tolerance_ns; /* burst * interval: how far the arrival time may run ahead of now */
};

enum {
  DAM_GCRA_FRACTION = 20,
  DAM_GCRA_ATTEMPTS = 16, /* of compare-and-swap, against as many other CPUs at one bucket */
  DAM_GCRA_CLOCK_SLACK_NS = 100000000
};
#define DAM_GCRA_FRACTION_MASK ((UINT64_C(1) << DAM_GCRA_FRACTION) - 1)
/* The most of a tolerance, and of a cost: the second may still be added to a time. */
#define DAM_GCRA_FOREVER_NS (UINT64_C(1) << 62)
#define DAM_GCRA_NEVER_NS (UINT64_C(1) << 63)

/* In two parts, since BPF has no 128 bits. */
DAM_RARE uint64_t dam_gcra_large_cost_ns(uint64_t interval_q20, uint32_t units) {
  uint64_t whole = interval_q20 >> DAM_GCRA_FRACTION;
  uint64_t fraction = interval_q20 & DAM_GCRA_FRACTION_MASK;
  uint64_t low = (whole & UINT32_MAX) * units;
  uint64_t high = (whole >> 32) * units + (low >> 32);
  if (high >> 30) return DAM_GCRA_NEVER_NS;
  return (high << 32 | (low & UINT32_MAX)) +
         ((fraction * units + DAM_GCRA_FRACTION_MASK) >> DAM_GCRA_FRACTION);
}

/* units * interval in ns, rounded up; at most DAM_GCRA_NEVER_NS, which no tolerance covers. A
 * packet's octets at 4 units a second or faster fit into 64 bits. */
DAM_INLINE uint64_t dam_gcra_cost_ns(const struct dam_gcra_rate* rate, uint32_t units) {
  if ((rate->interval_q20 >> 48) == 0 && units >> 16 == 0) {
    return (rate->interval_q20 * units + DAM_GCRA_FRACTION_MASK) >> DAM_GCRA_FRACTION;
  }
  return dam_gcra_large_cost_ns(rate->interval_q20, units);
}

/* The same for 64-bit units; not for the packet path (it divides). */
DAM_INLINE uint64_t dam_gcra_tolerance_ns(uint64_t interval_q20, uint64_t burst) {
  uint64_t whole = interval_q20 >> DAM_GCRA_FRACTION;
  uint64_t fraction = interval_q20 & DAM_GCRA_FRACTION_MASK;
  if (whole && burst > DAM_GCRA_FOREVER_NS / whole) return DAM_GCRA_FOREVER_NS;
  uint64_t sum =
      whole * burst + (burst >> DAM_GCRA_FRACTION) * fraction +
      (((burst & DAM_GCRA_FRACTION_MASK) * fraction + DAM_GCRA_FRACTION_MASK) >> DAM_GCRA_FRACTION);
  return sum < DAM_GCRA_FOREVER_NS ? sum : DAM_GCRA_FOREVER_NS;
}

/* From thousandths of units a second and the units that may come at once from idle. Rate 0: no
 * limit; burst 0 is taken as 1 (else nothing would ever pass). Intervals from 4096 ns on are
 * rounded up to whole ns (at most 0.03 % slower), so that their bursts are exact, one unit at a
 * time too. */
DAM_INLINE struct dam_gcra_rate dam_gcra_rate_of(uint64_t units_per_second_milli, uint64_t burst) {
  struct dam_gcra_rate rate = {0, 0};
  const uint64_t second_milli_q20 = UINT64_C(1000000000000) << DAM_GCRA_FRACTION;
  if (units_per_second_milli == 0) return rate;
  rate.interval_q20 = second_milli_q20 / units_per_second_milli;
  if (second_milli_q20 % units_per_second_milli) rate.interval_q20++;
  if (rate.interval_q20 >> (DAM_GCRA_FRACTION + 12)) {
    rate.interval_q20 =
        (rate.interval_q20 + DAM_GCRA_FRACTION_MASK) & ~(uint64_t)DAM_GCRA_FRACTION_MASK;
  }
  rate.tolerance_ns = dam_gcra_tolerance_ns(rate.interval_q20, burst ? burst : 1);
  return rate;
}

/* The arrival time after a charge of this cost, or 0 when it is refused. */
DAM_INLINE uint64_t dam_gcra_next_ns(uint64_t tat_ns, const struct dam_gcra_rate* rate,
                                     uint64_t now_ns, uint64_t cost_ns) {
  uint64_t start = tat_ns > now_ns ? tat_ns : now_ns;
  uint64_t next = start + cost_ns;
  return next - now_ns <= rate->tolerance_ns ? next : 0; /* at most 2^62 after now */
}

/* Would a charge pass now? Changes nothing. */
DAM_INLINE int dam_gcra_would_admit(const uint64_t* tat_ns, const struct dam_gcra_rate* rate,
                                    uint64_t now_ns, uint32_t units) {
  if (rate->interval_q20 == 0 || units == 0) return 1;
  uint64_t tat = dam_load_shared64(tat_ns);
  return dam_gcra_next_ns(tat, rate, now_ns, dam_gcra_cost_ns(rate, units)) != 0;
}

/* 1: admitted and charged. 0: refused, nothing charged. Exact for any number of CPUs at one bucket;
 * whoever loses DAM_GCRA_ATTEMPTS races in a row is refused: under such a storm that errs towards
 * protecting the server. A bucket starts as 0. */
DAM_INLINE int dam_gcra_charge(uint64_t* tat_ns, const struct dam_gcra_rate* rate, uint64_t now_ns,
                               uint32_t units) {
  if (rate->interval_q20 == 0 || units == 0) return 1;
  uint64_t seen = dam_load_shared64(tat_ns), cost = dam_gcra_cost_ns(rate, units);
  for (int attempt = 0; attempt < DAM_GCRA_ATTEMPTS; attempt++) {
    uint64_t next = dam_gcra_next_ns(seen, rate, now_ns, cost);
    if (next == 0) return 0;
    uint64_t found = __sync_val_compare_and_swap(tat_ns, seen, next);
    if (found == seen) return 1;
    seen = found;
  }
  return 0;
}

/* The same for a bucket that no other CPU charges: without locked instructions, each of which holds
 * up the loads behind it. */
DAM_INLINE int dam_gcra_charge_alone(uint64_t* tat_ns, const struct dam_gcra_rate* rate,
                                     uint64_t now_ns, uint32_t units) {
  if (rate->interval_q20 == 0 || units == 0) return 1;
  uint64_t seen = dam_load_shared64(tat_ns);
  uint64_t next = (seen > now_ns ? seen : now_ns) + dam_gcra_cost_ns(rate, units);
  if (next - now_ns > rate->tolerance_ns) return 0;
  dam_store_shared64(tat_ns, next);
  return 1;
}

/* Units that come at once and may be more than the burst: no more than a full bucket holds, else
 * they would never pass. */
DAM_INLINE uint32_t dam_gcra_fitting(const struct dam_gcra_rate* rate, uint32_t units) {
  if (rate->interval_q20 == 0 || dam_gcra_cost_ns(rate, units) <= rate->tolerance_ns) return units;
  uint64_t interval_ns = (rate->interval_q20 + DAM_GCRA_FRACTION_MASK) >> DAM_GCRA_FRACTION;
  uint64_t most = rate->tolerance_ns / interval_ns;
  return most > 1 ? (uint32_t)most : 1;
}

/* For after a refusal. An arrival time further ahead than the tolerance is debt from another rate:
 * the policy has changed since. The bucket goes on as an empty one of this rate; else whoever had
 * filled the old one would wait at the old pace, for hours where that was slow. CPUs' clocks that
 * differ by less than the slack are not taken for a change. */
DAM_INLINE void dam_gcra_refit(uint64_t* tat_ns, const struct dam_gcra_rate* rate,
                               uint64_t now_ns) {
  uint64_t seen = dam_load_shared64(tat_ns);
  if (seen <= now_ns || seen - now_ns <= rate->tolerance_ns) return;
  if (seen - now_ns - rate->tolerance_ns <= DAM_GCRA_CLOCK_SLACK_NS) return;
  (void)__sync_val_compare_and_swap(tat_ns, seen, now_ns + rate->tolerance_ns);
}

/* Nanoseconds until the charge would pass, if nobody else comes: 0 now, UINT64_MAX never. */
DAM_INLINE uint64_t dam_gcra_wait_ns(const uint64_t* tat_ns, const struct dam_gcra_rate* rate,
                                     uint64_t now_ns, uint32_t units) {
  if (rate->interval_q20 == 0 || units == 0) return 0;
  uint64_t tat = dam_load_shared64(tat_ns);
  uint64_t ahead = tat > now_ns ? tat - now_ns : 0;
  uint64_t cost = dam_gcra_cost_ns(rate, units);
  if (cost > rate->tolerance_ns) return UINT64_MAX;
  return ahead > rate->tolerance_ns - cost ? ahead - (rate->tolerance_ns - cost) : 0;
}

#endif
