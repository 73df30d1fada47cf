// SPDX-License-Identifier: BSD-3-Clause
// The requests of clients in zones that limit them: of TLS by records, what the kernel's plane does
// too (ebpf/requests.h); of plain HTTP/1.x by every octet, which alone is done here. Connections
// that were there before their zone had such a limit are not followed: where they are is not known.
#include "dataplane/core/requests.h"

#include <algorithm>

#include "dataplane/engine/http_requests.h"
#include "dataplane/engine/packet_path.h"

namespace dam {

namespace {

dam_tls_segment segment_of(const Frame& frame, const dam_packet& packet) {
  return {frame.data + packet.payload, frame.data + frame.bytes, packet.seq, packet.payload_bytes};
}

uint16_t first_head_of(std::span<const uint8_t> octets) {
  constexpr std::string_view kEnd = "\r\n\r\n";
  const auto end = std::search(octets.begin(), octets.end(), kEnd.begin(), kEnd.end());
  return static_cast<uint16_t>(std::min<std::ptrdiff_t>(end - octets.begin(), UINT16_MAX));
}

}  // namespace

// The hello or the first head is whole, and routed by. What came behind it is held too.
Worker::Drop Worker::follow_requests(const Flow& flow, const Handshake& handshake,
                                     const RouteQuery& query) {
  dam_requests& kept = requests_[index_of(flow)];
  const Protocol protocol = policy_->listeners[flow.listener_slot].protocol;
  const Zone& zone = policy_->zones[flow.zone_slot];
  if (protocol == Protocol::tcp || !zone.counts_requests()) {
    kept.flags = 0;  // of the flow that had this entry before
    return DAM_DROP_none;
  }
  const dam_seq first = dam_seq_add(flow.client_isn, 1);
  if (protocol == Protocol::tls) {
    dam_requests_begin(&kept, dam_seq_add(first, handshake.held_bytes),
                       offers(query.alpn_wire, "h2") ? 1 : 0, flow.epoch);
    return DAM_DROP_none;
  }
  const std::span<const uint8_t> held(hold_.data(handshake.hold), handshake.held_bytes);
  HttpRequests requests = begin_http_requests(first, flow.epoch);
  requests.first_bytes = first_head_of(held);
  const uint32_t found = read_http_requests(requests, held);
  kept = record_of(requests);
  dam_requests_note(&kept, found, coarse(now_ns_));
  return charge_held_requests(flow, zone, found);
}

// What came while its server was asked.
Worker::Drop Worker::read_held_requests(const Flow& flow, const Handshake& handshake) {
  dam_requests& kept = requests_[index_of(flow)];
  if (!dam_requests_are_followed(&kept, flow.epoch) || !dam_requests_are_plain(&kept)) {
    return DAM_DROP_none;
  }
  HttpRequests requests = http_requests_of(kept);
  const int32_t read = dam_seq_distance(dam_seq_add(flow.client_isn, 1), requests.next);
  const std::span<const uint8_t> held(hold_.data(handshake.hold), handshake.held_bytes);
  const uint32_t found = read_http_requests(requests, held.subspan(static_cast<size_t>(read)));
  kept = record_of(requests);
  dam_requests_note(&kept, found, coarse(now_ns_));
  return charge_held_requests(flow, policy_->zones[flow.zone_slot], found);
}

// They are acknowledged: what is too much for the bucket, full as it may be, cannot come again.
Worker::Drop Worker::charge_held_requests(const Flow& flow, const Zone& zone, uint32_t found) {
  if (found == 0) return DAM_DROP_none;
  const Drop refused = charge(flow, zone, DAM_DIM_requests, found);
  if (refused == DAM_DROP_none) zone_counters(flow.zone_slot).requests += found;
  return refused;
}

// Before the segment is tracked: one that comes again says nothing new.
void Worker::note_answer(const Flow& flow, const Job& job) {
  dam_requests& requests = requests_[index_of(flow)];
  const dam_packet& packet = job.packet;
  if (!dam_requests_are_followed(&requests, flow.epoch)) return;
  if (dam_seq_before(packet.seq, flow.track.next[DAM_S2C])) return;
  const dam_tls_segment segment = segment_of(*job.frame, packet);
  dam_requests_answer(&requests, &segment,
                      dam_seq_untranslate(packet.ack, flow.splice.seq_delta[DAM_C2S]));
}

Worker::Drop Worker::charge_requests(const Flow& flow, const Zone& zone, uint32_t found) {
  if (found == 0) return DAM_DROP_none;
  const uint32_t units = dam_gcra_fitting(
      &zone.total[DAM_DIM_requests], dam_gcra_fitting(&zone.per_source[DAM_DIM_requests], found));
  const Drop refused = charge(flow, zone, DAM_DIM_requests, units);
  if (refused == DAM_DROP_none) zone_counters(flow.zone_slot).requests += found;
  return refused;
}

// A refused segment comes again, and is read again: until it passes nothing is noted.
Worker::Drop Worker::admit_requests(const Flow& flow, const Zone& zone, const Job& job) {
  dam_requests& kept = requests_[index_of(flow)];
  if (!dam_requests_are_followed(&kept, flow.epoch)) return DAM_DROP_none;
  if (dam_requests_are_plain(&kept)) return admit_http_requests(flow, zone, job);
  const dam_tls_segment segment = segment_of(*job.frame, job.packet);
  dam_requests requests = kept;
  const uint32_t found = dam_requests_segment(&requests, &segment, job.packet.ack, coarse(now_ns_));
  const Drop refused = charge_requests(flow, zone, found);
  if (refused == DAM_DROP_none) dam_requests_keep(&kept, &requests);
  return refused;
}

// Plain HTTP, before anything is charged. Heads are read in order; a body's octets need no reading,
// so that a lost one holds nobody up. Whom nobody can count, or must refuse, is followed no more.
Worker::Drop Worker::read_along(const Flow& flow, const Zone& zone, const Job& job) {
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
  if (zone.mode != Mode::shadow) return DAM_DROP_overtaken;
  kept.flags = 0;
  return DAM_DROP_none;
}

// Only what the server will believe: else it would read something else.
Worker::Drop Worker::admit_http_requests(const Flow& flow, const Zone& zone, const Job& job) {
  dam_requests& kept = requests_[index_of(flow)];
  const dam_packet& packet = job.packet;
  const Frame& frame = *job.frame;
  HttpRequests requests = http_requests_of(kept);
  const int32_t behind = dam_seq_distance(packet.seq, requests.next);
  if (behind < 0 || static_cast<uint32_t>(behind) >= packet.payload_bytes) return DAM_DROP_none;
  if (dam_is_last_hop(frame.data + packet.l3, packet.family)) return DAM_DROP_ttl_expired;
  if (!checksum_holds(job)) return DAM_DROP_bad_checksum;
  const std::span<const uint8_t> octets(frame.data + packet.payload, packet.payload_bytes);
  const uint32_t found = read_http_requests(requests, octets.subspan(static_cast<size_t>(behind)));
  const Drop refused = charge_requests(flow, zone, found);
  if (refused != DAM_DROP_none) return refused;
  dam_requests record = record_of(requests);
  dam_requests_note(&record, found, coarse(now_ns_));
  dam_requests_keep(&kept, &record);
  return DAM_DROP_none;
}

}  // namespace dam
