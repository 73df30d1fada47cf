// SPDX-License-Identifier: BSD-3-Clause
// From cookie to flow: the cookie that comes back proves the source, and only then is anything
// remembered or charged (RFC 4987 3.6).
#include <utility>

#include "dataplane/core/checksum.h"
#include "dataplane/engine/worker.h"

namespace dam {

// The policy's listener that a packet is for, or kNoListener.
uint16_t Worker::listener_of(const dam_packet& packet) const {
  const uint16_t slot = policy_->listener_slot(packet.dst, packet.dst_port);
  if (slot == Policy::kNoListener || !policy_->listeners[slot].in_policy) {
    return Policy::kNoListener;
  }
  return slot;
}

bool Worker::checksum_holds(const Job& job) const {
  return job.frame->checksum == RxChecksum::good ||
         dam_checksum_tcp_valid(job.frame->data, &job.packet);
}

bool Worker::cookie_holds(const dam_packet& packet, Cookie& cookie) const {
  const dam_flow_key key{packet.src, packet.dst, packet.src_port, packet.dst_port};
  constexpr uint32_t kBefore = 0xffffffffu;
  return dam_syn_cookie_check(&secrets_, &key, dam_seq_add(packet.seq, kBefore),
                              dam_seq_add(packet.ack, kBefore), &cookie.options,
                              &cookie.clock_origin) != 0;
}

// What else a segment needs that brings a cookie back.
dam_drop_reason Worker::read_opening(const Job& job, dam_tcp_options& options) const {
  const Frame& frame = *job.frame;
  const Drop bad =
      dam_parse_tcp_options(frame.data, frame.data + frame.bytes, &job.packet, &options);
  if (bad != DAM_DROP_none) return bad;
  return checksum_holds(job) ? DAM_DROP_none : DAM_DROP_bad_checksum;
}

// The source has been asked about: see stranger().
void Worker::on_cookie(Job& job, uint16_t listener_slot) {
  const dam_packet& packet = job.packet;
  const bool good = job.cookie_is == CookieIs::unread ? cookie_holds(packet, job.cookie)
                                                      : job.cookie_is == CookieIs::good;
  if (!good) {
    ++counters_->cookies_bad;
    if (is_lost(job.hash) && checksum_holds(job)) {
      return reset_sender(job, DAM_DROP_bad_cookie, ResetTo::lost_client);
    }
    return drop(*job.frame, DAM_DROP_bad_cookie, 0);
  }
  dam_tcp_options options;
  const Drop refused = read_opening(job, options);
  if (refused != DAM_DROP_none) return drop(*job.frame, refused, 0);
  open(job, listener_slot, job.cookie, options);
}

bool Worker::is_lost(uint64_t hash) {
  return dam_is_lost(&strays_[hash % strays_.size()], hash, now_ns_) != 0;
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

void Worker::open(Job& job, uint16_t listener_slot, const Cookie& cookie,
                  const dam_tcp_options& options) {
  const dam_packet& packet = job.packet;
  ++counters_->cookies_accepted;
  const NextHop back = engine_.neighbours.way_back(packet.src);
  if (!back) return drop(*job.frame, DAM_DROP_no_neighbour, 0);
  if (back.interface != job.interface) return drop(*job.frame, DAM_DROP_bad_source, 0);
  engine_.neighbours.suggest(back.neighbour, packet.src, job.frame->data + 6);
  const bool admin = policy_->allow.contains(packet.src);
  const uint32_t source = engine_.sources.acquire(
      index_, job.source_known ? job.source : front_key(packet.src), now_ns_);
  if (source == SourceTable::kNone && !admin) {
    return drop(*job.frame, DAM_DROP_source_table_full, 0);
  }
  const uint32_t slot = make_room_half_open();
  if (slot == kNone) {
    if (source != kNone) engine_.sources.release(source);
    return drop(*job.frame, DAM_DROP_half_open_limit, 0);
  }
  Flow& flow = take_flow(job, listener_slot, back);
  flow.source = source;
  flow.flags = admin ? DAM_FLOW_ADMIN : 0;
  flow.handshake = slot;
  handshakes_[slot].flow = index_of(flow);
  const Drop refused = admit_new(flow, job.hash);
  if (refused != DAM_DROP_none) {
    forget_new(flow);
    return drop(*job.frame, refused, 0);
  }
  begin_handshake(flow, packet.window, cookie, options);
  if (flow.state == DAM_FLOW_free) {  // a port route may refuse at once
    out_->dropped.add(*job.frame);
    return;
  }
  on_client_early(flow, job);
}

Flow& Worker::take_flow(const Job& job, uint16_t listener_slot, const NextHop& back) {
  const dam_packet& packet = job.packet;
  Flow& flow = flows_[free_flow_];
  free_flow_ = flow.next_free;
  if (free_flow_ != kNone) prefetch_flow(free_flow_);  // for the next connection
  const uint32_t epoch = flow.epoch + 1;
  flow = Flow{};
  flow.epoch = epoch;
  flow.client = packet.src;
  flow.client_port = packet.src_port;
  flow.listener_slot = listener_slot;
  flow.lists_seen = policy_->lists_digest;  // its source has been asked about
  flow.state = DAM_FLOW_hello;
  flow.last_seen = flow.opened = coarse(now_ns_);
  flow.client_isn = dam_seq_add(packet.seq, 0xffffffffu);
  flow.track.next[DAM_C2S] = packet.seq;  // nothing is held yet
  flow.cookie = dam_seq_add(packet.ack, 0xffffffffu);
  flow.neighbour[DAM_S2C] = back.neighbour;
  flow.out_interface[DAM_S2C] = static_cast<uint8_t>(back.interface);
  flow.family = packet.family;
  flow.rst_direction = 0xff;
  return flow;
}

// The buckets of the zone "front", and one source's share of those without a route.
Worker::Drop Worker::admit_new(Flow& flow, uint64_t hash) {
  const bool admin = (flow.flags & DAM_FLOW_ADMIN) != 0;
  const Drop refused = admin ? DAM_DROP_none : admit_connection(flow, policy_->zones[0]);
  if (refused == DAM_DROP_source_concurrent) return DAM_DROP_half_open_source;
  if (refused != DAM_DROP_none) return refused;
  const bool inserted = index_of_flows_.insert(hash, flow_ref(index_of(flow), DAM_C2S));
  return inserted ? DAM_DROP_none : DAM_DROP_flow_table_full;
}

void Worker::forget_new(Flow& flow) {
  uncount_concurrent(flow);
  if (flow.source != kNone) engine_.sources.release(flow.source);
  free_handshakes_.push_back(flow.handshake);
  flow.state = DAM_FLOW_free;
  flow.next_free = free_flow_;
  free_flow_ = index_of(flow);
}

void Worker::give_place(uint32_t index) {
  flows_[index].state = DAM_FLOW_free;
  flows_[index].next_free = ended_.first;
  ended_.first = index;
  if (ended_.last == kNone) ended_.last = index;
}

void Worker::let_places_rest() {
  if (resting_.first != kNone) {
    flows_[resting_.last].next_free = free_flow_;
    free_flow_ = resting_.first;
  }
  resting_ = std::exchange(ended_, {});
}

void Worker::begin_handshake(Flow& flow, uint16_t client_window, const Cookie& cookie,
                             const dam_tcp_options& options) {
  const uint32_t slot = flow.handshake;
  half_open_used_.fetch_add(1, std::memory_order_relaxed);
  flows_used_.fetch_add(1, std::memory_order_relaxed);
  Handshake& handshake = handshakes_[slot];
  handshake.begin();
  handshake.flow = index_of(flow);
  handshake.accepted_ns = now_ns_;
  handshake.client_window = client_window;  // a port route calls its server at once, with this
  handshake.client_mss = cookie.options.mss;
  handshake.client_wscale = cookie.options.wscale;
  handshake.sack = cookie.options.sack != 0;
  handshake.ecn = cookie.options.ecn != 0;
  handshake.clock_origin = cookie.clock_origin;
  handshake.timestamps = options.has_timestamps != 0;
  handshake.client_tsval = options.tsval;
  handshake.stage_deadline_ns = heard_ns_ + policy_->timeouts.hello_ns;
  handshake.retransmit_ns = kNeverNs;
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
