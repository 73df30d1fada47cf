// SPDX-License-Identifier: BSD-3-Clause
// The burst, read top to bottom, as a pipeline: while one frame is parsed, the lines that the
// frames before it need are on their way. The stages are interleaved because a core has few such
// fetches under way at once, and drops the prefetches of a loop that does nothing else.
#include "dataplane/engine/worker.h"

#include <algorithm>

#include "dataplane/core/checksum.h"
#include "dataplane/engine/prefetch.h"

namespace dam {

namespace {

constexpr uint64_t kFlowTickNs = 1ull << 28;       // 268 ms; 4,096 slots reach 18 minutes
constexpr uint64_t kHandshakeTickNs = 1ull << 23;  // 8.4 ms; 1,024 slots reach 8.6 seconds

constexpr uint32_t kSweptSources = 64;  // each tick

constexpr size_t kApart = 4;  // frames between two stages of the pipeline

uint32_t share_of(uint32_t total, uint32_t workers) { return (total + workers - 1) / workers; }

BigArray<Flow> flows_of(const EngineConfig& config) {
  if (config.shared) return BigArray(config.shared.flows);
  return BigArray<Flow>(share_of(config.limits.flows + config.limits.half_open, config.workers));
}

FlowIndex index_for(const EngineConfig& config) {
  if (config.shared) return FlowIndex(config.shared.index);
  return FlowIndex(2 * share_of(config.limits.flows + config.limits.half_open, config.workers));
}

BigArray<dam_stray> strays_for(const EngineConfig& config) {
  if (config.shared) return BigArray(config.shared.strays);
  return BigArray<dam_stray>(DAM_STRAYS);
}

}  // namespace

Worker::Worker(Engine& engine, uint32_t index)
    : engine_(engine),
      index_(index),
      alone_(engine.config().workers == 1 && !engine.config().shared),
      counters_(&engine.config().counters->worker[index]),
      flows_(flows_of(engine.config())),
      index_of_flows_(index_for(engine.config())),
      flow_timers_(static_cast<uint32_t>(flows_.size()), kFlowTickNs, 4096),
      handshakes_(share_of(engine.config().limits.half_open, engine.config().workers)),
      handshake_timers_(static_cast<uint32_t>(handshakes_.size()), kHandshakeTickNs, 1024),
      hold_(share_of(engine.config().limits.hold_bytes /
                         (engine.config().limits.hello_bytes + kHoldExtraBytes),
                     engine.config().workers),
            engine.config().limits.hello_bytes + kHoldExtraBytes),
      scratch_(hello_scratch_bytes(engine.config().limits.hello_bytes + kHoldExtraBytes)),
      strays_(strays_for(engine.config())),
      probes_(DAM_MAX_SERVERS * 2) {
  for (uint32_t i = engine.config().standing ? 0 : flow_capacity(); i > 0; --i) {
    flows_[i - 1].state = DAM_FLOW_free;
    flows_[i - 1].next_free = free_flow_;
    free_flow_ = i - 1;
  }
  for (uint32_t i = static_cast<uint32_t>(handshakes_.size()); i > 0; --i) {
    free_handshakes_.push_back(i - 1);
  }
  for (uint32_t port = 0; port < untagged_.size(); ++port) {
    untagged_[port] = engine.neighbours.interface_of(static_cast<uint8_t>(port), DAM_VLAN_NONE);
  }
}

void Worker::begin(Output& output, uint64_t now_ns) {
  now_ns_ = now_ns;
  out_ = &output;
  const Policy* policy = engine_.policy();
  if (policy != policy_ && policy != nullptr) {
    if (policy_ != nullptr) leave_replaced(*policy);
    policy_ = policy;
    sweep_at_ = 0;
    refresh_promises();
  }
  policy_seen_.store(policy, std::memory_order_release);
  const uint32_t generation = engine_.secret_generation();
  if (generation != secret_generation_) {
    secret_generation_ = generation;
    secrets_ = engine_.secrets();
  }
}

void Worker::poll(std::span<Frame> frames, Output& output, uint64_t now_ns) {
  begin(output, now_ns);
  if (policy_seen() == nullptr) {
    for (Frame& frame : frames) make_acquaintance(frame);
    out_ = nullptr;
    return;
  }
  // A frame is kApart steps from one stage to the next. An index below 0 wraps and is none.
  const size_t count = frames.size();
  for (size_t i = 0; i < std::min(kApart, count); ++i) dam::prefetch(frames[i].data);
  for (size_t step = 0; step < count + 3 * kApart; ++step) {
    if (const size_t i = step + kApart; i < count) dam::prefetch(frames[i].data);
    if (const size_t i = step; i < count) parse(jobs_[i], frames[i]);
    if (const size_t i = step - kApart; i < count) locate(jobs_[i]);
    if (const size_t i = step - 2 * kApart; i < count) look_ahead(jobs_[i]);
    if (const size_t i = step - 3 * kApart + 1; i < count && jobs_[i].source_known) {
      engine_.sources.prefetch_entry(jobs_[i].source);
    }
    if (const size_t i = step - 3 * kApart; i < count) handle(jobs_[i]);
  }
  out_ = nullptr;
}

// Before the first policy: the next hops answer what the first tick has asked them, and would not
// be asked again before a connection waits for them.
void Worker::make_acquaintance(Frame& frame) {
  Job job;
  job.frame = &frame;
  const Drop refused = dam_parse(frame.data, frame.data + frame.bytes, &job.packet);
  const bool known = refused == DAM_DROP_none && is_addressed_here(job) &&
                     engine_.neighbours.handle(frame, job.packet, now_ns_, *out_);
  if (known) return count_drop(DAM_DROP_consumed, 0);
  drop(frame, DAM_DROP_no_policy, 0);
}

void Worker::parse(Job& job, Frame& frame) {
  job.frame = &frame;
  ++counters_->rx_packets;
  counters_->rx_bytes += frame.bytes;
  job.refused = dam_parse(frame.data, frame.data + frame.bytes, &job.packet);
  job.hash = 0;
  job.source_known = false;
  const bool tcp = job.refused == DAM_DROP_none && job.packet.kind == DAM_KIND_TCP;
  const uint64_t hash = tcp ? hash_of_packet(job.packet) : 0;
  if (job.refused == DAM_DROP_none && !is_addressed_here(job)) job.refused = DAM_DROP_not_ours;
  if (job.refused != DAM_DROP_none || !tcp) return;
  job.hash = hash;
  index_of_flows_.prefetch(hash);
  policy_->deny.prefetch(job.packet.src);
}

// On an interface's VLAN, and to its link address (or to all, as ARP and NDP need): a port may be
// promiscuous, and a VLAN separates.
bool Worker::is_addressed_here(Job& job) const {
  const Frame& frame = *job.frame;
  const bool tagged = job.packet.vlan != DAM_VLAN_NONE;
  job.interface =
      tagged ? engine_.neighbours.interface_of(frame.port, job.packet.vlan) : untagged_[frame.port];
  if (job.interface == NextHop::kNone) return false;
  if ((frame.data[0] & 1) != 0) return job.packet.kind != DAM_KIND_TCP;
  const MacAddress& own = interface(static_cast<uint8_t>(job.interface)).mac;
  return std::memcmp(frame.data, own.data(), own.size()) == 0;
}

// The tag alone picks a candidate: whether it really is the packet's flow is checked by handle(),
// when its lines have arrived.
void Worker::locate(Job& job) {
  job.ref = job.hash == 0 ? kNone : index_of_flows_.first_candidate(job.hash);
  if (job.ref != kNone) return prefetch_flow(job.ref >> 1);
  if (job.hash != 0) policy_->deny.prefetch_rest(job.packet.src);
}

// What the packet will be charged to, or what it will be refused by.
void Worker::look_ahead(Job& job) const {
  job.looked_ahead = job.ref == kNone && job.hash != 0;
  if (job.looked_ahead) return look_ahead_stranger(job);
  if (job.ref == kNone) return;
  const uint32_t source = flows_[job.ref >> 1].source;
  if (source != kNone) engine_.sources.prefetch(source);
}

void Worker::look_ahead_stranger(Job& job) const {
  job.denied = is_denied(job.packet.src);
  job.source_known = !job.denied && may_open_flow(job);
  if (!job.source_known) return;
  job.source = front_key(job.packet.src);
  engine_.sources.prefetch(job.source);
}

bool Worker::is_denied(const dam_address& source) const {
  return policy_->deny.contains(source) && !policy_->allow.contains(source);
}

SourceKey Worker::front_key(const dam_address& source) const {
  const Zone& front = policy_->zones[0];
  return engine_.sources.key(source, 0, front.source_bits_v4, front.source_bits_v6);
}

void Worker::prefetch_flow(uint32_t index) const {
  const auto* flow = reinterpret_cast<const uint8_t*>(&flows_[index]);
  dam::prefetch(flow);
  dam::prefetch(flow + 64);
}

// A pure ACK may bring a cookie back.
bool Worker::may_open_flow(const Job& job) {
  constexpr uint8_t kOthers = DAM_TCP_SYN | DAM_TCP_RST;
  return (job.packet.tcp_flags & (DAM_TCP_ACK | kOthers)) == DAM_TCP_ACK;
}

void Worker::handle(Job& job) {
  if (job.refused != DAM_DROP_none) return drop(*job.frame, job.refused, 0);
  if (job.frame->checksum == RxChecksum::bad) return drop(*job.frame, DAM_DROP_bad_checksum, 0);
  if (job.packet.kind != DAM_KIND_TCP) return for_the_dam(job);
  // An earlier frame of this burst may have made or ended the flow: ask again unless it fits.
  const bool fits = job.ref != kNone && is_flow(job.ref, job.packet);
  const uint32_t ref = fits ? job.ref : find_flow(job.packet, job.hash);
  if (ref == kNone) return stranger(job);
  Flow& flow = flows_[ref >> 1];
  const auto direction = static_cast<dam_direction>(ref & 1);
  // The worlds stay apart: nobody speaks for a host of another link.
  if (job.interface != flow.out_interface[direction ^ 1]) {
    return drop(*job.frame, DAM_DROP_bad_source, flow.zone_slot);
  }
  constexpr uint8_t kControl = DAM_TCP_SYN | DAM_TCP_FIN | DAM_TCP_RST;
  if (flow.state == DAM_FLOW_established && (job.packet.tcp_flags & kControl) == 0 &&
      (flow.flags & DAM_FLOW_SLOW) == 0) [[likely]] {
    return splice(flow, direction, job);
  }
  if (flow.state == DAM_FLOW_established) return on_control(flow, direction, job);
  if (flow.state == DAM_FLOW_deliver) return on_delivering(flow, direction, job);
  return direction == DAM_C2S ? on_client_early(flow, job) : on_server_early(flow, job);
}

uint64_t Worker::hash_of_packet(const dam_packet& packet) const {
  const uint64_t* const key = engine_.config().hash_key;
  const dam_flow_key flow{packet.src, packet.dst, packet.src_port, packet.dst_port};
  if (packet.family != 4) return dam_flow_hash(key, &flow);
  return dam_flow_hash_v4(key, packet.src.word[3], packet.dst.word[3],
                          static_cast<uint32_t>(dam_flow_key_ports(&flow)));
}

uint64_t Worker::hash_of(const dam_packet& packet) const { return hash_of_packet(packet); }

bool Worker::is_flow(uint32_t ref, const dam_packet& packet) const {
  const Flow& flow = flows_[ref >> 1];
  if (flow.state == DAM_FLOW_free) return false;
  const Listener& listener = policy_->listeners[flow.listener_slot];
  if ((ref & 1) == DAM_C2S) {
    return dam_address_equal(&flow.client, &packet.src) &&
           flow.client_port.raw == packet.src_port.raw &&
           listener.port.raw == packet.dst_port.raw &&
           dam_address_equal(&listener.address, &packet.dst);
  }
  const Server& server = policy_->servers[flow.server_slot];
  return dam_ntoh16(packet.dst_port) == flow.source_port &&
         server.port.raw == packet.src_port.raw &&
         dam_address_equal(&server.address[flow.family == 6], &packet.src) &&
         dam_address_equal(&engine_.local_addresses[flow.local].address, &packet.dst);
}

uint32_t Worker::find_flow(const dam_packet& packet, uint64_t hash) const {
  return index_of_flows_.find(hash, [&](uint32_t ref) { return is_flow(ref, packet); });
}

// A TCP segment of no known flow.
void Worker::stranger(Job& job) {
  const dam_packet& packet = job.packet;
  uint16_t slot = 0;
  const Listener* listener = listener_of(packet, slot);
  if (listener == nullptr) {
    if (engine_.neighbours.is_own(packet.dst)) {
      if (on_probe_reply(job)) return;
      return reset_sender(job, DAM_DROP_no_flow);
    }
    return drop(*job.frame, DAM_DROP_not_ours, 0);
  }
  if (job.looked_ahead ? job.denied : is_denied(packet.src)) {
    return drop(*job.frame, DAM_DROP_denied, 0);
  }
  if (banned_everywhere(packet.src, slot)) return drop(*job.frame, DAM_DROP_banned, 0);
  const uint8_t flags = packet.tcp_flags;
  if ((flags & (DAM_TCP_SYN | DAM_TCP_ACK | DAM_TCP_RST | DAM_TCP_FIN)) == DAM_TCP_SYN) {
    return on_syn(job, slot);
  }
  if ((flags & (DAM_TCP_SYN | DAM_TCP_ACK | DAM_TCP_RST)) == DAM_TCP_ACK)
    return on_cookie(job, slot);
  drop(*job.frame, (flags & DAM_TCP_RST) != 0 ? DAM_DROP_no_flow : DAM_DROP_bad_flags, 0);
}

// ARP, ICMP and everything else that is not TCP.
void Worker::for_the_dam(Job& job) {
  if (job.packet.kind == DAM_KIND_ICMP && is_icmp_error(job)) return on_icmp(job);
  if (engine_.neighbours.handle(*job.frame, job.packet, now_ns_, *out_)) {
    return count_drop(DAM_DROP_consumed, 0);
  }
  const bool ours = job.packet.family != 0 && engine_.neighbours.is_own(job.packet.dst);
  if (!ours && job.packet.kind != DAM_KIND_ARP && job.packet.kind != DAM_KIND_OTHER) {
    return drop(*job.frame, DAM_DROP_not_ours, 0);
  }
  ++counters_->host_packets;
  out_->host.add(*job.frame);
}

void Worker::tick(Output& output, uint64_t now_ns) {
  begin(output, now_ns);
  if (policy_seen() != nullptr) {
    // Each timer may send two frames; the budget keeps within the spares of one call.
    handshake_timers_.advance(now_ns, kSpares / 4, [this](uint32_t id) { on_handshake_timer(id); });
    flow_timers_.advance(now_ns, flow_timer_budget(), [this](uint32_t id) { on_flow_timer(id); });
    sweep_denied();
    refresh_promises();
    if (index_ == 0) probe_servers();
  }
  if (index_ == 0) {
    engine_.neighbours.tick(now_ns, output);
    engine_.sources.sweep(index_, now_ns, kSweptSources);
  }
  out_ = nullptr;
}

uint32_t Worker::owner_of(const Frame& frame) const {
  const EngineConfig& config = engine_.config();
  const Policy* policy = engine_.policy();
  dam_packet packet;
  if (config.workers == 1 || policy == nullptr ||
      dam_parse(frame.data, frame.data + frame.bytes, &packet) != DAM_DROP_none) {
    return index_;
  }
  const bool icmp = packet.kind == DAM_KIND_ICMP;
  if (icmp && !turn_to_quoted(frame, packet)) return index_;
  if (packet.kind != DAM_KIND_TCP) return index_;
  const uint16_t port = dam_ntoh16(packet.dst_port);
  if (config.reply_worker) {  // the NIC has spread them: only what an ICMP error is about lies
                              // elsewhere
    return icmp ? config.reply_worker(packet.src, packet.src_port, packet.dst, port) : index_;
  }
  uint16_t slot = 0;
  if (listener_at(*policy, packet, slot) != nullptr) {
    return static_cast<uint32_t>(hash_of(packet) >> 32) % config.workers;
  }
  return port % config.workers;
}

// An ICMP error belongs to the flow of the packet that it quotes, which travelled the other way.
bool Worker::turn_to_quoted(const Frame& frame, dam_packet& packet) {
  dam_packet quoted;
  if (dam_parse_embedded(frame.data + packet.l4 + 8, frame.data + packet.end, &quoted) !=
      DAM_DROP_none) {
    return false;
  }
  packet.src = quoted.dst;
  packet.dst = quoted.src;
  packet.src_port = quoted.dst_port;
  packet.dst_port = quoted.src_port;
  packet.kind = quoted.kind;
  return true;
}

}  // namespace dam
