// SPDX-License-Identifier: BSD-3-Clause
// The answer to a SYN: a cookie, and a promise that every server behind the listener keeps; nothing
// is remembered (RFC 4987 3.6).
#include <algorithm>

#include "dataplane/core/answer.h"
#include "dataplane/engine/packet_path.h"

namespace dam {

void Worker::lower_promise(LearnedOptions& promise, uint16_t server_slot) const {
  const uint32_t learned = engine_.servers[server_slot].learned.load(std::memory_order_relaxed);
  if (learned == 0) return;
  const LearnedOptions server = LearnedOptions::unpack(learned);
  promise.mss = std::min(promise.mss, server.mss);
  promise.sack &= server.sack;
  promise.timestamps &= server.timestamps;
  promise.ecn &= server.ecn;
  if (server.wscale == kNoWscale) promise.wscale = kNoWscale;
}

// What a SYN-ACK may promise: what every server behind the listener holds, fallbacks included.
// Looked up once a while, since it changes only with probes and policies.
LearnedOptions Worker::promise_of(const Listener& listener) const {
  LearnedOptions promise;
  for (const Route& route : policy_->routes) {
    if (route.listener_group != listener.group) continue;
    for (const uint16_t slot : route.server_slots) lower_promise(promise, slot);
    if (route.fallback_slot >= 0) {
      lower_promise(promise, static_cast<uint16_t>(route.fallback_slot));
    }
  }
  return promise;
}

void Worker::refresh_promises() {
  constexpr uint64_t kEveryNs = 50'000'000;
  if (now_ns_ < promises_at_ns_ && promises_of_ == policy_) return;
  promises_at_ns_ = now_ns_ + kEveryNs;
  if (promises_of_ != policy_) engine_.settle_ports(index_);
  promises_of_ = policy_;
  const size_t count = std::min(policy_->listeners.size(), promises_.size());
  for (size_t i = 0; i < count; ++i) promises_[i] = promise_of(policy_->listeners[i]);
}

uint32_t Worker::client_clock(uint32_t origin) const { return dam_client_clock(now_ns_, origin); }

void Worker::on_syn(Job& job, uint16_t listener_slot) {
  const dam_packet& packet = job.packet;
  Frame& frame = *job.frame;
  if (!engine_.neighbours.may_come_by(job.interface, packet.src)) {
    return drop(frame, DAM_DROP_bad_source, 0);
  }
  dam_tcp_options offered;
  const Drop bad = dam_parse_tcp_options(frame.data, frame.data + frame.bytes, &packet, &offered);
  if (bad != DAM_DROP_none) return drop(frame, bad, 0);
  if (!checksum_holds(job)) return drop(frame, DAM_DROP_bad_checksum, 0);

  const LearnedOptions promise = promises_[listener_slot];
  const bool wants_ecn =
      (packet.tcp_flags & (DAM_TCP_ECE | DAM_TCP_CWR)) == (DAM_TCP_ECE | DAM_TCP_CWR);
  dam_cookie_options agreed{};
  agreed.mss = offered.mss != 0 ? offered.mss : 536;
  agreed.wscale = promise.wscale == kNoWscale ? kNoWscale : offered.wscale;
  agreed.sack = offered.sack_permitted && promise.sack;
  agreed.ecn = wants_ecn && promise.ecn;
  const dam_flow_key key{packet.src, packet.dst, packet.src_port, packet.dst_port};

  dam_answer reply{};
  uint32_t clock_origin = 0;
  reply.seq = dam_syn_cookie_make(&secrets_, &key, packet.seq, agreed, &clock_origin);
  reply.ack = dam_seq_add(packet.seq, 1);
  reply.flags = static_cast<uint8_t>(DAM_TCP_SYN | DAM_TCP_ACK | (agreed.ecn ? DAM_TCP_ECE : 0));
  reply.window = client_window();
  reply.mss = std::min<uint16_t>(promise.mss, mss_of(job.interface, packet.family));
  reply.wscale = agreed.wscale == kNoWscale ? uint8_t{DAM_WSCALE_NONE} : kPromisedWscale;
  reply.sack_permitted = agreed.sack;
  reply.timestamps = offered.has_timestamps && promise.timestamps;
  reply.tsval = client_clock(clock_origin);
  reply.tsecr = offered.tsval;
  ++counters_->cookies_sent;
  answer_sender(job, reply);
}

uint16_t Worker::mss_of(uint16_t out, uint8_t family) const {
  return static_cast<uint16_t>(side(out).mtu - (family == 4 ? 40 : 60));
}

}  // namespace dam
