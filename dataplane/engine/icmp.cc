// SPDX-License-Identifier: BSD-3-Clause
// ICMP errors belong to the endpoint whose packet they quote: translated and passed on, never acted
// upon (rule 9; RFC 5927). And the one error that the dam sends itself: packet too big.
#include <algorithm>
#include <cstring>

#include "dataplane/core/checksum.h"
#include "dataplane/engine/packet_path.h"

namespace dam {

namespace {

constexpr uint16_t kIcmpHeader = 8;
constexpr int32_t kPlausibleOctets = 1 << 24;  // how far behind the newest octet a quote may lie
constexpr uint32_t kQuotedMost = 512;          // RFC 1812 4.3.2.3 and RFC 4443 2.4 allow more

}  // namespace

bool Worker::is_icmp_error(const Job& job) {
  if (job.packet.kind != DAM_KIND_ICMP) return false;
  const uint8_t type = job.frame->data[job.packet.l4];
  if (job.packet.family == 4) return type == 3 || type == 11 || type == 12;
  return type >= 1 && type <= 4;
}

void Worker::on_icmp(Job& job) {
  const Frame& frame = *job.frame;
  const dam_packet& packet = job.packet;
  dam_packet quoted;
  if (packet.end < packet.l4 + kIcmpHeader || !dam_checksum_icmp_valid(frame.data, &packet) ||
      dam_parse_embedded(frame.data + packet.l4 + kIcmpHeader, frame.data + packet.end, &quoted) !=
          DAM_DROP_none ||
      quoted.kind != DAM_KIND_TCP || quoted.family != packet.family) {
    return leave(job, DAM_DROP_icmp_unmatched);
  }
  // The quoted packet is the dam's own: turned round, it is what the receiver would have sent back.
  dam_packet back{};
  back.src = quoted.dst;
  back.dst = quoted.src;
  back.src_port = quoted.dst_port;
  back.dst_port = quoted.src_port;
  back.family = quoted.family;
  const uint32_t ref = find_flow(back, hash_of(back));
  if (ref == kNone) return leave(job, DAM_DROP_icmp_unmatched);
  job.flow_ref = ref;
  Flow& flow = flows_[ref >> 1];
  if (flow.state < DAM_FLOW_deliver) {
    return drop(*job.frame, DAM_DROP_consumed, flow.zone_slot);  // the handshake has its own timers
  }
  const auto travelled = (ref & 1) == DAM_C2S ? DAM_S2C : DAM_C2S;
  const dam_seq original = dam_seq_untranslate(quoted.seq, flow.splice.seq_delta[travelled]);
  const int32_t behind = dam_seq_distance(original, flow.track.next[travelled]);
  if (behind < 0 || behind > kPlausibleOctets) {
    return drop(*job.frame, DAM_DROP_out_of_window, flow.zone_slot);
  }
  if (flow.state == DAM_FLOW_deliver && travelled == DAM_C2S) shrink_held_segments(flow, job);
  if (!may_send_icmp(flow)) return drop(*job.frame, DAM_DROP_icmp_limited, flow.zone_slot);
  forward_icmp(flow, travelled, job, quoted);
}

// While the dam itself is the sender, "too big" is for it: it cuts what it holds into smaller
// segments, within the least MTU of the family (RFC 1191 3, RFC 8200 5), and sends them again.
void Worker::shrink_held_segments(Flow& flow, const Job& job) {
  const uint8_t* icmp = job.frame->data + job.packet.l4;
  const bool v4 = job.packet.family == 4;
  const bool too_big = v4 ? icmp[0] == 3 && icmp[1] == 4 : icmp[0] == 2;
  if (!too_big) return;
  const uint32_t mtu = v4 ? dam_load_be16(icmp + 6) : dam_load_be32(icmp + 4);
  const uint32_t least = v4 ? 576 : 1280;
  const uint32_t mss = std::max(mtu, least) - (v4 ? 40 : 60);
  Handshake& handshake = handshake_of(flow);
  if (mss >= handshake.server_mss) return;
  handshake.server_mss = static_cast<uint16_t>(mss);
  ++counters_->retransmissions;
  resend(flow, handshake);
}

// Back to who sent the quoted packet: that is where packets of the other direction go.
void Worker::forward_icmp(Flow& flow, dam_direction travelled, Job& job, const dam_packet& quoted) {
  Frame& frame = *job.frame;
  const dam_packet& packet = job.packet;
  const auto onward = travelled == DAM_C2S ? DAM_S2C : DAM_C2S;
  // What the quoted packet looked like before the dam: as its sender wrote it.
  const dam_rewrite before = rewrite_of(flow, onward);
  const dam_rewrite original{before.dst, before.src, before.dst_port, before.src_port};
  const Drop refused =
      dam_splice_translate_embedded(frame.data + packet.l4 + kIcmpHeader, frame.data + packet.end,
                                    &quoted, &flow.splice, travelled, &original);
  if (refused != DAM_DROP_none) return drop(frame, refused, flow.zone_slot);
  uint8_t* ip = frame.data + packet.l3;
  dam_packet outer = packet;
  outer.src = before.src;
  outer.dst = before.dst;
  if (packet.family == 4) {
    ip[8] = 64;
    dam_store32(ip + 12, before.src.word[3]);
    dam_store32(ip + 16, before.dst.word[3]);
    dam_checksum_ipv4_set(ip);
  } else {
    ip[7] = 64;
    std::memcpy(ip + 8, &before.src, 16);
    std::memcpy(ip + 24, &before.dst, 16);
  }
  dam_checksum_icmp_set(frame.data, &outer);
  frame.bytes = packet.end;
  if (dam_sight_due(&sighting_, &capture_, DAM_DROP_none, 0)) tell_passing(flow, onward, job);
  transmit(frame, packet.l3, flow.family, hop(flow, onward),
           (flow.flags & DAM_FLOW_MANAGEMENT) != 0);
}

// RFC 1191, RFC 8201: the sender learns the next hop's MTU.
void Worker::too_big(Flow& flow, dam_direction direction, Job& job, uint16_t mtu) {
  const auto back = direction == DAM_C2S ? DAM_S2C : DAM_C2S;
  const dam_packet& packet = job.packet;
  const bool v4 = packet.family == 4;
  const bool urgent = (flow.flags & DAM_FLOW_MANAGEMENT) != 0;
  if (out_->spare.count <= kept_spares(urgent) || !may_send_icmp(flow)) {
    return drop(*job.frame, DAM_DROP_too_big, flow.zone_slot);
  }
  Frame error = out_->spare.frame[--out_->spare.count];
  const uint16_t ip_bytes = v4 ? 20 : 40;
  const uint32_t quoted = std::min<uint32_t>(packet.end - packet.l3, kQuotedMost);
  uint8_t* ip = error.data + DAM_ETHERNET_BYTES;
  uint8_t* icmp = ip + ip_bytes;
  std::memset(ip, 0, ip_bytes + kIcmpHeader);
  const uint32_t icmp_bytes = kIcmpHeader + quoted;
  if (v4) {
    ip[0] = 0x45;
    dam_store_be16(ip + 2, static_cast<uint16_t>(ip_bytes + icmp_bytes));
    ip[8] = 64;
    ip[9] = 1;
    dam_store32(ip + 12, packet.dst.word[3]);
    dam_store32(ip + 16, packet.src.word[3]);
    dam_checksum_ipv4_set(ip);
    icmp[0] = 3;
    icmp[1] = 4;
    dam_store_be16(icmp + 6, mtu);
  } else {
    dam_store_be32(ip, 0x60000000u);
    dam_store_be16(ip + 4, static_cast<uint16_t>(icmp_bytes));
    ip[6] = 58;
    ip[7] = 64;
    std::memcpy(ip + 8, &packet.dst, 16);
    std::memcpy(ip + 24, &packet.src, 16);
    icmp[0] = 2;
    dam_store_be32(icmp + 4, mtu);
  }
  std::memcpy(icmp + kIcmpHeader, job.frame->data + packet.l3, quoted);
  dam_packet outer{};
  outer.src = packet.dst;
  outer.dst = packet.src;
  outer.family = packet.family;
  outer.kind = DAM_KIND_ICMP;
  outer.l3 = DAM_ETHERNET_BYTES;
  outer.l4 = static_cast<uint16_t>(DAM_ETHERNET_BYTES + ip_bytes);
  outer.end = static_cast<uint16_t>(outer.l4 + icmp_bytes);
  error.bytes = outer.end;
  dam_checksum_icmp_set(error.data, &outer);
  drop(*job.frame, DAM_DROP_too_big, flow.zone_slot);
  transmit(error, DAM_ETHERNET_BYTES, packet.family, hop(flow, back), urgent);
}

}  // namespace dam
