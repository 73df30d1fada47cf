// SPDX-License-Identifier: BSD-3-Clause
// The straight way, which nearly all packets go: one of an established connection lies in its
// windows and within its buckets, is translated, and is out. Compiled once for each direction. What
// is not so is handled in functions of other files.
#include "dataplane/engine/packet_path.h"

namespace dam {

template <dam_direction kWay>
[[gnu::always_inline]] inline void Worker::splice_along(Flow& flow, Job& job) {
  const dam_packet& packet = job.packet;
  if (!dam_in_window(&flow.splice, &flow.track, kWay, &packet)) [[unlikely]] {
    return drop(*job.frame, DAM_DROP_out_of_window, flow.zone_slot);
  }
  const Refusal refused = admit_along<kWay>(flow, job);
  if (refused.reason != DAM_DROP_none) return refuse_segment(flow, job, refused);
  flow.last_seen = coarse(now_ns_);
  dam_track_segment(&flow.track, kWay, &packet, dam_seq_add(packet.seq, packet.payload_bytes));
  forward_along<kWay>(flow, job);
}

// What a client sends counts as its packets; bytes count each way.
template <dam_direction kWay>
[[gnu::always_inline]] inline Worker::Refusal Worker::admit_along(const Flow& flow,
                                                                  const Job& job) {
  const Zone& zone = policy_->zones[flow.zone_slot];
  const uint16_t bytes = job.frame->bytes;
  const bool counts = job.packet.payload_bytes != 0 && zone.follows_requests;
  if (is_banned(flow, zone)) [[unlikely]]
    return {DAM_DROP_zone_banned, flow.zone_slot};
  if (kWay == DAM_S2C) {
    const Drop refused = charge(flow, zone, DAM_DIM_bytes_down, bytes);
    if (counts && refused == DAM_DROP_none) [[unlikely]]
      note_answer(flow, job);
    return {refused, flow.zone_slot};
  }
  Drop refused = DAM_DROP_none;
  if (counts) [[unlikely]]
    refused = read_along(flow, job);
  if (refused == DAM_DROP_none) refused = charge(flow, zone, DAM_DIM_packets, 1);
  if (refused == DAM_DROP_none) refused = charge(flow, zone, DAM_DIM_bytes_up, bytes);
  if (counts && refused == DAM_DROP_none) [[unlikely]]
    return admit_requests(flow, zone, job);
  return {refused, flow.zone_slot};
}

// False: the packet went nowhere.
template <dam_direction kWay>
[[gnu::always_inline]] inline bool Worker::forward_along(Flow& flow, Job& job) {
  Frame& frame = *job.frame;
  const dam_packet& packet = job.packet;
  const uint16_t mtu = side(flow.out_interface[kWay]).mtu;
  if (packet.end - packet.l3 > mtu) [[unlikely]] {
    too_big(flow, kWay, job, mtu);
    return false;
  }
  const dam_rewrite rewrite = rewrite_of(flow, kWay);
  const Drop refused = dam_splice_translate(frame.data, frame.data + frame.bytes, &packet,
                                            &flow.splice, kWay, &rewrite);
  if (refused != DAM_DROP_none) [[unlikely]] {
    drop(frame, refused, flow.zone_slot);
    return false;
  }
  if (dam_sight_due(&sighting_, &capture_, DAM_DROP_none, 1)) [[unlikely]]
    tell_passing(flow, kWay, job);
  frame.bytes = packet.end;  // link-layer padding stays behind
  dam_zone_counters& zone = zone_counters(flow.zone_slot);
  ++zone.packets[kWay];
  zone.bytes[kWay] += frame.bytes;
  return transmit(frame, packet.l3, flow.family, hop(flow, kWay),
                  (flow.flags & DAM_FLOW_MANAGEMENT) != 0);
}

// An earlier frame of this burst may have made or ended the flow.
uint32_t Worker::find_flow_again(const Job& job) const {
  if (job.ref == kNone && index_of_flows_.changes() == located_at_) return kNone;
  return find_flow(job.packet, job.hash);
}

void Worker::handle(Job& job) {
  Frame& frame = *job.frame;
  handling_ = &job;
  if (job.refused != DAM_DROP_none) return refuse(job);
  if (frame.checksum == RxChecksum::bad) return drop(frame, DAM_DROP_bad_checksum, 0);
  if (job.packet.kind != DAM_KIND_TCP) return for_the_dam(job);
  uint32_t ref = job.ref;
  if (ref == kNone || !is_flow(ref, job.packet)) [[unlikely]]
    ref = find_flow_again(job);
  if (ref == kNone) return stranger(job);
  job.flow_ref = ref;
  Flow& flow = flows_[ref >> 1];
  const auto direction = static_cast<dam_direction>(ref & 1);
  if (direction == DAM_C2S && flow.lists_seen != policy_->lists_digest) [[unlikely]] {
    const Drop denied = why_denied_by_now(flow);
    if (denied != DAM_DROP_none) return drop(frame, denied, 0);
  }
  // The worlds stay apart: nobody speaks for a host of another link.
  if (job.interface != flow.out_interface[direction ^ 1]) {
    return drop(frame, DAM_DROP_bad_source, flow.zone_slot);
  }
  constexpr uint8_t kControl = DAM_TCP_SYN | DAM_TCP_FIN | DAM_TCP_RST | DAM_TCP_URG;
  const bool straight = flow.state == DAM_FLOW_established && (flow.flags & DAM_FLOW_SLOW) == 0 &&
                        (job.packet.tcp_flags & kControl) == 0;
  if (!straight) [[unlikely]]
    return handle_flow(flow, direction, job);
  direction == DAM_C2S ? splice_along<DAM_C2S>(flow, job) : splice_along<DAM_S2C>(flow, job);
}

Worker::Refusal Worker::admit_packet(const Flow& flow, dam_direction direction, const Job& job) {
  return direction == DAM_C2S ? admit_along<DAM_C2S>(flow, job) : admit_along<DAM_S2C>(flow, job);
}

bool Worker::forward(Flow& flow, dam_direction direction, Job& job) {
  return direction == DAM_C2S ? forward_along<DAM_C2S>(flow, job)
                              : forward_along<DAM_S2C>(flow, job);
}

}  // namespace dam
