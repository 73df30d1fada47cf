// SPDX-License-Identifier: BSD-3-Clause
// The dam as a sender: the PROXY header in a segment of its own, whole and again whole, then the
// held bytes, until the server has acknowledged all of it. Client and server may talk meanwhile.
#include <algorithm>

#include "dataplane/engine/worker.h"

namespace dam {

namespace {

constexpr uint32_t kTimestampBytes = 12;  // NOP, NOP, option of 10
constexpr uint32_t kMostPayload = 1400;   // fits a spare frame with every header

}  // namespace

// The segment that starts at sent_bytes: the header alone, or held bytes.
Segment Worker::deliver_segment(const Flow& flow, const Handshake& handshake) const {
  Segment segment = to_server(flow, DAM_TCP_ACK | DAM_TCP_PSH);
  const dam_splice& splice = flow.splice;
  segment.seq = dam_seq_add(handshake.iss, 1 + handshake.sent_bytes);
  segment.ack = dam_seq_add(handshake.server_isn, 1);
  segment.window = static_cast<uint16_t>(
      std::min<uint32_t>(uint32_t{handshake.client_window} << splice.window_shift_in[DAM_C2S] >>
                             splice.window_shift_out[DAM_C2S],
                         65535));
  if (handshake.sent_bytes < handshake.header_bytes) {
    segment.payload = {handshake.header.data(), handshake.header_bytes};
    return segment;
  }
  const uint32_t offset = handshake.sent_bytes - handshake.header_bytes;
  uint32_t most = std::min<uint32_t>(handshake.server_mss, kMostPayload);
  most -= handshake.timestamps ? kTimestampBytes : 0;
  const uint32_t bytes = std::min(most, handshake.held_bytes - offset);
  if (bytes == 0) {
    segment.flags = DAM_TCP_ACK;
  } else {
    segment.payload = {hold_.data(handshake.hold) + offset, bytes};
  }
  return segment;
}

// Sends what the server's window takes. Nothing to send at all: the bare ACK ends the handshake.
// RFC 6298 5: the timer starts with the first segment under way, and anew with progress alone; a
// duplicate ACK does not put it off.
void Worker::deliver(Flow& flow, Handshake& handshake, bool progress) {
  const bool nothing_under_way = handshake.sent_bytes == handshake.acked_bytes;
  const bool urgent = (flow.flags & DAM_FLOW_MANAGEMENT) != 0;
  if (handshake.total_bytes() == 0) {
    originate(deliver_segment(flow, handshake), hop(flow, DAM_C2S), urgent);
    return all_delivered(flow, handshake);
  }
  while (handshake.sent_bytes < handshake.total_bytes()) {
    const Segment segment = deliver_segment(flow, handshake);
    const auto bytes = static_cast<uint32_t>(segment.payload.size());
    if (bytes == 0) break;
    if (handshake.sent_bytes + bytes > handshake.acked_bytes + handshake.server_window &&
        handshake.sent_bytes > handshake.acked_bytes) {
      break;
    }
    if (handshake.sent_bytes < handshake.header_bytes) ++counters_->proxy_headers_sent;
    if (!originate(segment, hop(flow, DAM_C2S), urgent)) break;
    handshake.sent_bytes += bytes;
  }
  if (progress || nothing_under_way) {
    handshake.retransmit_ns = heard_ns_ + handshake.retransmit_after_ns;
  }
  schedule_handshake(flow.handshake);
}

// From the first byte that is not acknowledged; a header only ever as a whole.
void Worker::resend(Flow& flow, Handshake& handshake) {
  handshake.sent_bytes = handshake.acked_bytes < handshake.header_bytes ? 0 : handshake.acked_bytes;
  deliver(flow, handshake, true);
}

void Worker::on_delivering(Flow& flow, dam_direction direction, Job& job) {
  Handshake& handshake = handshake_of(flow);
  const dam_packet& packet = job.packet;
  if (direction == DAM_S2C) {
    if (!on_server_ack(flow, handshake, job)) return;
  } else {
    const bool old = dam_seq_before(packet.seq, flow.splice.ack_floor) && packet.payload_bytes > 0;
    if (old && (packet.tcp_flags & (DAM_TCP_SYN | DAM_TCP_RST)) == 0) {
      // The server must read the bytes that were routed by, not another version of them.
      return drop(*job.frame, DAM_DROP_held_duplicate, flow.zone_slot);
    }
    handshake.client_window = packet.window;
  }
  on_control(flow, direction, job);
}

// False: the segment said something to the dam alone and was taken in.
bool Worker::on_server_ack(Flow& flow, Handshake& handshake, const Job& job) {
  const dam_packet& packet = job.packet;
  Frame& frame = *job.frame;
  if ((packet.tcp_flags & DAM_TCP_RST) != 0) return true;
  if ((packet.tcp_flags & DAM_TCP_SYN) != 0) {  // our answer was lost
    drop(frame, DAM_DROP_consumed, flow.zone_slot);
    handshake.sent_bytes = 0;
    deliver(flow, handshake, false);
    return false;
  }
  // Held bytes are let go for this: only for what the server itself can have said.
  if (!dam_in_window(&flow.splice, &flow.track, DAM_S2C, &packet) || !checksum_holds(job)) {
    drop(frame, DAM_DROP_out_of_window, flow.zone_slot);
    return false;
  }
  const int32_t acked = dam_seq_distance(dam_seq_add(handshake.iss, 1), packet.ack);
  const auto total = static_cast<int32_t>(handshake.total_bytes());
  handshake.server_window = uint32_t{packet.window} << flow.splice.window_shift_in[DAM_S2C];
  if (acked >= total) {
    all_delivered(flow, handshake);
    return true;
  }
  const bool bare = packet.payload_bytes == 0 && (packet.tcp_flags & DAM_TCP_FIN) == 0;
  const bool progress = acked > static_cast<int32_t>(handshake.acked_bytes);
  if (progress) {
    handshake.acked_bytes = static_cast<uint32_t>(acked);
    handshake.sent_bytes = std::max(handshake.sent_bytes, handshake.acked_bytes);
  }
  deliver(flow, handshake, progress);
  if (bare) drop(frame, DAM_DROP_consumed, flow.zone_slot);
  return !bare;
}

void Worker::all_delivered(Flow& flow, const Handshake& handshake) {
  observe_handshake_time(*counters_, (now_ns_ - handshake.accepted_ns) / kNsOfMicrosecond);
  delivered(flow);
}

void Worker::delivered(Flow& flow) {
  flow.state = DAM_FLOW_established;
  flow.splice.flags |= DAM_SPLICE_FLOOR_PASSED;  // the floor would come up again after 4 GiB
  release_handshake(flow);
}

}  // namespace dam
