// SPDX-License-Identifier: BSD-3-Clause
// Client bytes that wait: received in order, acknowledged, read until they say where to go.
#include "dataplane/engine/client_hello.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "dataplane/engine/http_head.h"
#include "dataplane/engine/packet_path.h"

namespace dam {

namespace {

dam_alpn alpn_of(std::string_view name) {
  if (name.empty()) return DAM_ALPN_none;
#define X(alpn, text) \
  if (name == (text)) return DAM_ALPN_##alpn;
  DAM_ALPNS(X)
#undef X
  return DAM_ALPN_other;
}

}  // namespace

// A client's segment before its server has answered (states hello and connect).
void Worker::on_client_early(Flow& flow, Job& job) {
  const dam_packet& packet = job.packet;
  if ((packet.tcp_flags & DAM_TCP_SYN) != 0) {
    grant_cookie_tries(flow);
    return on_syn(job, flow.listener_slot);
  }
  if (!checksum_holds(job)) return drop(*job.frame, DAM_DROP_bad_checksum, flow.zone_slot);
  Handshake& handshake = handshake_of(flow);
  const dam_seq expected = dam_seq_add(flow.client_isn, 1 + handshake.held_bytes);
  if ((packet.tcp_flags & DAM_TCP_RST) != 0) {
    if (packet.seq.value != expected.value) {
      return drop(*job.frame, DAM_DROP_out_of_window, flow.zone_slot);
    }
    drop(*job.frame, DAM_DROP_closed, flow.zone_slot);
    reset_server(flow);
    flow.last_seen = coarse(now_ns_);
    return release(flow, DAM_END_client_reset);
  }
  if ((packet.tcp_flags & DAM_TCP_ACK) == 0) {
    return drop(*job.frame, DAM_DROP_bad_flags, flow.zone_slot);
  }
  if (packet.ack.value != flow.cookie.value + 1) {
    if (replaced_by_new_cookie(flow, job)) return;
    return drop(*job.frame, DAM_DROP_out_of_window, flow.zone_slot);
  }
  flow.last_seen = coarse(now_ns_);
  handshake.client_window = packet.window;
  // A FIN is not acknowledged here: the client sends it again when the server is there to read it.
  if (packet.payload_bytes == 0) return drop(*job.frame, DAM_DROP_consumed, flow.zone_slot);
  take_bytes(flow, handshake, job);
}

// A buffer for the connection's bytes; when none is left, the oldest connection that still has no
// route gives its own up.
bool Worker::take_hold(const Flow& flow, Handshake& handshake) {
  if (handshake.hold != kNone) return true;
  const bool service = is_service(flow);
  if (service && service_holds_ >= service_share(hold_.capacity())) return false;
  handshake.hold = hold_.take();
  for (uint32_t at = waiting_first_; handshake.hold == kNone && at != kNone;) {
    const Handshake& oldest = handshakes_[at];
    at = oldest.next;
    if (oldest.hold == kNone || &oldest == &handshake) continue;
    refuse(flows_[oldest.flow], DAM_DROP_hold_full, true);
    handshake.hold = hold_.take();
  }
  if (service && handshake.hold != kNone) ++service_holds_;
  return handshake.hold != kNone;
}

void Worker::take_bytes(Flow& flow, Handshake& handshake, Job& job) {
  const dam_packet& packet = job.packet;
  Frame& frame = *job.frame;
  if (!take_hold(flow, handshake)) return drop(frame, DAM_DROP_hold_full, flow.zone_slot);
  std::span<const uint8_t> bytes(frame.data + packet.payload, packet.payload_bytes);
  int32_t offset = dam_seq_distance(dam_seq_add(flow.client_isn, 1), packet.seq);
  if (offset < 0) {
    const auto known = static_cast<size_t>(-static_cast<int64_t>(offset));
    bytes = bytes.subspan(std::min(known, bytes.size()));
    offset = 0;
  }
  const uint32_t before = handshake.held_bytes;
  const std::span<uint8_t> buffer(hold_.data(handshake.hold), hold_.buffer_bytes());
  const bool fresh = hold_bytes(handshake, buffer, static_cast<uint64_t>(offset), bytes);
  // For a dataplane after this one, which has the flow and not the handshake.
  flow.track.next[DAM_C2S] = dam_seq_add(flow.client_isn, 1 + handshake.held_bytes);
  if (fresh && handshake.timestamps) note_client_clock(handshake, job);
  count_drop(fresh ? DAM_DROP_consumed : DAM_DROP_held_duplicate, flow.zone_slot);
  acknowledge_client(flow, handshake, job);
  if (flow.state == DAM_FLOW_hello && handshake.held_bytes > before) read_hello(flow, handshake);
}

// Forward alone, however segments overtake each other: the server has seen the furthest with the
// SYN, and takes what is older for an old duplicate (RFC 7323 5.3).
void Worker::note_client_clock(Handshake& handshake, const Job& job) {
  const Frame& frame = *job.frame;
  dam_tcp_options options;
  const Drop bad =
      dam_parse_tcp_options(frame.data, frame.data + frame.bytes, &job.packet, &options);
  if (bad != DAM_DROP_none || !options.has_timestamps) return;
  if (static_cast<int32_t>(options.tsval - handshake.client_tsval) > 0) {
    handshake.client_tsval = options.tsval;
  }
}

void Worker::acknowledge_client(const Flow& flow, const Handshake& handshake, Job& job) {
  Segment ack = to_client(flow, DAM_TCP_ACK);
  const uint32_t room = hold_.buffer_bytes() - handshake.held_bytes;
  const bool scaled = handshake.client_wscale != kNoWscale;
  ack.window =
      static_cast<uint16_t>(std::min<uint32_t>(scaled ? room >> kPromisedWscale : room, 65535));
  ack.timestamps = handshake.timestamps;
  ack.tsval = client_clock(handshake.clock_origin);
  ack.tsecr = handshake.client_tsval;
  answer(*job.frame, ack, hop(flow, DAM_S2C), (flow.flags & DAM_FLOW_MANAGEMENT) != 0);
}

void Worker::read_hello(Flow& flow, Handshake& handshake) {
  if (handshake.held_bytes < handshake.need_bytes) return;
  const std::span<const uint8_t> bytes(hold_.data(handshake.hold), handshake.held_bytes);
  const Listener& listener = policy_->listeners[flow.listener_slot];
  if (listener.protocol == Protocol::http) return read_http(flow, handshake, bytes);
  ClientHello hello;
  const HelloStatus status =
      parse_client_hello(bytes, scratch_, engine_.config().limits.hello_bytes, hello);
  handshake.need_bytes = hello.need_bytes;
  if (status == HelloStatus::incomplete) return;
  if (status != HelloStatus::complete) return hello_refused(flow, status);
  RouteQuery query;
  query.listener_group = listener.group;
  query.server_name = hello.server_name;
  query.alpn_wire = hello.alpn_wire;
  query.ja4 = handshake.ja4 = ja4_maker_.make(hello);
  query.source = flow.client;
  handshake.set_name(hello.server_name);
  handshake.set_alpn(hello.alpn_wire);
  if (!hellos_.push(handshake.ja4)) count_lost(sights_lost_);
  count_hello(hello, handshake.first_alpn());
  route(flow, handshake, query);
}

void Worker::count_hello(const ClientHello& hello, std::string_view alpn) {
  observe_hello_size(*counters_, hello.wire_bytes);
  ++counters_->hello_versions[hello.best_version];
  ++counters_->hello_alpns[alpn_of(alpn)];
}

void Worker::read_http(Flow& flow, Handshake& handshake, std::span<const uint8_t> bytes) {
  HttpHead head;
  const HelloStatus status = parse_http_head(bytes, scratch_, engine_.config().limits.hello_bytes,
                                             handshake.seen_bytes, head);
  handshake.seen_bytes = handshake.held_bytes;
  handshake.need_bytes = head.need_bytes;
  if (status == HelloStatus::incomplete) return;
  if (status != HelloStatus::complete) return hello_refused(flow, status);
  RouteQuery query;
  query.listener_group = policy_->listeners[flow.listener_slot].group;
  query.server_name = head.host;
  query.path = head.path;
  query.source = flow.client;
  handshake.head_bytes = head.head_bytes;
  handshake.set_name(head.host);
  route(flow, handshake, query);
}

void Worker::hello_refused(Flow& flow, HelloStatus status) {
  refuse(flow, status == HelloStatus::too_long ? DAM_DROP_hello_too_long : DAM_DROP_hello_malformed,
         true);
}

void Worker::route(Flow& flow, Handshake& handshake, const RouteQuery& query) {
  const int32_t found = policy_->router.route(query);
  if (found < 0) {
    const Drop reason =
        found == Router::kNoServerName ? DAM_DROP_no_server_name : DAM_DROP_no_route;
    return refuse(flow, reason, true);
  }
  const Route& chosen = policy_->routes[static_cast<size_t>(found)];
  if (policy_->listeners[flow.listener_slot].protocol != Protocol::tcp) {
    observe_hello_time(*counters_, (now_ns_ - handshake.accepted_ns) / kNsOfMicrosecond);
  }
  unlink_waiting(handshake);
  const Drop refused = enter_zone(flow, chosen);
  if (refused != DAM_DROP_none)
    return refuse(flow, refused, tells_client(flow, {refused, flow.zone_slot}));
  const Refusal too_many = follow_requests(flow, handshake, query);
  if (too_many.reason != DAM_DROP_none) {
    return refuse(flow, too_many, tells_client(flow, too_many));
  }
  choose_candidates(flow, handshake, chosen);
  note_ja4(flow, handshake.ja4);
  connect(flow, handshake);
}

// What of a table service zones may fill: the rest is kept for management (rule 4).
uint32_t Worker::service_share(uint32_t capacity) const {
  const uint64_t reserve = uint64_t{capacity} * policy_->limits.management_share_percent;
  return capacity - static_cast<uint32_t>((reserve + 99) / 100);
}

bool Worker::is_service(const Flow& flow) {
  return (flow.flags & (DAM_FLOW_ROUTED | DAM_FLOW_MANAGEMENT)) == DAM_FLOW_ROUTED;
}

// Whom the zone takes for one source. A fingerprint stands where an address would; of address and
// fingerprint a digest does, since both do not fit. Neither looks like a mapped IPv4 address.
SourceKey Worker::source_in(uint8_t zone_slot, const dam_address& client, const Ja4& ja4) const {
  const Zone& zone = policy_->zones[zone_slot];
  const SourceTable& sources = engine_.sources;
  const SourceKey by_address =
      sources.key(client, zone_slot, zone.source_bits_v4, zone.source_bits_v6);
  if (zone.key == ZoneKey::source || !ja4.known()) return by_address;
  dam_address name = std::bit_cast<dam_address>(ja4);
  if (zone.key == ZoneKey::source_ja4) {
    std::array<uint64_t, 5> words{};
    std::memcpy(words.data(), &by_address.prefix, sizeof by_address.prefix);
    std::memcpy(&words[2], &ja4, sizeof ja4);
    for (uint32_t half = 0; half < 2; ++half) {
      words[4] = half;
      const uint64_t digest = dam_siphash24(engine_.config().hash_key, words.data(), words.size());
      std::memcpy(&name.word[2 * half], &digest, sizeof digest);
    }
    name.word[0] |= 1;
  }
  return sources.key(name, zone_slot, 32, 128);
}

// Leaves "front" for the route's zone: its share of the tables, its buckets.
dam_drop_reason Worker::enter_zone(Flow& flow, const Route& route) {
  const bool holds = handshake_of(flow).hold != kNone;
  uncount_concurrent(flow);
  if (flow.source != kNone) engine_.sources.release(flow.source);
  const Zone& zone = policy_->zones[route.zone_slot];
  flow.zone_slot = route.zone_slot;
  flow.source = kNone;
  if (!zone.management && is_of_banned_kind(flow)) return DAM_DROP_banned_fingerprint;
  const SourceKey source = source_in(route.zone_slot, flow.client, handshake_of(flow).ja4);
  flow.source = engine_.sources.acquire(index_, source, now_ns_);
  const Limits& limits = engine_.config().limits;
  const uint32_t workers = engine_.config().workers;
  const uint32_t flows = (limits.flows + workers - 1) / workers;
  if (zone.management) {
    flow.flags |= DAM_FLOW_MANAGEMENT;
    if (routed_flows_ >= flows) return DAM_DROP_flow_table_full;
  } else {
    if (flow.source == kNone) return DAM_DROP_source_table_full;
    if (service_flows_ >= service_share(flows) || routed_flows_ >= flows) {
      return DAM_DROP_flow_table_full;
    }
    const auto half_open = static_cast<uint32_t>(handshakes_.size());
    if (service_connecting_ >= service_share(half_open)) return DAM_DROP_half_open_limit;
    if (holds && service_holds_ >= service_share(hold_.capacity())) return DAM_DROP_hold_full;
  }
  const Drop refused = admit_connection(flow, zone);
  if (refused != DAM_DROP_none) return refused;
  flow.flags |= DAM_FLOW_ROUTED;
  ++routed_flows_;
  if (!zone.management) {
    ++service_flows_;
    ++service_connecting_;
    service_holds_ += holds ? 1 : 0;
  }
  ++zone_counters(flow.zone_slot).connections_opened;
  tell_opened(flow);
  return DAM_DROP_none;
}

// Is a client that a zone refuses told so? Who was banned is not. Who only has the SYN-ACK tries
// again by itself, and finds room; but bytes that the dam has acknowledged are never sent again:
// their connection would hang.
bool Worker::tells_client(const Flow& flow, Refusal refused) const {
  const Drop reason = refused.reason;
  const Exceeded exceeded = policy_->zones[refused.zone_slot].exceeded;
  if (exceeded == Exceeded::reset || reason == DAM_DROP_flow_table_full ||
      reason == DAM_DROP_half_open_limit || reason == DAM_DROP_hold_full) {
    return true;
  }
  return !is_banned_in(flow, refused.zone_slot) && handshakes_[flow.handshake].held_bytes > 0;
}

void Worker::refuse(Flow& flow, Drop reason, bool reset) {
  refuse(flow, Refusal{reason, flow.zone_slot}, reset);
}

void Worker::refuse(Flow& flow, Refusal refused, bool reset) {
  count_drop(refused.reason, refused.zone_slot);
  name_refused(flow, refused.reason);
  tell_refused(flow, refused);
  reset_server(flow);
  if (reset) reset_client(flow);
  release(flow, DAM_END_refused, refused.reason);
}

}  // namespace dam
