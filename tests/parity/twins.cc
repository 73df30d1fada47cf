// SPDX-License-Identifier: BSD-3-Clause
#include "tests/parity/twins.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "dataplane/core/gcra.h"

namespace dam::test {
namespace {

std::unique_ptr<Front> no_front(const EngineConfig& /*config*/) { return nullptr; }

// More half-open connections than a conversation makes: which of them gives way is the engine's to
// say, and it is not asked where the kernel refuses.
Limits limits_of_twins() {
  Limits limits = SmallSite::small_limits();
  limits.half_open = 64;
  limits.hold_bytes = limits.half_open * (16384 + 2048);
  return limits;
}

dam_packet parsed(const std::vector<uint8_t>& frame, dam_drop_reason& reason) {
  dam_packet packet{};
  reason = dam_parse(frame.data(), frame.data() + frame.size(), &packet);
  return packet;
}

dam_worker_counters counted_since(const dam_worker_counters& before, const SmallSite& site) {
  dam_worker_counters since = site.worker();
  constexpr size_t kWords = sizeof since / sizeof(uint64_t);
  uint64_t now[kWords], was[kWords];
  std::memcpy(now, &since, sizeof since);
  std::memcpy(was, &before, sizeof before);
  for (size_t i = 0; i < kWords; ++i) now[i] -= was[i];
  std::memcpy(static_cast<void*>(&since), now, sizeof since);
  return since;
}

// The one reason in zone "front" for which a step dropped its one frame, or none.
dam_drop_reason dropped_in_front(const dam_worker_counters& counted) {
  dam_drop_reason only = DAM_DROP_none;
  for (size_t reason = 1; reason < DAM_DROP_COUNT; ++reason) {
    if (counted.zones[0].drops[reason] == 0) continue;
    if (only != DAM_DROP_none || counted.zones[0].drops[reason] != 1) return DAM_DROP_none;
    only = static_cast<dam_drop_reason>(reason);
  }
  return only;
}

bool closed_one(const dam_worker_counters& counted) {
  return std::any_of(std::begin(counted.zones), std::end(counted.zones),
                     [](const auto& zone) { return zone.drops[DAM_DROP_closed] != 0; });
}

Difference compare_seen(const std::vector<Seen>& alone, const std::vector<Seen>& kernel) {
  for (size_t i = 0; i < std::min(alone.size(), kernel.size()); ++i) {
    const std::string which = "frame " + std::to_string(i) + " that went out ";
    if (alone[i].port != kernel[i].port) return which + "left by different links";
    if (alone[i].bytes == kernel[i].bytes) continue;
    const auto at = std::mismatch(alone[i].bytes.begin(), alone[i].bytes.end(),
                                  kernel[i].bytes.begin(), kernel[i].bytes.end());
    return which + "differs from octet " + std::to_string(at.first - alone[i].bytes.begin()) +
           " on, of " + std::to_string(alone[i].bytes.size()) + " and " +
           std::to_string(kernel[i].bytes.size());
  }
  if (alone.size() == kernel.size()) return {};
  return std::to_string(alone.size()) + " frames went out of the engine alone, " +
         std::to_string(kernel.size()) + " behind the kernel";
}

}  // namespace

Twins::Twins()
    : engine_alone_(limits_of_twins(), SmallSite::Tables::outlive_it, {no_front, true}),
      behind_kernel_(limits_of_twins(), SmallSite::Tables::engines, {make_front, true}) {}

template <class F>
std::vector<Seen> Twins::step(const std::vector<uint8_t>* frame, uint8_t port, F&& act) {
  const auto run = [&](SmallSite& site) {
    const dam_worker_counters before = site.worker();
    Outcome outcome{act(site), {}};
    outcome.counted = counted_since(before, site);
    return outcome;
  };
  Outcome alone = run(engine_alone_), kernel = run(behind_kernel_);
  if (difference_.empty()) difference_ = compare(frame, port, alone, kernel);
  return std::move(alone.seen);
}

std::vector<Seen> Twins::send(uint8_t port, const std::vector<uint8_t>& frame) {
  return step(&frame, port, [&](SmallSite& site) { return site.send_raw(port, frame); });
}

std::vector<Seen> Twins::advance(uint64_t duration_ns) {
  return step(nullptr, 0, [&](SmallSite& site) { return site.advance(duration_ns); });
}

void Twins::apply(const Policy& policy) {
  step(nullptr, 0, [&](SmallSite& site) {
    site.apply(policy);
    return site.advance(5'000'000);  // the worker takes it up
  });
}

void Twins::rotate_secret(uint64_t fresh) {
  const uint64_t key[2] = {fresh, ~fresh};
  engine_alone_.engine().rotate_secret(key);
  behind_kernel_.engine().rotate_secret(key);
}

void Twins::learn(uint16_t server_slot, const LearnedOptions& options) {
  engine_alone_.engine().servers[server_slot].learned = options.pack();
  behind_kernel_.engine().servers[server_slot].learned = options.pack();
}

Difference Twins::compare(const std::vector<uint8_t>* frame, uint8_t port, Outcome& alone,
                          Outcome& kernel) {
  Difference found;
  if (frame != nullptr && kernel.counted.host_packets != 0) {
    found = left_to_host(*frame, port, alone, kernel);
  } else {
    if (frame != nullptr) found = refused_front(*frame, alone, kernel);
    if (found.empty()) found = compare_seen(alone.seen, kernel.seen);
    if (found.empty()) found = compare_counts(alone.counted, kernel.counted);
  }
  return found.empty() ? compare_tables() : found;
}

Difference Twins::compare_tables() {
  const SharedTables& alone = engine_alone_.tables();
  const SharedTables& kernel = behind_kernel_.tables();
  Difference found = compare_flows(alone, kernel);
  if (found.empty()) found = compare_sources(alone, kernel, now_ns());
  if (found.empty()) found = compare_totals(alone, kernel, now_ns());
  if (!found.empty()) return found;
  // The engine alone also knows clients on its own link that the kernel refused: see refused_front.
  for (size_t i = 0; i < alone.macs.size(); ++i) {
    if (kernel.macs[i] == alone.macs[i] || kernel.macs[i] == Neighbours::kUnknownMac) continue;
    return "the link address of neighbour " + std::to_string(i) + " differs";
  }
  return {};
}

// Documented: what is not the dam's, the kernel's plane leaves to the host, which answers in its
// own way; the engine alone answers echo and strange segments itself and drops the rest. Neither
// remembers anything of it.
Difference Twins::left_to_host(const std::vector<uint8_t>& frame, uint8_t port,
                               const Outcome& alone, const Outcome& kernel) {
  dam_worker_counters nothing_else = kernel.counted;
  nothing_else.host_packets -= 1;
  const Difference also = compare_counts(dam_worker_counters{}, nothing_else);
  if (!also.empty()) return "left to the host, and " + also;
  if (!kernel.seen.empty()) return "left to the host, and answered";
  dam_worker_counters expected{};
  if (alone.counted.host_packets == 0) {
    dam_worker_counters once = alone.counted;
    const bool group = (frame[6] & 1) != 0;  // to which no RST can be sent: counted as well
    if (group && once.zones[0].drops[DAM_DROP_no_flow] != 0) {
      once.zones[0].drops[DAM_DROP_malformed] = 0;
      expected.zones[0].drops[DAM_DROP_malformed] =
          alone.counted.zones[0].drops[DAM_DROP_malformed];
    }
    const dam_drop_reason reason = dropped_in_front(once);
    if (!hosts_reason(frame, port, reason)) {
      return "left to the host, but the engine alone dropped it, reason " + std::to_string(reason);
    }
    expected.zones[0].drops[reason] = 1;
  } else {
    expected.host_packets = 1;
  }
  return compare_counts(alone.counted, expected);
}

// Does the engine alone drop for this reason what a host should have?
bool Twins::hosts_reason(const std::vector<uint8_t>& frame, uint8_t port, dam_drop_reason reason) {
  Engine& engine = engine_alone_.engine();
  dam_drop_reason refused;
  const dam_packet packet = parsed(frame, refused);
  const uint16_t link = engine.neighbours.interface_of(port, packet.vlan);
  const bool here = link != NextHop::kNone &&
                    std::memcmp(frame.data(), engine.config().interfaces[link].mac.data(), 6) == 0;
  const bool own = packet.family != 0 && engine.neighbours.is_own(packet.dst);
  if (reason == DAM_DROP_not_ours) return !here || !own;
  if (refused != DAM_DROP_none) {  // unreadable, and not the dam's
    return reason == refused && (!here || !own || refused == DAM_DROP_fragment);
  }
  if (packet.kind == DAM_KIND_ICMP) {
    return reason == DAM_DROP_consumed || reason == DAM_DROP_icmp_unmatched;
  }
  return packet.kind == DAM_KIND_TCP && own && reason == DAM_DROP_no_flow;
}

// Documented: an ACK whose cookie holds does not climb while its front bucket is empty or its
// source banned. The engine alone counts the cookie and, when the zone's total is what is empty,
// has charged the source before it asks; that charge is checked and then undone.
Difference Twins::refused_front(const std::vector<uint8_t>& frame, Outcome& alone,
                                const Outcome& kernel) {
  const dam_drop_reason reason = dropped_in_front(kernel.counted);
  if (reason != DAM_DROP_zone_banned && reason != DAM_DROP_source_connections &&
      reason != DAM_DROP_zone_connections) {
    return {};
  }
  if (alone.counted.cookies_accepted != 1) return {};
  if (kernel.counted.cookies_accepted != 0) {  // or it took the place of a connection that stood
    return closed_one(kernel.counted) ? "" : "an ACK climbed that the front's buckets refuse";
  }
  alone.counted.cookies_accepted = 0;
  if (reason != DAM_DROP_zone_connections) return {};
  dam_drop_reason refused;
  const dam_packet packet = parsed(frame, refused);
  const Zone& front = engine_alone_.engine().policy()->zones[0];
  const SourceKey key =
      engine_alone_.engine().sources.key(packet.src, 0, front.source_bits_v4, front.source_bits_v6);
  dam_source_entry* charged = source_of(engine_alone_.tables(), key.prefix, 0);
  const dam_source_entry* other = source_of(behind_kernel_.tables(), key.prefix, 0);
  if (charged == nullptr) return {};
  const uint64_t before = other == nullptr ? 0 : other->tat_ns[DAM_DIM_connections];
  uint64_t expected = before;
  const dam_gcra_rate& rate = front.per_source[DAM_DIM_connections];
  (void)dam_gcra_charge(&expected, &rate, now_ns(), 1);
  uint64_t& tat_ns = charged->tat_ns[DAM_DIM_connections];
  if (tat_ns == expected) tat_ns = before;
  return {};
}

}  // namespace dam::test
