// SPDX-License-Identifier: BSD-3-Clause
// How connections end. The dam believes no single packet (rule 9): FIN and RST go to the endpoint
// that they are meant for, and only what the endpoints then do, or their silence, ends a flow.
#include <algorithm>

#include "dataplane/engine/packet_path.h"

namespace dam {

// Segments with SYN, FIN, RST or URG, and all segments of a flow that is closing.
void Worker::on_control(Flow& flow, dam_direction direction, Job& job) {
  const dam_packet& packet = job.packet;
  if ((packet.tcp_flags & DAM_TCP_SYN) != 0) {
    if (direction == DAM_S2C) return acknowledge_again(flow, job);
    grant_cookie_tries(flow);
    return on_syn(job, flow.listener_slot);
  }
  // The endpoint believes no segment with a wrong checksum, so the dam must not: such an RST would
  // free a place in the zone for a connection that lives on.
  const bool fin = (packet.tcp_flags & DAM_TCP_FIN) != 0;
  const bool rst = (packet.tcp_flags & DAM_TCP_RST) != 0;
  if ((fin || rst) && !checksum_holds(job)) {
    return drop(*job.frame, DAM_DROP_bad_checksum, flow.zone_slot);
  }
  // A client that refuses the answer to a SYN that was not its own may send the cookie, too: with
  // RST.
  const bool comes_again = (packet.tcp_flags & DAM_TCP_ACK) != 0 && !rst;
  if ((flow.flags & DAM_FLOW_SYN_SEEN) != 0 && direction == DAM_C2S && comes_again &&
      replaced_by_new_cookie(flow, job)) {
    return;
  }
  if (!dam_in_window(&flow.splice, &flow.track, direction, &packet)) {
    return drop(*job.frame, DAM_DROP_out_of_window, flow.zone_slot);
  }
  if ((packet.tcp_flags & DAM_TCP_URG) != 0 && direction == DAM_C2S) clear_urgent(flow, job);
  const Refusal refused = admit_packet(flow, direction, job);
  if (refused.reason != DAM_DROP_none) return refuse_segment(flow, job, refused);
  flow.last_seen = coarse(now_ns_);
  if (rst) {
    if (forward(flow, direction, job)) on_rst(flow, direction, packet);
    return;
  }
  // Whom an RST was meant for still talks: the RST was not believed, so the flow lives on.
  if ((flow.flags & DAM_FLOW_CLOSING) != 0 && flow.rst_direction != 0xff &&
      direction != flow.rst_direction) {
    revoke_closing(flow);
  }
  const dam_seq end = dam_seq_add(packet.seq, packet.payload_bytes + (fin ? 1u : 0u));
  dam_track_segment(&flow.track, direction, &packet, end);
  if (fin) note_fin(flow, direction, end);
  track_fins(flow);
  forward(flow, direction, job);
}

// The server repeats its SYN-ACK: the ACK that ended its handshake was lost. Of anything else that
// looks like one (bits flipped on the way, say) the number behind it would be acknowledged, and the
// server let go of an octet that its client never gets.
void Worker::acknowledge_again(Flow& flow, Job& job) {
  const dam_seq isn = dam_seq_untranslate(flow.cookie, flow.splice.seq_delta[DAM_S2C]);
  if (job.packet.seq.value != isn.value) {
    return drop(*job.frame, DAM_DROP_out_of_window, flow.zone_slot);
  }
  if (!checksum_holds(job)) return drop(*job.frame, DAM_DROP_bad_checksum, flow.zone_slot);
  Segment ack = to_server(flow, DAM_TCP_ACK);
  ack.seq = dam_seq_translate(flow.track.next[DAM_C2S], flow.splice.seq_delta[DAM_C2S]);
  ack.ack = dam_seq_add(job.packet.seq, 1);
  ack.window = 1;  // at least something; the client's own window follows with its next segment
  if ((flow.splice.flags & DAM_SPLICE_TIMESTAMPS) != 0) {
    dam_tcp_options options;
    const Frame& frame = *job.frame;
    if (dam_parse_tcp_options(frame.data, frame.data + frame.bytes, &job.packet, &options) !=
        DAM_DROP_none) {
      return drop(*job.frame, DAM_DROP_malformed, flow.zone_slot);
    }
    ack.timestamps = true;
    ack.tsval = options.tsecr;  // the last of ours that the server has seen
    ack.tsecr = options.tsval;
  }
  count_drop(DAM_DROP_consumed, flow.zone_slot);
  answer(*job.frame, ack, hop(flow, DAM_C2S), (flow.flags & DAM_FLOW_MANAGEMENT) != 0);
}

// An RST counts when its number is exactly the next one expected (RFC 5961 3.2), as far as the dam
// can tell: what its sender sent last, or what its target acknowledged last.
void Worker::on_rst(Flow& flow, dam_direction direction, const dam_packet& packet) {
  const auto back = direction == DAM_C2S ? DAM_S2C : DAM_C2S;
  const dam_seq acknowledged =
      dam_seq_untranslate(flow.track.acked[back], flow.splice.seq_delta[direction]);
  const bool exact = packet.seq.value == flow.track.next[direction].value ||
                     packet.seq.value == acknowledged.value;
  if (!exact) return;
  // Its server has ended the connection: what the dam still holds for it reaches nobody.
  if (flow.state == DAM_FLOW_deliver && direction == DAM_S2C) delivered(flow);
  if ((flow.flags & DAM_FLOW_CLOSING) == 0) start_closing(flow, direction);
}

void Worker::track_fins(Flow& flow) {
  constexpr uint8_t kBoth = DAM_FLOW_FIN_CLIENT | DAM_FLOW_FIN_SERVER;
  if ((flow.flags & kBoth) != kBoth || (flow.flags & DAM_FLOW_CLOSING) != 0) return;
  const auto covered = [&](dam_direction direction) {
    const auto back = direction == DAM_C2S ? DAM_S2C : DAM_C2S;
    const dam_seq end = dam_seq_translate(flow.fin[direction], flow.splice.seq_delta[direction]);
    return dam_seq_distance(end, flow.track.acked[back]) >= 0;
  };
  if (covered(DAM_C2S) && covered(DAM_S2C)) start_closing(flow, 0xff);
}

void Worker::start_closing(Flow& flow, uint8_t rst_direction) {
  flow.flags |= DAM_FLOW_CLOSING;
  flow.rst_direction = rst_direction;
  uncount_concurrent(flow);
  flow_timers_.schedule(index_of(flow), now_ns_ + policy_->timeouts.closing_ns);
}

void Worker::revoke_closing(Flow& flow) {
  flow.flags = static_cast<uint8_t>(flow.flags & ~DAM_FLOW_CLOSING);
  flow.rst_direction = 0xff;
  recount_concurrent(flow);
  flow_timers_.schedule(index_of(flow), now_ns_ + policy_->timeouts.idle_ns);
}

// It was let in before, so no limit stops it now.
void Worker::recount_concurrent(Flow& flow) {
  if ((flow.flags & DAM_FLOW_COUNTED) != 0) return;
  if (flow.source != kNone) SourceTable::enter(engine_.sources[flow.source], 0);
  engine_.zone_concurrent[flow.zone_slot].fetch_add(1, std::memory_order_relaxed);
  flow.flags |= DAM_FLOW_COUNTED;
}

void Worker::note_fin(Flow& flow, dam_direction direction, dam_seq end) {
  flow.flags |= direction == DAM_C2S ? DAM_FLOW_FIN_CLIENT : DAM_FLOW_FIN_SERVER;
  flow.fin[direction] = end;
}

void Worker::reset_client(const Flow& flow) {
  Segment rst = to_client(flow, DAM_TCP_RST | DAM_TCP_ACK);
  if (flow.state >= DAM_FLOW_deliver) {
    rst.seq = dam_seq_translate(flow.track.next[DAM_S2C], flow.splice.seq_delta[DAM_S2C]);
    rst.ack = flow.track.next[DAM_C2S];
  }
  originate(rst, hop(flow, DAM_S2C), (flow.flags & DAM_FLOW_MANAGEMENT) != 0);
}

// Frees what the server keeps for the connection, as far as it knows of one.
void Worker::reset_server(const Flow& flow) {
  if (flow.source_port == 0) return;
  originate(reset_of_server(flow), hop(flow, DAM_C2S), (flow.flags & DAM_FLOW_MANAGEMENT) != 0);
}

Segment Worker::reset_of_server(const Flow& flow) const {
  Segment rst = to_server(flow, DAM_TCP_RST | DAM_TCP_ACK);
  rst.timestamps = false;  // RFC 7323 3.2 asks for the option on all segments but RST
  if (flow.state >= DAM_FLOW_deliver) {
    rst.seq = dam_seq_translate(flow.track.next[DAM_C2S], flow.splice.seq_delta[DAM_C2S]);
    rst.ack = flow.track.next[DAM_S2C];
  } else {
    rst.seq = dam_seq_add(handshakes_[flow.handshake].iss, 1);
    rst.flags = DAM_TCP_RST;
  }
  return rst;
}

// The flow as the client's packets name it.
dam_flow_key Worker::client_side(const Flow& flow) const {
  const Listener& listener = policy_->listeners[flow.listener_slot];
  return {flow.client, listener.address, flow.client_port, listener.port};
}

// Gives back everything that the flow holds.
void Worker::release(Flow& flow, dam_connection_end end, Drop reason) {
  const uint32_t index = index_of(flow);
  if ((flow.flags & DAM_FLOW_ROUTED) != 0) record(flow, end, reason);
  unbind_source_port(flow);
  index_of_flows_.erase(client_side_hash(flow), flow_ref(index, DAM_C2S));
  uncount_concurrent(flow);
  if (flow.source != kNone) engine_.sources.release(flow.source);
  release_handshake(flow);
  if ((flow.flags & DAM_FLOW_ROUTED) != 0) {
    --routed_flows_;
    if ((flow.flags & DAM_FLOW_MANAGEMENT) == 0) --service_flows_;
    ++zone_counters(flow.zone_slot).connections_closed;
  }
  flow_timers_.cancel(index);
  flows_used_.fetch_sub(1, std::memory_order_relaxed);
  give_place(index);
}

void Worker::release_handshake(Flow& flow) {
  if (flow.handshake == kNone) return;
  Handshake& handshake = handshake_of(flow);
  unlink_waiting(handshake);
  if (handshake.hold != kNone) {
    hold_.give(handshake.hold);
    if (is_service(flow)) --service_holds_;
  }
  handshake.hold = kNone;
  handshake_timers_.cancel(flow.handshake);
  free_handshakes_.push_back(flow.handshake);
  flow.handshake = kNone;
  half_open_used_.fetch_sub(1, std::memory_order_relaxed);
  if (is_service(flow)) --service_connecting_;
}

void Worker::unlink_waiting(Handshake& handshake) {
  if (!handshake.waiting) return;
  handshake.waiting = false;
  if (handshake.previous != kNone) {
    handshakes_[handshake.previous].next = handshake.next;
  } else {
    waiting_first_ = handshake.next;
  }
  if (handshake.next != kNone) {
    handshakes_[handshake.next].previous = handshake.previous;
  } else {
    waiting_last_ = handshake.previous;
  }
}

}  // namespace dam
