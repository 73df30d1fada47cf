// SPDX-License-Identifier: BSD-3-Clause
// The requests of TLS clients in zones that limit them: what the kernel's plane does too
// (ebpf/requests.h). Connections that were there before their zone had such a limit are not
// followed: where their records begin is not known.
#include "dataplane/core/requests.h"

#include <algorithm>

#include "dataplane/engine/packet_path.h"

namespace dam {

// The hello is whole, and routed by. What came behind it is held too, and seen by nobody else.
void Worker::follow_requests(const Flow& flow, const Handshake& handshake,
                             const RouteQuery& query) {
  const bool tls = policy_->listeners[flow.listener_slot].protocol == Protocol::tls;
  if (!tls || !policy_->zones[flow.zone_slot].counts_requests()) return;
  const dam_seq next = dam_seq_add(flow.client_isn, 1 + handshake.held_bytes);
  dam_requests_begin(&requests_[index_of(flow)], next, offers(query.alpn_wire, "h2") ? 1 : 0,
                     flow.epoch);
}

void Worker::note_answer(const Flow& flow, const Job& job) {
  dam_requests& requests = requests_[index_of(flow)];
  if (!dam_requests_are_followed(&requests, flow.epoch)) return;
  dam_requests_answer(&requests, job.packet.payload_bytes);
}

// A refused segment comes again, and is read again: until it passes nothing is noted.
Worker::Drop Worker::admit_requests(const Flow& flow, const Zone& zone, const Job& job) {
  dam_requests& kept = requests_[index_of(flow)];
  if (!dam_requests_are_followed(&kept, flow.epoch)) return DAM_DROP_none;
  const Frame& frame = *job.frame;
  const dam_packet& packet = job.packet;
  const dam_tls_segment segment{frame.data + packet.payload, frame.data + frame.bytes, packet.seq,
                                packet.payload_bytes};
  dam_requests requests = kept;
  const uint32_t found = dam_requests_segment(&requests, &segment, coarse(now_ns_));
  if (found != 0) {
    const uint32_t units = dam_gcra_fitting(
        &zone.total[DAM_DIM_requests], dam_gcra_fitting(&zone.per_source[DAM_DIM_requests], found));
    const Drop refused = charge(flow, zone, DAM_DIM_requests, units);
    if (refused != DAM_DROP_none) return refused;
    zone_counters(flow.zone_slot).requests += found;
  }
  kept = requests;
  return DAM_DROP_none;
}

}  // namespace dam
