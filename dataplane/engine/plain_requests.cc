// SPDX-License-Identifier: BSD-3-Clause
// The requests of plain HTTP/1.x, each held to the zone that its own route names: a connection
// keeps its server, and no zone's bucket is dodged by beginning with a path of another one.
#include <algorithm>

#include "dataplane/engine/http_head.h"
#include "dataplane/engine/http_requests.h"
#include "dataplane/engine/packet_path.h"

namespace dam {

// The zone of the request whose head has just been read. The management's zones are for connections
// to management servers, and these are nobody else's (rule 5): so neither is gained by a path, nor
// lost. Who does not say where his request belongs has it counted where it is strictest.
uint8_t Worker::zone_of_request(const Flow& flow) {
  const Listener& listener = policy_->listeners[flow.listener_slot];
  if ((flow.flags & DAM_FLOW_MANAGEMENT) != 0) return flow.zone_slot;
  if (listener.request_zones == 1ull << flow.zone_slot) return flow.zone_slot;
  HttpHead head;
  const HelloStatus status =
      parse_http_head(route_text_.octets(), scratch_, engine_.config().limits.hello_bytes, 0, head);
  const RouteQuery query{.listener_group = listener.group,
                         .server_name = head.host,
                         .path = head.path,
                         .source = flow.client};
  const int32_t found =
      status == HelloStatus::complete ? policy_->router.route(query) : Router::kNoRoute;
  if (found >= 0) {
    const uint8_t named = policy_->routes[static_cast<size_t>(found)].zone_slot;
    return policy_->zones[named].management ? flow.zone_slot : named;
  }
  return listener.strictest_zone == Listener::kNoZone ? flow.zone_slot : listener.strictest_zone;
}

bool Worker::counts_plain_requests(const Flow& flow) const {
  if (policy_->zones[flow.zone_slot].counts_requests()) return true;
  const Listener& listener = policy_->listeners[flow.listener_slot];
  return (flow.flags & DAM_FLOW_MANAGEMENT) == 0 && listener.strictest_zone != Listener::kNoZone;
}

// Not where all that could is tried in shadow.
bool Worker::may_hold_requests(const Flow& flow) const {
  const Zone& zone = policy_->zones[flow.zone_slot];
  if (zone.counts_requests() && zone.mode != Mode::shadow) return true;
  const Listener& listener = policy_->listeners[flow.listener_slot];
  return (flow.flags & DAM_FLOW_MANAGEMENT) == 0 && listener.strictest_zone != Listener::kNoZone &&
         policy_->zones[listener.strictest_zone].mode != Mode::shadow;
}

// What is then known of the connection is in `requests` and route_text_.
RequestTally Worker::read_plain(const Flow& flow, HttpRequests& requests,
                                std::span<const uint8_t> octets) {
  RequestTally found;
  if (is_in_head(requests)) cut_heads_.find(index_of(flow), flow.epoch, route_text_);
  while (!octets.empty()) {
    const HttpProgress read = read_http_request(requests, route_text_, octets);
    octets = octets.subspan(read.octets);
    if (read.request) found.add(zone_of_request(flow));
  }
  return found;
}

void Worker::keep_plain(const Flow& flow, const HttpRequests& requests, uint32_t found) {
  dam_requests record = record_of(requests);
  dam_requests_note(&record, found, coarse(now_ns_));
  dam_requests_keep(&requests_[index_of(flow)], &record);
  if (is_in_head(requests)) cut_heads_.keep(index_of(flow), flow.epoch, route_text_);
}

// By whom a request is paid for in another zone than its connection's: by its client there.
Worker::Drop Worker::charge_elsewhere(const Flow& flow, uint8_t zone_slot, uint32_t units) {
  const Zone& zone = policy_->zones[zone_slot];
  Flow payer = flow;
  payer.zone_slot = zone_slot;
  const SourceKey source = source_in(zone_slot, flow.client, ja4_of(flow));
  payer.source = engine_.sources.acquire(index_, source, now_ns_);
  if (payer.source == kNone) return DAM_DROP_source_table_full;
  const Drop refused =
      is_banned(payer, zone) ? DAM_DROP_zone_banned : charge(payer, zone, DAM_DIM_requests, units);
  engine_.sources.release(payer.source);
  return refused;
}

// Those of a segment that comes again when it is refused cost no more than a full bucket holds.
Worker::Refusal Worker::charge_plain(const Flow& flow, const RequestTally& found,
                                     bool comes_again) {
  for (const RequestTally::Share& share : found.shares()) {
    const Zone& zone = policy_->zones[share.zone_slot];
    if (!zone.counts_requests()) continue;
    const uint32_t units = comes_again ? fitting_requests(zone, share.requests) : share.requests;
    const Drop refused = share.zone_slot == flow.zone_slot
                             ? charge(flow, zone, DAM_DIM_requests, units)
                             : charge_elsewhere(flow, share.zone_slot, units);
    if (refused != DAM_DROP_none) return {refused, share.zone_slot};
  }
  for (const RequestTally::Share& share : found.shares()) {
    if (!policy_->zones[share.zone_slot].counts_requests()) continue;
    zone_counters(share.zone_slot).requests += share.requests;
  }
  return {};
}

// What is held is acknowledged: too much for the bucket, full as it may be, cannot come again.
Worker::Refusal Worker::follow_plain(const Flow& flow, const Handshake& handshake) {
  if (!counts_plain_requests(flow)) return {};
  HttpRequests requests = begin_http_requests(dam_seq_add(flow.client_isn, 1), flow.epoch);
  requests.first_bytes =
      static_cast<uint16_t>(std::min<uint32_t>(handshake.head_bytes, UINT16_MAX));
  requests_[index_of(flow)] = record_of(requests);
  return read_held_requests(flow, handshake);
}

Worker::Refusal Worker::read_held_requests(const Flow& flow, const Handshake& handshake) {
  const dam_requests& kept = requests_[index_of(flow)];
  if (!dam_requests_are_followed(&kept, flow.epoch) || !dam_requests_are_plain(&kept)) return {};
  HttpRequests requests = http_requests_of(kept);
  const int32_t read = dam_seq_distance(dam_seq_add(flow.client_isn, 1), requests.next);
  const std::span<const uint8_t> held(hold_.data(handshake.hold), handshake.held_bytes);
  const RequestTally found = read_plain(flow, requests, held.subspan(static_cast<size_t>(read)));
  keep_plain(flow, requests, found.requests());
  return charge_plain(flow, found, false);
}

// Before anything is charged. Heads are read in order; a body's octets need no reading,
// so that a lost one holds nobody up. Whom nobody can count, or must refuse, is followed no more.
Worker::Drop Worker::read_along(const Flow& flow, const Job& job) {
  dam_requests& kept = requests_[index_of(flow)];
  if (!dam_requests_are_followed(&kept, flow.epoch) || !dam_requests_are_plain(&kept)) {
    return DAM_DROP_none;
  }
  const dam_packet& packet = job.packet;
  HttpRequests requests = http_requests_of(kept);
  // No HTTP/1.x any more; or the server has got octets that passed while the zone counted none.
  // (Bare ACKs say nothing of that: their numbers are those behind a refused segment.)
  const dam_seq got =
      dam_seq_untranslate(flow.track.acked[DAM_S2C], flow.splice.seq_delta[DAM_C2S]);
  if (requests.state == HttpState::tunnel || dam_seq_before(requests.next, got)) {
    kept.flags = 0;
    return DAM_DROP_none;
  }
  const int32_t ahead = dam_seq_distance(requests.next, packet.seq);
  if (ahead <= 0) return DAM_DROP_none;
  if (pass_http_body(requests, static_cast<uint32_t>(ahead) + packet.payload_bytes)) {
    const dam_requests record = record_of(requests);
    dam_requests_keep(&kept, &record);
    return DAM_DROP_none;
  }
  if (may_hold_requests(flow)) return DAM_DROP_overtaken;
  kept.flags = 0;
  return DAM_DROP_none;
}

// Only what the server will believe: else it would read something else. A refused segment comes
// again, and is read again: until it passes nothing is noted.
Worker::Refusal Worker::admit_plain(const Flow& flow, const Job& job) {
  const dam_packet& packet = job.packet;
  const Frame& frame = *job.frame;
  HttpRequests requests = http_requests_of(requests_[index_of(flow)]);
  const int32_t behind = dam_seq_distance(packet.seq, requests.next);
  if (behind < 0 || static_cast<uint32_t>(behind) >= packet.payload_bytes) return {};
  if (dam_is_last_hop(frame.data + packet.l3, packet.family)) {
    return {DAM_DROP_ttl_expired, flow.zone_slot};
  }
  if (!checksum_holds(job)) return {DAM_DROP_bad_checksum, flow.zone_slot};
  const std::span<const uint8_t> octets(frame.data + packet.payload, packet.payload_bytes);
  const RequestTally found =
      read_plain(flow, requests, octets.subspan(static_cast<size_t>(behind)));
  const Refusal refused = charge_plain(flow, found, true);
  if (refused.reason == DAM_DROP_none) keep_plain(flow, requests, found.requests());
  return refused;
}

}  // namespace dam
