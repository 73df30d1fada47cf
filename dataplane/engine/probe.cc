// SPDX-License-Identifier: BSD-3-Clause
// Worker 0 asks each server now and then, with a SYN of its own, whether it listens and which TCP
// options it holds; the answer is reset, so that the server's application never sees it.
#include <algorithm>

#include "dataplane/core/siphash.h"
#include "dataplane/engine/worker.h"

namespace dam {

namespace {

constexpr uint32_t kFailuresUntilDown = 3;
constexpr uint64_t kProbeTimeoutNs = 1'000'000'000;   // or the interval, when that is shorter
constexpr uint64_t kUnresolvedRetryNs = 100'000'000;  // the next hop is being asked for
constexpr uint16_t kProbeMss = 1460;

}  // namespace

// Each server and family in its own time; one SYN a call, so that a tick stays short.
void Worker::probe_servers() {
  const size_t count = policy_->servers.size() * 2;
  const uint64_t unheard_ns = now_ns_ - heard_ns_;
  const bool away = unheard_ns - probe_unheard_ns_ > kProbeTimeoutNs;
  probe_unheard_ns_ = unheard_ns;
  if (away || probe_range_.first != policy_->source_ports.first) forget_probes();
  probe_range_ = policy_->source_ports;
  for (size_t i = 0; i < count; ++i) {
    probe_next_ = (probe_next_ + 1) % count;
    const auto slot = static_cast<uint16_t>(probe_next_ / 2);
    if (probe_server(slot, probe_next_ % 2 == 0 ? 4 : 6)) return;
  }
}

// Whoever answers them will not be heard, or was not while this machine stood still, and has not
// failed: their ports are no probe's now.
void Worker::forget_probes() {
  for (Probe& probe : probes_) {
    if (probe.port == 0) continue;
    probe.port = 0;
    probe.due_ns = now_ns_;
  }
}

// True: a SYN has left. No probe takes the place of one that may still be answered.
bool Worker::probe_server(uint16_t server_slot, uint8_t family) {
  const Server& server = policy_->servers[server_slot];
  const uint64_t interval_ns = policy_->timeouts.probe_interval_ns;
  const dam_address none{};
  Probe& probe = probes_[server_slot * 2u + (family == 6)];
  if (interval_ns == 0 || !server.in_policy ||
      dam_address_equal(&server.address[family == 6], &none)) {
    probe = {};
    return false;
  }
  if (probe.port != 0) {
    if (heard_ns_ - probe.sent_heard_ns < std::min(kProbeTimeoutNs, interval_ns)) return false;
    probe.port = 0;
    note_probe(engine_.servers[server_slot], false);
  }
  // A policy may have made the interval shorter.
  if (now_ns_ < std::min(probe.due_ns, probe.sent_ns + interval_ns)) return false;
  return send_probe(probe, server_slot, family);
}

// A server cannot answer before its next hop is known, and fails only when nobody says where that
// is.
bool Worker::is_probe_ready(Probe& probe, ServerStatus& status, const NextHop& way) const {
  const uint64_t interval_ns = policy_->timeouts.probe_interval_ns;
  probe.due_ns = now_ns_ + interval_ns;
  if (!way) return false;
  if ((engine_.neighbours.mac_word(way.neighbour) & Neighbours::kKnown) != 0) return true;
  if (engine_.neighbours.is_silent(way.neighbour)) {
    note_probe(status, false);
  } else {
    probe.due_ns = now_ns_ + std::min(kUnresolvedRetryNs, interval_ns);
  }
  return false;
}

bool Worker::send_probe(Probe& probe, uint16_t server_slot, uint8_t family) {
  const Server& server = policy_->servers[server_slot];
  const dam_address& address = server.address[family == 6];
  const NextHop way = engine_.neighbours.next_hop(address);
  probe.sent_ns = now_ns_;
  probe.sent_heard_ns = heard_ns_;
  if (!is_probe_ready(probe, engine_.servers[server_slot], way)) return false;
  for (size_t i = 0; i < engine_.local_addresses.size(); ++i) {
    const LocalAddress& local = engine_.local_addresses[i];
    if (local.interface != way.interface || (dam_address_is_v4(&local.address) ? 4 : 6) != family)
      continue;
    probe.local = static_cast<uint8_t>(i);
    probe.port = probe_port(server, family, probe.local);
    if (probe.port == 0) {
      count_drop(DAM_DROP_no_source_port, 0);
      return false;
    }
    probe.iss = probe_iss(server_slot, family);
    Segment syn;
    syn.src = local.address;
    syn.dst = address;
    syn.src_port = dam_hton16(probe.port);
    syn.dst_port = server.port;
    syn.seq = probe.iss;
    syn.flags = DAM_TCP_SYN | DAM_TCP_ECE | DAM_TCP_CWR;
    syn.window = 65535;
    syn.mss = kProbeMss;
    syn.wscale = kPromisedWscale;
    syn.sack_permitted = true;
    syn.timestamps = true;
    syn.tsval = static_cast<uint32_t>(now_ns_ / 1'000'000);
    if (!originate(syn, way, true)) probe.port = 0;
    return true;
  }
  return false;
}

// Nobody whom the dam does not probe can guess it, not even another server.
dam_seq Worker::probe_iss(uint16_t server_slot, uint8_t family) const {
  const uint64_t words[2] = {now_ns_, uint64_t{server_slot} << 8 | family};
  return dam_seq_of(static_cast<uint32_t>(dam_siphash13(engine_.config().hash_key, words, 2)));
}

// 0: connections have them all, from a range before this one: a SYN would come into their midst.
uint16_t Worker::probe_port(const Server& server, uint8_t family, uint8_t local) {
  bool owned = false;
  for (uint16_t i = 0; i < kProbePorts; ++i) {
    const auto port = static_cast<uint16_t>(probe_range_.first + probe_next_port_++ % kProbePorts);
    if (engine_.port_owner(server, family, local, port) != 0) continue;
    if (!is_port_taken(server, family, local, port)) return port;
    owned = true;
  }
  return owned ? uint16_t{0} : probe_range_.first;
}

void Worker::note_probe(ServerStatus& status, bool answered) {
  if (answered) {
    status.failures.store(0, std::memory_order_relaxed);
    status.up.store(1, std::memory_order_relaxed);
  } else if (status.failures.fetch_add(1, std::memory_order_relaxed) + 1 >= kFailuresUntilDown) {
    status.up.store(0, std::memory_order_relaxed);
  }
}

// A segment to one of the dam's own addresses that no flow knows: is it a server's answer?
bool Worker::on_probe_reply(Job& job) {
  const dam_packet& packet = job.packet;
  const uint16_t port = dam_ntoh16(packet.dst_port);
  if (index_ != 0 || port < probe_range_.first || port - probe_range_.first >= kProbePorts)
    return false;
  for (size_t slot = 0; slot < policy_->servers.size(); ++slot) {
    const Server& server = policy_->servers[slot];
    Probe& probe = probes_[slot * 2 + (packet.family == 6)];
    if (probe.port != port || job.interface != engine_.local_addresses[probe.local].interface ||
        server.port.raw != packet.src_port.raw ||
        !dam_address_equal(&server.address[packet.family == 6], &packet.src) ||
        packet.ack.value != probe.iss.value + 1 || !checksum_holds(job)) {
      continue;
    }
    probe.port = 0;
    const bool listens = (packet.tcp_flags & (DAM_TCP_SYN | DAM_TCP_RST)) == DAM_TCP_SYN;
    note_probe(engine_.servers[slot], listens);
    if (!listens) {
      drop(*job.frame, DAM_DROP_consumed, 0);
      return true;
    }
    learn(engine_.servers[slot], job);
    return true;
  }
  return false;
}

// Notes what the server's SYN-ACK agreed to, and ends the probe with an RST.
void Worker::learn(ServerStatus& status, Job& job) {
  const dam_packet& packet = job.packet;
  Frame& frame = *job.frame;
  dam_tcp_options options;
  const Drop bad = dam_parse_tcp_options(frame.data, frame.data + frame.bytes, &packet, &options);
  if (bad != DAM_DROP_none) return drop(frame, bad, 0);
  LearnedOptions learned;
  learned.mss = std::max<uint16_t>(options.mss, kLeastMss);
  learned.sack = options.sack_permitted != 0;
  learned.timestamps = options.has_timestamps != 0;
  learned.ecn = (packet.tcp_flags & DAM_TCP_ECE) != 0;
  learned.wscale = options.wscale;
  status.learned.store(learned.pack(), std::memory_order_relaxed);
  reset_sender(job, DAM_DROP_consumed, ResetTo::probed);
}

}  // namespace dam
