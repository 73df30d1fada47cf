// SPDX-License-Identifier: BSD-3-Clause
// The requests of plain HTTP/1.x, each held to the zone that its own route names: a connection
// keeps its server, and no zone's bucket is dodged by beginning with a path of another one.
#include <algorithm>

#include "dataplane/engine/http_head.h"
#include "dataplane/engine/packet_path.h"

namespace dam {

// Of that whose head has just been read.
int32_t Worker::route_of_request(const Flow& flow) {
  HttpHead head;
  const HelloStatus status =
      parse_http_head(route_text_.octets(), scratch_, engine_.config().limits.hello_bytes, 0, head);
  if (status != HelloStatus::complete) return Router::kNoRoute;
  return policy_->router.route({.listener_group = policy_->listeners[flow.listener_slot].group,
                                .server_name = head.host,
                                .path = head.path,
                                .source = flow.client});
}

// The management's zones are for connections to management servers, and these are nobody else's
// (rule 5): so neither is gained by a path, nor lost. Who does not say where his request belongs
// has it counted where it is strictest.
RequestZone Worker::zone_of_request(const Flow& flow, bool may_route) {
  const Listener& listener = policy_->listeners[flow.listener_slot];
  const RequestZone own{flow.zone_slot, false};
  if ((flow.flags & DAM_FLOW_MANAGEMENT) != 0) return own;
  if (listener.request_zones == 1ull << flow.zone_slot) return own;
  const int32_t found = may_route ? route_of_request(flow) : Router::kNoRoute;
  if (found >= 0) {
    const uint8_t named = policy_->routes[static_cast<size_t>(found)].zone_slot;
    return policy_->zones[named].management ? own : RequestZone{named, false};
  }
  const uint8_t strictest = listener.strictest_zone;
  if (strictest == Listener::kNoZone || strictest == flow.zone_slot) return own;
  return {strictest, true};
}

// At a glance; kNone: nobody there yet.
uint32_t Worker::source_seen_in(const Flow& flow, uint8_t zone_slot) const {
  if (zone_slot == flow.zone_slot) return flow.source;
  return engine_.sources.find(source_in(zone_slot, flow.client, ja4_of(flow)));
}

bool Worker::is_banned_in(const Flow& flow, uint8_t zone_slot) const {
  if ((flow.flags & DAM_FLOW_ADMIN) != 0) return false;
  if (policy_->zones[zone_slot].mode != Mode::enforce) return false;
  const uint32_t source = source_seen_in(flow, zone_slot);
  return source != kNone && SourceTable::banned(engine_.sources[source], now_ns_);
}

namespace {

bool limits_sources(const Zone& zone) {
  return zone.per_source[DAM_DIM_requests].interval_q20 != 0;
}

// Of whoever may not belong there nothing is taken that others share, unless it is all there is.
bool pays_total(const Zone& zone, RequestZone where) {
  return !where.unclear || !limits_sources(zone);
}

}  // namespace

// Would they be refused? Nothing is charged.
bool Worker::is_over(const Flow& flow, const RequestTally::Share& share, uint32_t units) {
  const uint8_t slot = share.zone.slot;
  const Zone& zone = policy_->zones[slot];
  if (zone.mode == Mode::shadow) return false;
  if (is_banned_in(flow, slot)) return true;
  const auto lacks = [&](const uint64_t& tat_ns, const dam_gcra_rate& rate) {
    return dam_gcra_would_admit(&tat_ns, &rate, now_ns_, units) == 0;
  };
  const uint32_t source = source_seen_in(flow, slot);
  const dam_gcra_rate& each = zone.per_source[DAM_DIM_requests];
  if (source != kNone && lacks(engine_.sources.tat_ns(source, DAM_DIM_requests), each)) return true;
  return pays_total(zone, share.zone) &&
         lacks(engine_.zone_totals[slot].tat_ns[DAM_DIM_requests], zone.total[DAM_DIM_requests]);
}

// By whom requests are paid for in another zone than their connection's: by its client there. For
// whom the table of sources has no place, the total alone is left; nobody is refused for it whom no
// limit would.
Worker::Drop Worker::charge_elsewhere(const Flow& flow, RequestZone where, uint32_t units) {
  const Zone& zone = policy_->zones[where.slot];
  Flow payer = flow;
  payer.zone_slot = where.slot;
  payer.source =
      engine_.sources.acquire(index_, source_in(where.slot, flow.client, ja4_of(flow)), now_ns_);
  const bool spared = zone.mode == Mode::shadow || (flow.flags & DAM_FLOW_ADMIN) != 0;
  if (payer.source == kNone && limits_sources(zone) && !spared) return DAM_DROP_source_table_full;
  Drop refused = is_banned(payer, zone) ? DAM_DROP_zone_banned
                                        : charge_source(payer, zone, DAM_DIM_requests, units);
  if (refused == DAM_DROP_none && pays_total(zone, where)) {
    refused = charge_total(payer, zone, DAM_DIM_requests, units);
  }
  if (payer.source != kNone) engine_.sources.release(payer.source);
  return refused;
}

// A ban holds where the zone limits no requests, too.
Worker::Drop Worker::charge_share(const Flow& flow, const RequestTally::Share& share,
                                  uint32_t units) {
  const Zone& zone = policy_->zones[share.zone.slot];
  if (!zone.counts_requests()) {
    return is_banned_in(flow, share.zone.slot) ? DAM_DROP_zone_banned : DAM_DROP_none;
  }
  if (share.zone.slot == flow.zone_slot) return charge(flow, zone, DAM_DIM_requests, units);
  return charge_elsewhere(flow, share.zone, units);
}

// Those of a segment that comes again when it is refused cost no more than a full bucket holds. The
// zone that would refuse is asked first: so what is refused costs nothing in the others.
Worker::Refusal Worker::charge_plain(const Flow& flow, RequestTally& found, bool comes_again) {
  const std::span<RequestTally::Share> shares = found.shares();
  const auto units = [&](const RequestTally::Share& share) {
    const Zone& zone = policy_->zones[share.zone.slot];
    return comes_again ? fitting_requests(zone, share.requests) : share.requests;
  };
  if (shares.size() > 1) {
    const auto over = std::find_if(shares.begin(), shares.end(), [&](const auto& share) {
      return is_over(flow, share, units(share));
    });
    if (over != shares.end()) std::rotate(shares.begin(), over, over + 1);
  }
  for (const RequestTally::Share& share : shares) {
    const Drop refused = charge_share(flow, share, units(share));
    if (refused != DAM_DROP_none) return {refused, share.zone.slot};
  }
  for (const RequestTally::Share& share : shares) {
    if (!policy_->zones[share.zone.slot].counts_requests()) continue;
    zone_counters(share.zone.slot).requests += share.requests;
  }
  return {};
}

}  // namespace dam
