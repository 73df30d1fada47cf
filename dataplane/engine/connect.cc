// SPDX-License-Identifier: BSD-3-Clause
// The server's side of the handshake: choose it, call it, and install the splice when it answers.
#include <algorithm>
#include <cmath>

#include "dataplane/core/siphash.h"
#include "dataplane/engine/packet_path.h"

namespace dam {

namespace {

constexpr uint64_t kFirstSynRetryNs = 200'000'000;
constexpr uint64_t kFirstDeliverRetryNs = 200'000'000;
constexpr uint64_t kDeliverLimitNs = 30'000'000'000;

uint16_t scaled_window(uint32_t field, uint8_t in, uint8_t out) {
  return static_cast<uint16_t>(std::min<uint32_t>(field << in >> out, 65535));
}

uint8_t shift_of(uint8_t wscale) { return wscale == kNoWscale ? 0 : wscale; }

// Weighted rendezvous hashing (Thaler and Ravishankar, 1998): a client keeps its server while the
// others come and go.
double score(const uint64_t key[2], const dam_address& client, uint16_t slot, uint16_t weight) {
  uint64_t words[3];
  __builtin_memcpy(words, &client, sizeof client);
  words[2] = slot;
  const uint64_t hash = dam_siphash13(key, words, 3);
  const double unit = (static_cast<double>(hash >> 11) + 0.5) / 9007199254740992.0;  // 2^53
  return -static_cast<double>(weight) / std::log(unit);
}

}  // namespace

bool Worker::takes_new(uint16_t server_slot) const {
  const ServerStatus& status = engine_.servers[server_slot];
  return status.up.load(std::memory_order_relaxed) != 0 &&
         !ServerOrder::unpack(status.order.load(std::memory_order_relaxed)).closed;
}

uint16_t Worker::weight_of(uint16_t server_slot) const {
  const uint32_t word = engine_.servers[server_slot].order.load(std::memory_order_relaxed);
  const uint16_t ordered = ServerOrder::unpack(word).weight;
  return ordered != 0 ? ordered : policy_->servers[server_slot].weight;
}

void Worker::choose_candidates(const Flow& flow, Handshake& handshake, const Route& route) const {
  std::array<double, 4> scores{};
  const size_t pool = handshake.candidates.size() - 1;  // the last place is the fallback's
  handshake.candidate_count = 0;
  for (const uint16_t slot : route.server_slots) {
    if (!takes_new(slot)) continue;
    double value = score(engine_.config().hash_key, flow.client, slot, weight_of(slot));
    uint16_t carried = slot;
    for (size_t i = 0; i < pool; ++i) {  // insertion into the few best
      if (i == handshake.candidate_count) {
        scores[i] = value;
        handshake.candidates[i] = carried;
        ++handshake.candidate_count;
        break;
      }
      if (value > scores[i]) {
        std::swap(value, scores[i]);
        std::swap(carried, handshake.candidates[i]);
      }
    }
  }
  if (route.fallback_slot < 0) return;
  const auto fallback = static_cast<uint16_t>(route.fallback_slot);
  if (takes_new(fallback)) handshake.candidates[handshake.candidate_count++] = fallback;
}

void Worker::connect(Flow& flow, Handshake& handshake) {
  flow.state = DAM_FLOW_connect;
  if (handshake.next_candidate >= handshake.candidate_count) {
    return refuse(flow,
                  handshake.candidate_count == 0 ? DAM_DROP_server_down : DAM_DROP_server_refused,
                  true);
  }
  const uint16_t slot = handshake.candidates[handshake.next_candidate++];
  if (!bind_source_port(flow, slot)) return refuse(flow, DAM_DROP_no_source_port, true);
  ++counters_->servers[slot].connections_opened;
  start_clocks(flow, handshake);
  handshake.called_ns = now_ns_;
  handshake.retransmit_after_ns = kFirstSynRetryNs;
  handshake.stage_deadline_ns = heard_ns_ + policy_->timeouts.connect_ns;
  send_syn(flow, handshake);
}

// ISN after RFC 6528 (a 64 ns clock, an offset of its own for each 4-tuple), and a TSval that moves
// forward likewise: a server in TIME-WAIT then takes a port that comes back (RFC 6191).
void Worker::start_clocks(Flow& flow, Handshake& handshake) const {
  const dam_flow_key key = server_side(flow);
  const uint64_t hash = dam_flow_siphash(engine_.config().hash_key, &key);
  handshake.iss = dam_seq_of(static_cast<uint32_t>(hash) + static_cast<uint32_t>(now_ns_ >> 6));
  const auto clock = static_cast<uint32_t>(hash >> 32) + static_cast<uint32_t>(now_ns_ / 1'000'000);
  flow.splice.ts_delta[DAM_C2S] = clock - handshake.client_tsval;
}

Segment Worker::addressed(const Flow& flow, dam_direction direction, uint8_t flags) const {
  const dam_rewrite to = rewrite_of(flow, direction);
  Segment segment;
  segment.src = to.src;
  segment.dst = to.dst;
  segment.src_port = to.src_port;
  segment.dst_port = to.dst_port;
  segment.flags = flags;
  return segment;
}

Segment Worker::to_server(const Flow& flow, uint8_t flags) const {
  Segment segment = addressed(flow, DAM_C2S, flags);
  if (flow.handshake == kNone) return segment;
  const Handshake& handshake = handshakes_[flow.handshake];
  segment.timestamps = handshake.timestamps;
  segment.tsval = handshake.client_tsval + flow.splice.ts_delta[DAM_C2S];
  segment.tsecr = handshake.server_tsval;
  return segment;
}

Segment Worker::to_client(const Flow& flow, uint8_t flags) const {
  Segment segment = addressed(flow, DAM_S2C, flags);
  if (flow.handshake == kNone) return segment;
  segment.seq = dam_seq_add(flow.cookie, 1);
  segment.ack = dam_seq_add(flow.client_isn, 1 + handshakes_[flow.handshake].held_bytes);
  return segment;
}

void Worker::send_syn(Flow& flow, Handshake& handshake) {
  const bool ecn = handshake.ecn;
  Segment syn =
      to_server(flow, static_cast<uint8_t>(DAM_TCP_SYN | (ecn ? DAM_TCP_ECE | DAM_TCP_CWR : 0)));
  syn.seq = handshake.iss;
  syn.mss = std::min(handshake.client_mss, mss_of(flow.out_interface[DAM_S2C], flow.family));
  syn.wscale = handshake.client_wscale;
  syn.sack_permitted = handshake.sack;
  syn.tsecr = 0;
  syn.window = scaled_window(handshake.client_window, shift_of(handshake.client_wscale), 0);
  originate(syn, hop(flow, DAM_C2S), (flow.flags & DAM_FLOW_MANAGEMENT) != 0);
  handshake.retransmit_ns = heard_ns_ + handshake.retransmit_after_ns;
  handshake.retransmit_after_ns *= 2;
  schedule_handshake(flow.handshake);
}

// A segment from the server before the splice stands.
void Worker::on_server_early(Flow& flow, Job& job) {
  const dam_packet& packet = job.packet;
  Handshake& handshake = handshake_of(flow);
  if (!checksum_holds(job)) return drop(*job.frame, DAM_DROP_bad_checksum, flow.zone_slot);
  const bool acknowledges =
      (packet.tcp_flags & DAM_TCP_ACK) != 0 && packet.ack.value == handshake.iss.value + 1;
  if ((packet.tcp_flags & DAM_TCP_RST) != 0) {
    drop(*job.frame, acknowledges ? DAM_DROP_consumed : DAM_DROP_out_of_window, flow.zone_slot);
    if (acknowledges) server_failed(flow, handshake, DAM_DROP_server_refused);
    return;
  }
  constexpr uint8_t kSynAck = DAM_TCP_SYN | DAM_TCP_ACK;
  if (!acknowledges || (packet.tcp_flags & (kSynAck | DAM_TCP_FIN)) != kSynAck) {
    // A server that still remembers the port (TIME-WAIT): the RST makes it forget; then once more.
    handshake.retransmit_ns = std::min(handshake.retransmit_ns, heard_ns_ + 20'000'000);
    schedule_handshake(flow.handshake);
    const bool management = (flow.flags & DAM_FLOW_MANAGEMENT) != 0;
    return reset_sender(job, DAM_DROP_consumed,
                        management ? ResetTo::management : ResetTo::service);
  }
  dam_tcp_options options;
  const Frame& frame = *job.frame;
  const Drop bad = dam_parse_tcp_options(frame.data, frame.data + frame.bytes, &packet, &options);
  drop(*job.frame, bad == DAM_DROP_none ? DAM_DROP_consumed : bad, flow.zone_slot);
  if (bad == DAM_DROP_none) on_syn_ack(flow, handshake, job, options);
}

void Worker::on_syn_ack(Flow& flow, Handshake& handshake, Job& job,
                        const dam_tcp_options& options) {
  const dam_packet& packet = job.packet;
  ServerStatus& status = engine_.servers[flow.server_slot];
  status.failures.store(0, std::memory_order_relaxed);
  status.up.store(1, std::memory_order_relaxed);
  if (handshake.timestamps && !options.has_timestamps) {
    // The client's segments all carry the option, and the server's none: that cannot be translated.
    LearnedOptions learned = LearnedOptions::unpack(status.learned.load(std::memory_order_relaxed));
    learned.timestamps = false;
    status.learned.store(learned.pack(), std::memory_order_relaxed);
    return refuse(flow, DAM_DROP_server_options, true);
  }
  const Refusal too_many = read_held_requests(flow, handshake);
  if (too_many.reason != DAM_DROP_none) return refuse(flow, too_many, true);
  observe_connect_time(*counters_, (now_ns_ - handshake.called_ns) / kNsOfMicrosecond);
  handshake.server_isn = packet.seq;
  handshake.server_mss = std::max(options.mss, kLeastMss);
  handshake.server_tsval = options.tsval;
  handshake.server_window = packet.window;  // a SYN's window is never scaled
  handshake.server_wscale = options.wscale;
  write_header(flow, handshake);
  install_splice(flow, handshake, packet, options);
  handshake.retransmit_after_ns = kFirstDeliverRetryNs;
  handshake.stage_deadline_ns = heard_ns_ + kDeliverLimitNs;
  deliver(flow, handshake, true);
}

void Worker::install_splice(Flow& flow, Handshake& handshake, const dam_packet& packet,
                            const dam_tcp_options& options) {
  dam_splice& splice = flow.splice;
  const dam_seq after_header = dam_seq_add(handshake.iss, handshake.header_bytes);
  splice.seq_delta[DAM_C2S] = dam_seq_difference(after_header, flow.client_isn);
  splice.seq_delta[DAM_S2C] = dam_seq_difference(flow.cookie, packet.seq);
  splice.ts_delta[DAM_S2C] = client_clock(handshake.clock_origin) - options.tsval;
  splice.ack_floor = dam_seq_add(flow.client_isn, 1 + handshake.held_bytes);
  const bool client_scales = handshake.client_wscale != kNoWscale;
  const bool server_scales = client_scales && options.wscale != kNoWscale;
  splice.window_shift_in[DAM_C2S] = shift_of(handshake.client_wscale);
  splice.window_shift_out[DAM_C2S] = server_scales ? shift_of(handshake.client_wscale) : uint8_t{0};
  splice.window_shift_in[DAM_S2C] = server_scales ? options.wscale : uint8_t{0};
  splice.window_shift_out[DAM_S2C] = client_scales ? kPromisedWscale : uint8_t{0};
  splice.flags = handshake.timestamps ? DAM_SPLICE_TIMESTAMPS : 0;
  if (handshake.ecn && (packet.tcp_flags & DAM_TCP_ECE) == 0) splice.flags |= DAM_SPLICE_CLEAR_ECN;
  handshake.islands = {};  // never acknowledged: the client sends these again
  flow.track.next[DAM_C2S] = splice.ack_floor;
  flow.track.next[DAM_S2C] = dam_seq_add(packet.seq, 1);
  flow.track.acked[DAM_C2S] = dam_seq_add(flow.cookie, 1);
  flow.track.acked[DAM_S2C] = dam_seq_add(handshake.iss, 1);
  flow.state = DAM_FLOW_deliver;
  flow_timers_.schedule(index_of(flow), now_ns_ + policy_->timeouts.idle_ns);
}

void Worker::write_header(const Flow& flow, Handshake& handshake) const {
  const Server& server = policy_->servers[flow.server_slot];
  const Listener& listener = policy_->listeners[flow.listener_slot];
  handshake.header_bytes = 0;
  if (server.proxy == ProxyVersion::none) return;
  ProxyHeaderInput input;
  input.client = flow.client;
  input.local = listener.address;
  input.client_port = flow.client_port;
  input.local_port = listener.port;
  input.alpn = handshake.first_alpn();
  input.authority = handshake.server_name();
  // Unique for the life of this process: who, which, and when. Hashed, since servers know the time:
  // the key must not be read from it. Three words, as no flow's hash has.
  const uint64_t who = FlowId{index_, index_of(flow), flow.epoch}.number();
  const uint64_t when[3] = {now_ns_, who, 0};
  const uint64_t words[2] = {dam_siphash13(engine_.config().hash_key, when, 3), who};
  std::memcpy(input.unique_id.data(), words, sizeof words);
  input.tlvs = server.tlvs;
  const std::span<uint8_t, kProxyHeaderBytes> out(handshake.header);
  handshake.header_bytes = static_cast<uint16_t>(
      server.proxy == ProxyVersion::v1 ? write_proxy_v1(out, input) : write_proxy_v2(out, input));
  handshake.sent_bytes = 0;
  handshake.acked_bytes = 0;
}

void Worker::server_failed(Flow& flow, Handshake& handshake, Drop reason) {
  ++counters_->servers[flow.server_slot].connect_failures;
  note_probe(engine_.servers[flow.server_slot], false);
  unbind_source_port(flow);
  if (handshake.next_candidate >= handshake.candidate_count) return refuse(flow, reason, true);
  connect(flow, handshake);
}

}  // namespace dam
