// SPDX-License-Identifier: BSD-3-Clause
// Buckets, bans and concurrency. Only proven packets come here (rule 1): flows, and cookies that
// hold.
#include <algorithm>
#include <iterator>

#include "dataplane/engine/packet_path.h"

namespace dam {

// Kept out of the straight path, which a lone worker takes.
bool Worker::charge_shared(uint64_t& tat_ns, const dam_gcra_rate& rate, uint32_t units) const {
  return dam_gcra_charge(&tat_ns, &rate, now_ns_, units) != 0;
}
void Worker::refit(uint64_t& tat_ns, const dam_gcra_rate& rate) const {
  dam_gcra_refit(&tat_ns, &rate, now_ns_);
}

// True: the packet is refused. A source is never blamed for the zone's total.
bool Worker::exceeded(const Flow& flow, const Zone& zone, bool total, int limit) {
  if (zone.mode == Mode::shadow) {
    ++zone_counters(flow.zone_slot).shadow_exceeded[total ? 1 : 0][limit];
    return false;
  }
  if (!total) violated(flow, zone, limit);
  return true;
}

void Worker::violated(const Flow& flow, const Zone& zone, int limit) {
  if (zone.exceeded != Exceeded::ban || flow.source == kNone || (flow.flags & DAM_FLOW_ADMIN) != 0)
    return;
  SourceEntry& entry = engine_.sources[flow.source];
  if (SourceTable::violate(entry, now_ns_, zone.ban_after, zone.ban_within_ns, zone.ban_for_ns)) {
    uint64_t& bans = zone_counters(flow.zone_slot).bans[limit];
    dam_store_shared64(&bans, bans + 1);  // the control thread looks for new ones
  }
}

// A connection has found its route: does its zone take it? The flow's source entry is set.
dam_drop_reason Worker::admit_connection(Flow& flow, const Zone& zone) {
  if (is_banned(flow, zone)) return DAM_DROP_zone_banned;
  const Drop full = count_concurrent(flow, zone);
  if (full != DAM_DROP_none) return full;
  const Drop refused = charge(flow, zone, DAM_DIM_connections, 1);
  if (refused != DAM_DROP_none) uncount_concurrent(flow);
  return refused;
}

dam_drop_reason Worker::count_concurrent(Flow& flow, const Zone& zone) {
  if ((flow.flags & DAM_FLOW_COUNTED) != 0) return DAM_DROP_none;
  if (!enter_source(flow, zone)) return DAM_DROP_source_concurrent;
  std::atomic<uint32_t>& total = engine_.zone_concurrent[flow.zone_slot];
  const uint32_t before = total.fetch_add(1, std::memory_order_relaxed);
  flow.flags |= DAM_FLOW_COUNTED;
  if (zone.total_concurrent != 0 && before >= zone.total_concurrent &&
      exceeded(flow, zone, true, DAM_SHADOW_CONCURRENT)) {
    uncount_concurrent(flow);
    return DAM_DROP_zone_concurrent;
  }
  return DAM_DROP_none;
}

// False: the source has as many connections as the zone allows it.
bool Worker::enter_source(const Flow& flow, const Zone& zone) {
  if (flow.source == kNone) return true;
  SourceEntry& entry = engine_.sources[flow.source];
  if (SourceTable::enter(entry, zone.per_source_concurrent)) return true;
  if (exceeded(flow, zone, false, DAM_SHADOW_CONCURRENT)) return false;
  SourceTable::enter(entry, 0);
  return true;
}

// A segment of a standing connection is refused. A ban ends the connection at both its ends, and so
// does `reset` where the source itself is to blame; otherwise TCP backs off.
void Worker::refuse_segment(Flow& flow, Job& job, Refusal refused) {
  const auto own_fault = [&refused] {
    return std::find(std::begin(kSourceReasons), std::end(kSourceReasons), refused.reason) !=
           std::end(kSourceReasons);
  };
  const bool resets = policy_->zones[refused.zone_slot].exceeded == Exceeded::reset;
  const bool ends = refused.reason == DAM_DROP_zone_banned || (resets && own_fault());
  // Without frames to tell both ends the connection stays, until a later segment finds some.
  const uint32_t kept = kept_spares((flow.flags & DAM_FLOW_MANAGEMENT) != 0);
  if (!ends || out_->spare.count < kept + 2) {
    return drop(*job.frame, refused.reason, refused.zone_slot);
  }
  refuse(flow, refused, true);
  out_->dropped.add(*job.frame);
}

void Worker::uncount_concurrent(Flow& flow) {
  if ((flow.flags & DAM_FLOW_COUNTED) == 0) return;
  flow.flags = static_cast<uint8_t>(flow.flags & ~DAM_FLOW_COUNTED);
  if (flow.source != kNone) SourceTable::leave(engine_.sources[flow.source]);
  engine_.zone_concurrent[flow.zone_slot].fetch_sub(1, std::memory_order_relaxed);
}

// True when a source is banned in each zone that this listener leads to: then its SYN ends here.
// Allowed addresses never are (rule 5).
bool Worker::banned_everywhere(const dam_address& source, uint16_t listener_slot) const {
  uint64_t mask = policy_->listeners[listener_slot].zone_mask;
  if (mask == 0) return false;
  for (; mask != 0; mask &= mask - 1) {
    const auto slot = static_cast<uint8_t>(__builtin_ctzll(mask));
    const Zone& zone = policy_->zones[slot];
    if (zone.exceeded != Exceeded::ban || zone.mode != Mode::enforce) return false;
    const uint32_t entry = engine_.sources.find(
        engine_.sources.key(source, slot, zone.source_bits_v4, zone.source_bits_v6));
    if (entry == SourceTable::kNone || !SourceTable::banned(engine_.sources[entry], now_ns_)) {
      return false;
    }
  }
  return !policy_->allow.contains(source);
}

}  // namespace dam
