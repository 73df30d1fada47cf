// SPDX-License-Identifier: BSD-3-Clause
// Connections that are over, told to the log: each one, or one of so many, as the policy says.
#include "dataplane/engine/worker.h"

namespace dam {

namespace {

// Octets of payload that the sender of `direction` has sent, as its sequence numbers tell.
uint32_t stream_bytes(const Flow& flow, dam_direction direction, dam_seq isn) {
  const uint8_t fin = direction == DAM_C2S ? DAM_FLOW_FIN_CLIENT : DAM_FLOW_FIN_SERVER;
  const uint32_t numbers = flow.track.next[direction].value - isn.value;
  return numbers - 1 - ((flow.flags & fin) != 0 ? 1 : 0);
}

dam_seq server_isn(const Flow& flow) {
  return dam_seq_untranslate(flow.cookie, flow.splice.seq_delta[DAM_S2C]);
}

}  // namespace

void Worker::record(const Flow& flow, dam_connection_end end, Drop reason) {
  const uint32_t every = policy_->log_connections_every;
  if (every == 0 || (every > 1 && dam_sight_random(&sighting_) % every != 0)) return;
  ConnectionRecord record;
  // What time has ended was over with its last packet.
  const uint32_t over = end == DAM_END_refused ? coarse(now_ns_) : flow.last_seen;
  record.ended_ns = now_ns_ - uint64_t{dam_coarse_since(over, coarse(now_ns_))} * kCoarseNs;
  record.client = flow.client;
  record.lasted_ns = uint64_t{dam_coarse_since(flow.opened, over)} * kCoarseNs;
  if (flow.state >= DAM_FLOW_deliver) {
    record.bytes_up = stream_bytes(flow, DAM_C2S, flow.client_isn);
    record.bytes_down = stream_bytes(flow, DAM_S2C, server_isn(flow));
  }
  record.client_port = flow.client_port;
  record.listener_slot = flow.listener_slot;
  record.server_slot = flow.server_slot;
  // Who has called one in vain has no port left.
  record.has_server = flow.source_port != 0 ||
                      (flow.handshake != kNone && handshakes_[flow.handshake].next_candidate > 0);
  record.zone_slot = flow.zone_slot;
  record.end = end;
  record.reason = reason;
  record.stands_for = every;
  record.ja4 = ja4_of(flow);
  record.requests = rhythm_of(index_of(flow));
  if (!records_.push(record)) count_lost(records_lost_);
}

}  // namespace dam
