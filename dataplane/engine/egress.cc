// SPDX-License-Identifier: BSD-3-Clause
// Where frames leave the engine: forwarded, answered in place, originated, or dropped with a
// reason.
#include <cstring>

#include "dataplane/engine/packet_path.h"

namespace dam {

namespace {

constexpr dam_gcra_rate kResets = {(1'000'000'000ull << 20) / 1000, 100'000'000};  // 1,000/s
constexpr dam_gcra_rate kIcmpAnswers = {(1'000'000'000ull << 20) / 1000, 100'000'000};

}  // namespace

void Worker::count_drop(Drop reason, uint32_t zone) { ++zone_counters(zone).drops[reason]; }

void Worker::drop(Frame& frame, Drop reason, uint32_t zone) {
  count_drop(reason, zone);
  if (handling_ != nullptr) tell_if_due(*handling_, reason, zone);
  out_->dropped.add(frame);
}

bool Worker::originate(const Segment& segment, const NextHop& hop, bool urgent) {
  if (out_->spare.count <= kept_spares(urgent)) {
    count_drop(DAM_DROP_no_buffer, 0);
    return false;
  }
  const uint64_t mac = engine_.neighbours.mac_word(hop.neighbour);
  if ((mac & Neighbours::kKnown) == 0) {
    count_drop(DAM_DROP_no_neighbour, 0);
    return false;
  }
  Frame frame = out_->spare.frame[out_->spare.count - 1];
  if (!write_segment(frame, segment)) return false;
  --out_->spare.count;
  transmit(frame, DAM_ETHERNET_BYTES, dam_address_is_v4(&segment.dst) ? 4 : 6, hop, urgent);
  return true;
}

void Worker::answer(Frame& frame, const Segment& segment, const NextHop& hop, bool urgent) {
  if (!write_segment(frame, segment)) return drop(frame, DAM_DROP_no_buffer, 0);
  transmit(frame, DAM_ETHERNET_BYTES, dam_address_is_v4(&segment.dst) ? 4 : 6, hop, urgent);
}

// In place, and back to the link address that it came from: an answer to a sender that has proven
// nothing makes no entry in the table of neighbours, and needs none.
void Worker::answer_sender(Job& job, const dam_answer& answer, bool urgent) {
  Frame& frame = *job.frame;
  const uint64_t mac = dam_load64(frame.data + 6);
  if ((mac & 1) != 0) return drop(frame, DAM_DROP_malformed, 0);
  frame.bytes = static_cast<uint16_t>(dam_answer_bytes(&job.packet, &answer));
  if (!dam_write_answer(frame.data, frame.data + frame.bytes, &job.packet, &answer)) {
    return drop(frame, DAM_DROP_no_buffer, 0);
  }
  transmit_to(mac, job.interface, frame, job.packet.l3, job.packet.family, urgent);
}

// RFC 9293 3.10.7.1: a segment to a connection that does not exist is answered with RST; limited,
// so that forged segments make no flood of them.
void Worker::reset_sender(Job& job, Drop reason, ResetTo whom) {
  const dam_packet& packet = job.packet;
  count_drop(reason, 0);
  tell_if_due(job, reason, 0);
  const bool reset = (packet.tcp_flags & DAM_TCP_RST) != 0;
  uint64_t& tat_ns = reset_tat_ns_[static_cast<size_t>(whom)];
  if (reset || !dam_gcra_charge(&tat_ns, &kResets, now_ns_, 1)) {
    out_->dropped.add(*job.frame);
    return;
  }
  dam_answer rst{};
  rst.wscale = DAM_WSCALE_NONE;
  if ((packet.tcp_flags & DAM_TCP_ACK) != 0) {
    rst.seq = packet.ack;
    rst.flags = DAM_TCP_RST;
  } else {
    const bool counts_one = (packet.tcp_flags & (DAM_TCP_SYN | DAM_TCP_FIN)) != 0;
    rst.ack = dam_seq_add(packet.seq, packet.payload_bytes + (counts_one ? 1u : 0u));
    rst.flags = DAM_TCP_RST | DAM_TCP_ACK;
  }
  answer_sender(job, rst, whom == ResetTo::management);
}

bool Worker::may_send_icmp(const Flow& flow) {
  uint64_t& tat_ns = icmp_tat_ns_[(flow.flags & DAM_FLOW_MANAGEMENT) != 0 ? 1 : 0];
  return dam_gcra_charge(&tat_ns, &kIcmpAnswers, now_ns_, 1) != 0;
}

}  // namespace dam
