// SPDX-License-Identifier: BSD-3-Clause
// The burst, read top to bottom: stage after stage, each for all frames before the next begins.
// What a stage needs of memory, the one before has asked for, for all frames at once in a loop that
// does little else: a prefetch whose page is not in the TLB holds up what comes behind it, and only
// then do many such waits run side by side.
#include "dataplane/engine/worker.h"

#include <algorithm>
#include <utility>

#include "dataplane/core/checksum.h"
#include "dataplane/engine/packet_path.h"
#include "dataplane/engine/prefetch.h"

namespace dam {

namespace {

constexpr uint64_t kFlowTickNs = 1ull << 28;       // 268 ms; 4,096 slots reach 18 minutes
constexpr uint64_t kHandshakeTickNs = 1ull << 23;  // 8.4 ms; 1,024 slots reach 8.6 seconds

constexpr uint32_t kSweptSources = 64;  // each tick

uint32_t share_of(uint32_t total, uint32_t workers) { return (total + workers - 1) / workers; }

template <class T>
std::span<T> part_of(std::span<T> all, const EngineConfig& config, uint32_t worker) {
  const size_t each = all.size() / config.workers;
  return all.subspan(worker * each, each);
}

uint32_t flows_of_each(const Limits& limits, uint32_t workers) {
  return share_of(limits.flows + limits.half_open, workers);
}

BigArray<Flow> flows_of(const EngineConfig& config, uint32_t worker) {
  if (config.shared) return BigArray(part_of(config.shared.flows, config, worker));
  return BigArray<Flow>(flows_of_each(config.limits, config.workers));
}

BigArray<dam_requests> requests_of(const EngineConfig& config, uint32_t worker) {
  if (config.shared) return BigArray(part_of(config.shared.requests, config, worker));
  return BigArray<dam_requests>(flows_of_each(config.limits, config.workers));
}

BigArray<dam_fingerprint> fingerprints_of(const EngineConfig& config, uint32_t worker) {
  if (config.shared) return BigArray(part_of(config.shared.fingerprints, config, worker));
  return BigArray<dam_fingerprint>(flows_of_each(config.limits, config.workers));
}

FlowIndex index_for(const EngineConfig& config, uint32_t worker) {
  if (config.shared) return FlowIndex(part_of(config.shared.index, config, worker));
  return FlowIndex(2 * flows_of_each(config.limits, config.workers));
}

BigArray<dam_stray> strays_for(const EngineConfig& config, uint32_t worker) {
  if (config.shared) return BigArray(part_of(config.shared.strays, config, worker));
  return BigArray<dam_stray>(DAM_STRAYS);
}

}  // namespace

TableSizes table_sizes(const Limits& limits, uint32_t workers) {
  const uint32_t flows = flows_of_each(limits, workers);
  return {flows * workers, FlowIndex::buckets_for(2 * flows) * workers,
          SourceTable::buckets_for(limits.sources), DAM_STRAYS * workers};
}

Worker::Worker(Engine& engine, uint32_t index)
    : engine_(engine),
      index_(index),
      alone_(engine.config().workers == 1 && !engine.config().shared.with_kernel),
      counters_(&engine.config().counters->worker[index]),
      flows_(flows_of(engine.config(), index)),
      requests_(requests_of(engine.config(), index)),
      index_of_flows_(index_for(engine.config(), index)),
      flow_timers_(static_cast<uint32_t>(flows_.size()), kFlowTickNs, 4096),
      handshakes_(share_of(engine.config().limits.half_open, engine.config().workers)),
      handshake_timers_(static_cast<uint32_t>(handshakes_.size()), kHandshakeTickNs, 1024),
      hold_(share_of(engine.config().limits.hold_bytes /
                         (engine.config().limits.hello_bytes + kHoldExtraBytes),
                     engine.config().workers),
            engine.config().limits.hello_bytes + kHoldExtraBytes),
      scratch_(hello_scratch_bytes(engine.config().limits.hello_bytes + kHoldExtraBytes)),
      ja4_maker_({table_key_.base[0], table_key_.base[1]}),
      ja4s_(fingerprints_of(engine.config(), index)),
      strays_(strays_for(engine.config(), index)),
      probes_(DAM_MAX_SERVERS * 2) {
  dam_sight_begin(&sighting_, engine.config().hash_key, index);
  for (uint32_t i = engine.config().standing ? 0 : flow_capacity(); i > 0; --i) {
    flows_[i - 1].state = DAM_FLOW_free;
    flows_[i - 1].next_free = free_flow_;
    free_flow_ = i - 1;
  }
  for (uint32_t i = static_cast<uint32_t>(handshakes_.size()); i > 0; --i) {
    free_handshakes_.push_back(i - 1);
  }
  for (const Interface& interface : engine.config().interfaces) {
    LinkSide& side = sides_.emplace_back();
    std::memcpy(&side.mac, interface.mac.data(), interface.mac.size());
    side.mtu = interface.mtu;
    side.vlan = interface.vlan;
    side.port = interface.port;
    if (interface.host_path) host_mac_[interface.port] = side.mac;
  }
  for (uint32_t port = 0; port < untagged_.size(); ++port) {
    untagged_[port] = engine.neighbours.interface_of(static_cast<uint8_t>(port), DAM_VLAN_NONE);
  }
}

void Worker::begin(Output& output, uint64_t now_ns) {
  heard_ns_ += std::min(now_ns - now_ns_, kLongestSleepNs);
  now_ns_ = now_ns;
  out_ = &output;
  const Policy* policy = engine_.policy();
  if (policy != policy_ && policy != nullptr) {
    if (policy_ != nullptr) leave_replaced(*policy);
    policy_ = policy;
    if (adopted_) renew_flags();
    if (std::exchange(swept_for_, policy->lists_digest) != policy->lists_digest) {
      sweep_left_ = flow_capacity();
    }
    refresh_promises();
  }
  policy_seen_.store(policy, std::memory_order_release);
  listen_for_captures();
  const uint32_t generation = engine_.secret_generation();
  if (generation != secret_generation_) {
    secret_generation_ = generation;
    secrets_ = engine_.secrets();
  }
}

// On an interface's VLAN, and to its link address: a port may be promiscuous, and a VLAN separates.
// To all, too, what ARP and NDP need; but no segment, and no error about one.
[[gnu::always_inline]] inline bool Worker::is_addressed_here(Job& job) const {
  const Frame& frame = *job.frame;
  const bool tagged = job.packet.vlan != DAM_VLAN_NONE;
  job.interface =
      tagged ? engine_.neighbours.interface_of(frame.port, job.packet.vlan) : untagged_[frame.port];
  if (job.interface == NextHop::kNone) return false;
  if ((dam_load64(frame.data) & kMacMask) == side(job.interface).mac) return true;
  return (frame.data[0] & 1) != 0 && job.packet.kind != DAM_KIND_TCP && !is_icmp_error(job);
}

void Worker::poll(std::span<Frame> frames, Output& output, uint64_t now_ns) {
  begin(output, now_ns);
  if (policy_seen() == nullptr) {
    for (Frame& frame : frames) make_acquaintance(frame);
    out_ = nullptr;
    return;
  }
  const std::span<Job> jobs = std::span(jobs_).first(frames.size());
  for (const Frame& frame : frames) dam::prefetch(frame.data);
  for (size_t i = 0; i < frames.size(); ++i) parse(jobs[i], frames[i]);
  count_received(frames);
  if (lists_first_) screen(jobs);
  locate(jobs);
  if (!lists_first_) screen(jobs);
  look_ahead(jobs);
  if (capture_.snap_bytes != 0) [[unlikely]] {
    for (Job& job : jobs) handle_captured(job);
  } else {
    for (Job& job : jobs) handle(job);
  }
  handling_ = nullptr;
  out_ = nullptr;
}

void Worker::count_received(std::span<const Frame> frames) {
  uint64_t bytes = 0;
  for (const Frame& frame : frames) bytes += frame.bytes;
  counters_->rx_packets += frames.size();
  counters_->rx_bytes += bytes;
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
  job.refused = refused;
  if (refused == DAM_DROP_none || is_for_host(job)) return leave(job, DAM_DROP_no_policy);
  drop(frame, DAM_DROP_no_policy, 0);
}

void Worker::parse(Job& job, Frame& frame) const {
  job.frame = &frame;
  job.hash = 0;
  job.ref = job.flow_ref = job.handshake = kNone;
  job.denied = DAM_DROP_none;
  job.source_known = job.told = false;
  job.cookie_is = CookieIs::unread;
  job.refused = dam_parse(frame.data, frame.data + frame.bytes, &job.packet);
  if (job.refused != DAM_DROP_none) return;
  if (!is_addressed_here(job)) job.refused = DAM_DROP_not_ours;
}

// A segment of a connection that takes more than the straight way.
void Worker::handle_flow(Flow& flow, dam_direction direction, Job& job) {
  if (flow.state == DAM_FLOW_established) return on_control(flow, direction, job);
  if (flow.state == DAM_FLOW_deliver) return on_delivering(flow, direction, job);
  return direction == DAM_C2S ? on_client_early(flow, job) : on_server_early(flow, job);
}

// A TCP segment of no known flow.
void Worker::stranger(Job& job) {
  const dam_packet& packet = job.packet;
  const uint16_t slot = listener_of(packet);
  if (slot == Policy::kNoListener) {
    if (engine_.neighbours.is_own(packet.dst)) {
      if (on_probe_reply(job)) return;
      if (!has_host(job) || is_from_server(packet)) return reset_sender(job, DAM_DROP_no_flow);
    }
    return leave(job, DAM_DROP_not_ours);
  }
  if (job.ref != kNone) job.denied = why_denied(packet.src);  // it was taken for a flow's
  if (job.denied != DAM_DROP_none) return drop(*job.frame, job.denied, 0);
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
  if (is_icmp_error(job)) return on_icmp(job);
  if (engine_.neighbours.handle(*job.frame, job.packet, now_ns_, *out_)) {
    return count_drop(DAM_DROP_consumed, 0);
  }
  const bool ours =
      has_host(job) || (job.packet.family != 0 && engine_.neighbours.is_own(job.packet.dst));
  if (!ours && job.packet.kind != DAM_KIND_ARP && job.packet.kind != DAM_KIND_OTHER) {
    return drop(*job.frame, DAM_DROP_not_ours, 0);
  }
  to_host(job);
}

void Worker::tick(Output& output, uint64_t now_ns) {
  begin(output, now_ns);
  fill_up_sights();
  if (policy_seen() != nullptr) {
    let_places_rest();
    tell_left_ends();
    // Each timer may send two frames; the budget keeps within the spares of one call.
    handshake_timers_.advance(now_ns, kSpares / 4, [this](uint32_t id) { on_handshake_timer(id); });
    flow_timers_.advance(now_ns, flow_timer_budget(), [this](uint32_t id) { on_flow_timer(id); });
    end_wanted();
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
  if (policy->listener_slot(packet.dst, packet.dst_port) != Policy::kNoListener) {
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
