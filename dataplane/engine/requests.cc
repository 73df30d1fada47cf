// SPDX-License-Identifier: BSD-3-Clause
// The requests of clients where zones limit them: of TLS by records, what the kernel's plane does
// too (ebpf/requests.h); of plain HTTP/1.x by every octet, which alone is done here
// (plain_requests.cc). Connections that were there before there was such a limit are not followed:
// where they are is not known.
#include "dataplane/core/requests.h"

#include "dataplane/engine/packet_path.h"

namespace dam {

namespace {

dam_tls_segment segment_of(const Frame& frame, const dam_packet& packet) {
  return {frame.data + packet.payload, frame.data + frame.bytes, packet.seq, packet.payload_bytes};
}

}  // namespace

// The hello or the first head is whole, and routed by. What came behind it is held too.
Worker::Refusal Worker::follow_requests(const Flow& flow, const Handshake& handshake,
                                        const RouteQuery& query) {
  dam_requests& kept = requests_[index_of(flow)];
  const Listener& listener = policy_->listeners[flow.listener_slot];
  kept.flags = 0;  // of the flow that had this entry before
  if (listener.protocol == Protocol::http) return follow_plain(flow, handshake);
  if (listener.protocol == Protocol::tcp || !policy_->zones[flow.zone_slot].counts_requests()) {
    return {};
  }
  dam_requests_begin(&kept, dam_seq_add(flow.client_isn, 1 + handshake.held_bytes),
                     offers(query.alpn_wire, "h2") ? 1 : 0, flow.epoch);
  return {};
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

// No more than a full bucket holds, as both of the zone's limits have it.
uint32_t Worker::fitting_requests(const Zone& zone, uint32_t found) {
  return dam_gcra_fitting(&zone.total[DAM_DIM_requests],
                          dam_gcra_fitting(&zone.per_source[DAM_DIM_requests], found));
}

// Its zone may be one that counts none, and is looked at for plain HTTP's sake.
Worker::Drop Worker::charge_requests(const Flow& flow, const Zone& zone, uint32_t found) {
  if (found == 0 || !zone.counts_requests()) return DAM_DROP_none;
  const Drop refused = charge(flow, zone, DAM_DIM_requests, fitting_requests(zone, found));
  if (refused == DAM_DROP_none) zone_counters(flow.zone_slot).requests += found;
  return refused;
}

// A refused segment comes again, and is read again: until it passes nothing is noted.
Worker::Refusal Worker::admit_requests(const Flow& flow, const Zone& zone, const Job& job) {
  dam_requests& kept = requests_[index_of(flow)];
  if (!dam_requests_are_followed(&kept, flow.epoch)) return {};
  if (dam_requests_are_plain(&kept)) return admit_plain(flow, job);
  const dam_tls_segment segment = segment_of(*job.frame, job.packet);
  dam_requests requests = kept;
  const uint32_t found = dam_requests_segment(&requests, &segment, job.packet.ack, coarse(now_ns_));
  const Drop refused = charge_requests(flow, zone, found);
  if (refused == DAM_DROP_none) dam_requests_keep(&kept, &requests);
  return {refused, flow.zone_slot};
}

}  // namespace dam
