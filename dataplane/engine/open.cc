// SPDX-License-Identifier: BSD-3-Clause
// From SYN to flow: the SYN is answered with a cookie and forgotten; the cookie that comes back
// proves the source, and only then is anything remembered or charged (RFC 4987 3.6).
#include <algorithm>

#include "dataplane/core/checksum.h"
#include "dataplane/core/siphash.h"
#include "dataplane/engine/worker.h"

namespace dam {

namespace {

constexpr uint16_t kCookieTries = 16;
constexpr uint16_t kTriesLastS = 64;

uint16_t seconds_of(uint64_t now_ns) { return static_cast<uint16_t>(now_ns >> 30); }

}  // namespace

// Retired ones included: their flows live on.
const Listener* Worker::listener_at(const Policy& policy, const dam_packet& packet,
                                    uint16_t& slot) {
  for (size_t i = 0; i < policy.listeners.size(); ++i) {
    const Listener& listener = policy.listeners[i];
    if (listener.port.raw == packet.dst_port.raw &&
        dam_address_equal(&listener.address, &packet.dst)) {
      slot = static_cast<uint16_t>(i);
      return &listener;
    }
  }
  return nullptr;
}

const Listener* Worker::listener_of(const dam_packet& packet, uint16_t& slot) const {
  const Listener* listener = listener_at(*policy_, packet, slot);
  return listener != nullptr && listener->in_policy ? listener : nullptr;
}

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

// The dam's TSval towards a client: milliseconds, from an origin of its own for each pair of
// addresses and ports (RFC 7323 5.4: never backwards; 7.1: no uptime to be read). The bits of the
// hash that it shows choose neither a bucket of the flow index (the low ones) nor a tag (the high
// ones).
uint32_t Worker::client_clock(uint64_t flow_hash) const {
  return static_cast<uint32_t>(now_ns_ / 1'000'000) + (static_cast<uint32_t>(flow_hash >> 24) << 8);
}

void Worker::on_syn(Job& job, uint16_t listener_slot) {
  const dam_packet& packet = job.packet;
  Frame& frame = *job.frame;
  if (!engine_.neighbours.may_be_source(packet.src)) return drop(frame, DAM_DROP_bad_source, 0);
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

  Segment reply;
  reply.src = packet.dst;
  reply.dst = packet.src;
  reply.src_port = packet.dst_port;
  reply.dst_port = packet.src_port;
  reply.seq = dam_syn_cookie_make(&secrets_, &key, packet.seq, agreed);
  reply.ack = dam_seq_add(packet.seq, 1);
  reply.flags = static_cast<uint8_t>(DAM_TCP_SYN | DAM_TCP_ACK | (agreed.ecn ? DAM_TCP_ECE : 0));
  reply.window = static_cast<uint16_t>(std::min<uint32_t>(hold_.buffer_bytes(), 65535));
  reply.mss = std::min<uint16_t>(promise.mss, mss_of(job.interface, packet.family));
  reply.wscale = agreed.wscale == kNoWscale ? kNoWscale : kPromisedWscale;
  reply.sack_permitted = agreed.sack;
  reply.timestamps = offered.has_timestamps && promise.timestamps;
  reply.tsval = client_clock(job.hash);
  reply.tsecr = offered.tsval;
  ++counters_->cookies_sent;
  answer_sender(job, reply);
}

uint16_t Worker::mss_of(uint16_t out, uint8_t family) const {
  return static_cast<uint16_t>(interface(static_cast<uint8_t>(out)).mtu - (family == 4 ? 40 : 60));
}

bool Worker::checksum_holds(const Job& job) const {
  return job.frame->checksum == RxChecksum::good ||
         dam_checksum_tcp_valid(job.frame->data, &job.packet);
}

bool Worker::cookie_holds(const dam_packet& packet, dam_cookie_options& options) const {
  const dam_flow_key key{packet.src, packet.dst, packet.src_port, packet.dst_port};
  constexpr uint32_t kBefore = 0xffffffffu;
  return dam_syn_cookie_check(&secrets_, &key, dam_seq_add(packet.seq, kBefore),
                              dam_seq_add(packet.ack, kBefore), &options) != 0;
}

// A SYN for the ports of a flow lets the next few ACKs be tried as cookies. One guess in 2^22
// passes: 16 a second make that three days of guessing, where every ACK for ever made it seconds.
void Worker::grant_cookie_tries(Flow& flow) const {
  const uint16_t now_s = seconds_of(now_ns_);
  const bool fresh = flow.cookie_tries == 0 && flow.tries_granted_s == 0;
  if (!fresh && flow.tries_granted_s == now_s) return;
  flow.tries_granted_s = now_s;
  flow.cookie_tries = kCookieTries;
  flow.flags |= kFlowSynSeen;
}

// Segments that fit the old flow are not tried as cookies: among millions one would pass by chance.
// An old flow that is over has little left to say; numbers within 64 KiB of its last are all that
// fit, which a port used again has left behind after 4 ms (RFC 9293 3.4.1).
bool Worker::fits_connection(const Flow& flow, const dam_packet& packet) {
  const bool spliced = flow.state >= FlowState::deliver;
  const dam_seq sent =
      spliced ? dam_seq_translate(flow.track.next[DAM_S2C], flow.splice.seq_delta[DAM_S2C])
              : dam_seq_add(flow.cookie, 1);
  const dam_seq received = spliced ? flow.track.next[DAM_C2S] : dam_seq_add(flow.client_isn, 1);
  const int32_t near = (flow.flags & kFlowClosing) != 0 ? 1 << 16 : 1 << 26;
  const int32_t seq_off = dam_seq_distance(received, packet.seq);
  const int32_t ack_off = dam_seq_distance(sent, packet.ack);
  return seq_off > -near && seq_off < near && ack_off > -near && ack_off < near;
}

// False: the tries are used up, or nobody came for so long; the flow takes the short way again.
bool Worker::may_be_cookie(Flow& flow) const {
  const auto age_s = static_cast<uint16_t>(seconds_of(now_ns_) - flow.tries_granted_s);
  if (age_s > kTriesLastS) flow.cookie_tries = 0;
  if (flow.cookie_tries == 0) flow.flags = static_cast<uint8_t>(flow.flags & ~kFlowSynSeen);
  return flow.cookie_tries != 0;
}

// A client that lost its connection uses the port again: its new cookie ends the old flow, once all
// is checked that a new flow needs.
bool Worker::replaced_by_new_cookie(Flow& flow, Job& job) {
  if (!may_be_cookie(flow) || fits_connection(flow, job.packet)) return false;
  dam_cookie_options cookie;
  if (!cookie_holds(job.packet, cookie)) {
    --flow.cookie_tries;
    return false;
  }
  const uint16_t listener_slot = flow.listener_slot;
  dam_tcp_options options;
  const Drop refused = may_open(job, listener_slot, options);
  if (refused != DAM_DROP_none) {
    drop(*job.frame, refused, flow.zone_slot);
    return true;
  }
  count_drop(DAM_DROP_closed, flow.zone_slot);
  reset_server(flow);
  release(flow);
  on_cookie(job, listener_slot);
  return true;
}

dam_drop_reason Worker::may_open(const Job& job, uint16_t listener_slot,
                                 dam_tcp_options& options) const {
  const Frame& frame = *job.frame;
  const dam_packet& packet = job.packet;
  const Drop bad = dam_parse_tcp_options(frame.data, frame.data + frame.bytes, &packet, &options);
  if (bad != DAM_DROP_none) return bad;
  if (!checksum_holds(job)) return DAM_DROP_bad_checksum;
  if (policy_->allow.contains(packet.src)) return DAM_DROP_none;
  if (policy_->deny.contains(packet.src)) return DAM_DROP_denied;
  return banned_everywhere(packet.src, listener_slot) ? DAM_DROP_banned : DAM_DROP_none;
}

void Worker::on_cookie(Job& job, uint16_t listener_slot) {
  const dam_packet& packet = job.packet;
  dam_cookie_options cookie;
  if (!cookie_holds(packet, cookie)) {
    ++counters_->cookies_bad;
    if (is_lost(job.hash) && checksum_holds(job)) {
      return reset_sender(job, DAM_DROP_bad_cookie, ResetTo::lost_client);
    }
    return drop(*job.frame, DAM_DROP_bad_cookie, 0);
  }
  dam_tcp_options options;
  const Drop refused = may_open(job, listener_slot, options);
  if (refused != DAM_DROP_none) return drop(*job.frame, refused, 0);
  ++counters_->cookies_accepted;
  open(job, listener_slot, cookie, options);
}

// RFC 9293 3.10.7.1 wants an RST for a connection that does not exist: without it the clients of a
// dam that was restarted wait for their own time-outs. But the first such segment may be a true
// client's second one that has overtaken its first, and that never stays ahead for so long. True:
// this one was seen before, and now it counts as forgotten.
bool Worker::is_lost(uint64_t hash) {
  constexpr uint64_t kOvertakenNs = 500'000'000;
  constexpr uint64_t kForgottenNs = 60'000'000'000;
  Stray& stray = strays_[hash % strays_.size()];
  const auto tag = static_cast<uint32_t>(hash >> 32) | 1;
  const uint64_t age_ns = uint64_t{coarse(now_ns_) - stray.since} * kCoarseNs;
  const bool known = stray.tag == tag && age_ns < kForgottenNs;
  if (known && age_ns < kOvertakenNs) return false;
  stray = known ? Stray{} : Stray{tag, coarse(now_ns_)};
  return known;
}

// Room among the connections without a route: the one that has waited longest gives way, since a
// real client sends its hello at once.
uint32_t Worker::make_room_half_open() {
  if (free_handshakes_.empty() && waiting_first_ != kNone) {
    const uint32_t oldest = handshakes_[waiting_first_].flow;
    refuse(flows_[oldest], DAM_DROP_half_open_limit, true);
  }
  if (free_handshakes_.empty() || free_flow_ == kNone) return kNone;
  const uint32_t index = free_handshakes_.back();
  free_handshakes_.pop_back();
  return index;
}

void Worker::open(Job& job, uint16_t listener_slot, const dam_cookie_options& cookie,
                  const dam_tcp_options& options) {
  const dam_packet& packet = job.packet;
  const NextHop back = engine_.neighbours.next_hop(packet.src);
  if (!back) return drop(*job.frame, DAM_DROP_no_neighbour, 0);
  const bool admin = policy_->allow.contains(packet.src);
  const Zone& front = policy_->zones[0];
  const uint32_t source = engine_.sources.acquire(
      index_, engine_.sources.key(packet.src, 0, front.source_bits_v4, front.source_bits_v6),
      now_ns_);
  if (source == SourceTable::kNone && !admin)
    return drop(*job.frame, DAM_DROP_source_table_full, 0);
  const uint32_t slot = make_room_half_open();
  if (slot == kNone) {
    if (source != kNone) engine_.sources.release(source);
    return drop(*job.frame, DAM_DROP_half_open_limit, 0);
  }

  const uint32_t index = free_flow_;
  Flow& flow = flows_[index];
  free_flow_ = flow.next_free;
  const uint32_t epoch = flow.epoch + 1;
  flow = Flow{};
  flow.epoch = epoch;
  flow.client = packet.src;
  flow.client_port = packet.src_port;
  flow.listener_slot = listener_slot;
  flow.source = source;
  flow.state = FlowState::hello;
  flow.flags = admin ? kFlowAdmin : 0;
  flow.last_seen = coarse(now_ns_);
  flow.client_isn = dam_seq_add(packet.seq, 0xffffffffu);
  flow.cookie = dam_seq_add(packet.ack, 0xffffffffu);
  flow.neighbour[DAM_S2C] = back.neighbour;
  flow.out_interface[DAM_S2C] = static_cast<uint8_t>(back.interface);
  flow.family = packet.family;
  flow.rst_direction = 0xff;
  flow.handshake = slot;
  // The buckets of the zone "front", and one source's share of those without a route.
  Drop refused = admin ? DAM_DROP_none : admit_connection(flow, front);
  if (refused == DAM_DROP_source_concurrent) refused = DAM_DROP_half_open_source;
  if (refused == DAM_DROP_none && !index_of_flows_.insert(job.hash, flow_ref(index, DAM_C2S))) {
    refused = DAM_DROP_flow_table_full;
  }
  Handshake& handshake = handshakes_[slot];
  handshake.flow = index;
  if (refused != DAM_DROP_none) {
    uncount_concurrent(flow);
    if (source != kNone) engine_.sources.release(source);
    flow.state = FlowState::free;
    flow.next_free = free_flow_;
    free_flow_ = index;
    free_handshakes_.push_back(slot);
    return drop(*job.frame, refused, 0);
  }
  begin_handshake(flow, packet.window, cookie, options);
  if (flow.state == FlowState::free) {  // a port route may refuse at once
    out_->dropped.add(*job.frame);
    return;
  }
  on_client_early(flow, job);
}

void Worker::begin_handshake(Flow& flow, uint16_t client_window, const dam_cookie_options& cookie,
                             const dam_tcp_options& options) {
  const uint32_t slot = flow.handshake;
  half_open_used_.fetch_add(1, std::memory_order_relaxed);
  flows_used_.fetch_add(1, std::memory_order_relaxed);
  Handshake& handshake = handshakes_[slot];
  handshake = Handshake{};
  handshake.flow = index_of(flow);
  handshake.client_window = client_window;  // a port route calls its server at once, with this
  handshake.client_mss = cookie.mss;
  handshake.client_wscale = cookie.wscale;
  handshake.sack = cookie.sack != 0;
  handshake.ecn = cookie.ecn != 0;
  handshake.timestamps = options.has_timestamps != 0;
  handshake.client_tsval = options.tsval;
  handshake.stage_deadline_ns = now_ns_ + policy_->timeouts.hello_ns;
  handshake.retransmit_ns = handshake.stage_deadline_ns;
  handshake.previous = waiting_last_;
  handshake.next = kNone;
  if (waiting_last_ != kNone) {
    handshakes_[waiting_last_].next = slot;
  } else {
    waiting_first_ = slot;
  }
  waiting_last_ = slot;
  handshake.waiting = true;
  schedule_handshake(slot);
  if (policy_->listeners[flow.listener_slot].protocol == Protocol::tcp) {
    RouteQuery query;
    query.listener_group = policy_->listeners[flow.listener_slot].group;
    query.source = flow.client;
    route(flow, handshake, query);
  }
}

}  // namespace dam
