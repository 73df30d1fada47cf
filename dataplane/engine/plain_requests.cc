// SPDX-License-Identifier: BSD-3-Clause
// The requests of plain HTTP/1.x, read as they pass; where each counts: request_zones.cc.
#include <algorithm>

#include "dataplane/core/checksum.h"
#include "dataplane/engine/http_requests.h"
#include "dataplane/engine/packet_path.h"

namespace dam {

namespace {

constexpr uint32_t kMostRouted = 16;  // see read_plain()

}  // namespace

bool Worker::follows_plainly(const Flow& flow) const {
  const dam_requests& kept = requests_[index_of(flow)];
  return dam_requests_are_followed(&kept, flow.epoch) && dam_requests_are_plain(&kept);
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

// Most servers take an urgent octet out of the stream (RFC 9293 3.8.5, RFC 6093): they would read
// another head than is read here. So none is urgent; a number for one may come on a bare ACK, too.
void Worker::clear_urgent(const Flow& flow, const Job& job) const {
  if (!follows_plainly(flow)) return;
  uint8_t* const flags = job.frame->data + job.packet.l4 + 12;
  uint8_t* const checksum = flags + 4;
  uint8_t* const pointer = flags + 6;
  const uint16_t flags_before = dam_load16(flags);
  flags[1] &= static_cast<uint8_t>(~DAM_TCP_URG);
  uint16_t sum = dam_checksum_replace16(dam_load16(checksum), flags_before, dam_load16(flags));
  sum = dam_checksum_replace16(sum, dam_load16(pointer), 0);
  dam_store16(checksum, sum);
  dam_store16(pointer, 0);
}

// What is then known of the connection is in `requests` and route_text_. A route is work that comes
// before any token: of octets that come at once 16 requests are routed at most, and the others
// count where it is strictest.
RequestTally Worker::read_plain(const Flow& flow, HttpRequests& requests,
                                std::span<const uint8_t> octets) {
  RequestTally found;
  if (is_in_head(requests)) cut_heads_.find(index_of(flow), flow.epoch, route_text_);
  while (!octets.empty()) {
    const HttpProgress read = read_http_request(requests, route_text_, octets);
    octets = octets.subspan(read.octets);
    if (read.request) found.add(zone_of_request(flow, found.requests() < kMostRouted));
  }
  return found;
}

void Worker::keep_plain(const Flow& flow, const HttpRequests& requests, uint32_t found) {
  dam_requests record = record_of(requests);
  dam_requests_note(&record, found, coarse(now_ns_));
  dam_requests_keep(&requests_[index_of(flow)], &record);
  if (is_in_head(requests)) cut_heads_.keep(index_of(flow), flow.epoch, route_text_);
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
  if (!follows_plainly(flow)) return {};
  HttpRequests requests = http_requests_of(requests_[index_of(flow)]);
  const int32_t read = dam_seq_distance(dam_seq_add(flow.client_isn, 1), requests.next);
  const std::span<const uint8_t> held(hold_.data(handshake.hold), handshake.held_bytes);
  RequestTally found = read_plain(flow, requests, held.subspan(static_cast<size_t>(read)));
  keep_plain(flow, requests, found.requests());
  return charge_plain(flow, found, false);
}

// Before anything is charged. Heads are read in order; a body's octets need no reading,
// so that a lost one holds nobody up. Whom nobody can count, or must refuse, is followed no more.
Worker::Drop Worker::read_along(const Flow& flow, const Job& job) {
  if (!follows_plainly(flow)) return DAM_DROP_none;
  dam_requests& kept = requests_[index_of(flow)];
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
  RequestTally found = read_plain(flow, requests, octets.subspan(static_cast<size_t>(behind)));
  const Refusal refused = charge_plain(flow, found, true);
  if (refused.reason == DAM_DROP_none) keep_plain(flow, requests, found.requests());
  return refused;
}

}  // namespace dam
