/* SPDX-License-Identifier: BSD-3-Clause */
/* Buckets and bans of an established flow's packets: what Worker::admit_packet does. */
#ifndef DAM_EBPF_ADMIT_H
#define DAM_EBPF_ADMIT_H

#include "dataplane/core/gcra.h"
#include "ebpf/frame.h"

DAM_STATIC_ASSERT(DAM_DROP_source_bytes_down - DAM_DROP_source_packets == DAM_DIM_bytes_down &&
                      DAM_DROP_zone_bytes_down - DAM_DROP_zone_packets == DAM_DIM_bytes_down,
                  "drop reasons follow the dimensions");

/* What a packet is charged to. */
struct payer {
  const struct dam_view_zone* zone;
  struct dam_source_entry* source; /* 0: none */
  struct dam_zone_totals* totals;
  struct dam_zone_counters* counters;
  uint64_t now_ns;
  uint32_t admin;
};

/* 0: cannot be, since slots are masked. */
DAM_INLINE int open_payer(struct payer* p, const struct frame* f, const struct dam_flow* flow) {
  uint32_t zone_slot = flow->zone_slot & (DAM_MAX_ZONES - 1);
  p->zone = &f->view->zone[zone_slot];
  p->source = flow->source == DAM_NONE ? 0 : DAM_LOOKUP(dam_sources, flow->source);
  p->totals = DAM_LOOKUP(dam_totals, zone_slot);
  p->counters = zone_counters(f, zone_slot);
  p->now_ns = f->job->now_ns;
  p->admin = flow->flags & DAM_FLOW_ADMIN;
  return p->totals && p->counters;
}

/* For after a lost race with another CPU. */
DAM_STEP int dam_charge_again(uint64_t* tat_ns, const struct dam_gcra_rate* rate, uint64_t now_ns,
                              uint32_t units) {
  return tat_ns && rate && dam_gcra_charge(tat_ns, rate, now_ns, units);
}

/* The first attempt here, since nearly always it is the last; the loop is a step. */
DAM_INLINE int within(uint64_t* tat_ns, const struct dam_gcra_rate* rate, uint64_t now_ns,
                      uint32_t units) {
  uint64_t seen = dam_load_shared64(tat_ns);
  uint64_t next = dam_gcra_next_ns(seen, rate, now_ns, dam_gcra_cost_ns(rate, units));
  if (next != 0) {
    if (__sync_val_compare_and_swap(tat_ns, seen, next) == seen) return 1;
    if (dam_charge_again(tat_ns, rate, now_ns, units)) return 1;
  }
  dam_gcra_refit(tat_ns, rate, now_ns);
  return 0;
}

/* 1: a ban begins. */
DAM_STEP int dam_blame(struct dam_source_entry* source, const struct dam_view_zone* zone,
                       uint64_t now_ns) {
  if (!source || !zone) return 0;
  return dam_source_violate(source, now_ns, zone->ban_after, zone->ban_within_ns, zone->ban_for_ns);
}

/* 1: the packet is refused. A source is never blamed for the zone's total. */
DAM_INLINE int exceeded(const struct payer* p, uint32_t total, uint32_t dimension) {
  if (p->zone->shadow) {
    p->counters->shadow_exceeded[total][dimension]++;
    return 0;
  }
  if (total || p->zone->exceeded != DAM_EXCEEDED_BAN || !p->source || p->admin) return 1;
  if (dam_blame(p->source, p->zone, p->now_ns)) p->counters->bans[dimension]++;
  return 1;
}

/* `tat_ns`: the source's bucket, or 0. */
DAM_INLINE enum dam_drop_reason charge_at(const struct payer* p, uint32_t dimension, uint32_t units,
                                          uint64_t* tat_ns, enum dam_drop_reason of_source,
                                          enum dam_drop_reason of_zone) {
  const struct dam_gcra_rate* rate = &p->zone->per_source[dimension];
  if (rate->interval_q20 != 0 && tat_ns) {
    if (!within(tat_ns, rate, p->now_ns, units) && exceeded(p, 0, dimension)) return of_source;
  }
  rate = &p->zone->total[dimension];
  if (rate->interval_q20 != 0) {
    if (!within(&p->totals->tat_ns[dimension], rate, p->now_ns, units) &&
        exceeded(p, 1, dimension)) {
      return of_zone;
    }
  }
  return DAM_DROP_none;
}

DAM_INLINE enum dam_drop_reason charge(const struct payer* p, uint32_t dimension, uint32_t units) {
  return charge_at(p, dimension, units, p->source ? &p->source->tat_ns[dimension] : 0,
                   (enum dam_drop_reason)(DAM_DROP_source_packets + dimension),
                   (enum dam_drop_reason)(DAM_DROP_zone_packets + dimension));
}

/* Would the source's own buckets refuse the packet, and that end the connection? It is the engine's
 * then, which charges it: here nothing is charged yet. */
DAM_INLINE int may_end(const struct payer* p, uint32_t direction, uint32_t bytes) {
  if (p->zone->exceeded != DAM_EXCEEDED_RESET || p->zone->shadow || !p->source) return 0;
  const struct dam_gcra_rate* rate = p->zone->per_source;
  const uint64_t* tat_ns = p->source->tat_ns;
  uint32_t octets = direction == DAM_S2C ? DAM_DIM_bytes_down : DAM_DIM_bytes_up;
  if (!dam_gcra_would_admit(&tat_ns[octets], &rate[octets], p->now_ns, bytes)) return 1;
  return direction == DAM_C2S &&
         !dam_gcra_would_admit(&tat_ns[DAM_DIM_packets], &rate[DAM_DIM_packets], p->now_ns, 1);
}

/* What a client sends counts as its packets; bytes count each way. */
DAM_INLINE enum dam_drop_reason admit_packet(const struct payer* p, uint32_t direction,
                                             uint32_t bytes) {
  if (p->source && !p->admin && !p->zone->shadow && dam_source_banned(p->source, p->now_ns)) {
    return DAM_DROP_zone_banned;
  }
  if (direction == DAM_S2C) return charge(p, DAM_DIM_bytes_down, bytes);
  enum dam_drop_reason refused = charge(p, DAM_DIM_packets, 1);
  return refused != DAM_DROP_none ? refused : charge(p, DAM_DIM_bytes_up, bytes);
}

#endif
