// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/engine.h"

#include <algorithm>

#include "dataplane/engine/worker.h"

namespace dam {

namespace {

void publish(uint64_t& counter, uint64_t value) {
  std::atomic_ref<uint64_t>(counter).store(value, std::memory_order_relaxed);
}

SourceTable sources_of(const EngineConfig& config) {
  const std::array<uint64_t, 2> secret = {config.hash_key[0], config.hash_key[1]};
  if (!config.shared) return SourceTable(config.limits.sources, config.workers, secret);
  return SourceTable(config.shared.source_buckets, config.shared.sources,
                     config.shared.request_tats_ns, config.workers, secret);
}

}  // namespace

// Bit 31 says "known"; 0-15 MSS, 16 SACK, 17 timestamps, 18 ECN, 20-23 window scale.
uint32_t LearnedOptions::pack() const {
  return 1u << 31 | mss | uint32_t{sack} << 16 | uint32_t{timestamps} << 17 | uint32_t{ecn} << 18 |
         uint32_t{wscale} << 20;
}

LearnedOptions LearnedOptions::unpack(uint32_t word) {
  LearnedOptions options;
  if (word == 0) return options;
  options.mss = static_cast<uint16_t>(word);
  options.sack = (word >> 16 & 1) != 0;
  options.timestamps = (word >> 17 & 1) != 0;
  options.ecn = (word >> 18 & 1) != 0;
  options.wscale = static_cast<uint8_t>(word >> 20 & 15);
  return options;
}

Engine::Engine(EngineConfig config)
    : zone_totals(config.shared ? BigArray(config.shared.totals)
                                : BigArray<dam_zone_totals>(DAM_MAX_ZONES)),
      sources(sources_of(config)),
      neighbours(config.interfaces, config.shared.neighbours, config.shared.macs,
                 next_hops_in_use(config)),
      config_(std::move(config)),
      ports_(size_t{config_.workers} * DAM_MAX_SERVERS * kMostLocalAddresses) {
  for (size_t i = 0; i < config_.interfaces.size(); ++i) {
    for (const Subnet& subnet : config_.interfaces[i].subnets) {
      if (local_addresses.size() < kMostLocalAddresses) {
        local_addresses.push_back({subnet.address, static_cast<uint8_t>(i)});
      }
    }
  }
  dam_cookie_rotate(&secrets_[0], config_.cookie_key);
  dam_table_key_make(&table_key_, config_.hash_key);
  for (uint32_t i = 0; i < config_.workers; ++i) {
    workers_.push_back(std::make_unique<Worker>(*this, i));
  }
  if (config_.standing) adopt(*config_.standing);
}

Engine::~Engine() = default;

void Engine::apply(const std::shared_ptr<const Policy>& policy) {
  make_port_pools(*policy);  // before the policy: who sees that one settles in them
  uint64_t memory_ns = 0;
  for (const Zone& zone : policy->zones) memory_ns = std::max(memory_ns, zone.ban_within_ns);
  sources.set_violation_memory(memory_ns);
  kept_.push_back(policy);
  current_.store(policy.get(), std::memory_order_release);
  neighbours.set_own(policy->listener_addresses);
  ask_for_next_hops(*policy);
  publish(config_.counters->policy_version, policy->version);
}

void Engine::order(uint16_t server_slot, const ServerOrder& order) {
  servers[server_slot].order.store(order.pack(), std::memory_order_relaxed);
}

// So that the first connection does not wait for ARP.
void Engine::ask_for_next_hops(const Policy& policy) {
  const auto ask = [&](const dam_address& address) {
    const dam_address none{};
    if (dam_address_equal(&address, &none)) return;
    const NextHop way = neighbours.next_hop(address);
    if (way) neighbours.keep_asking(way.neighbour);
  };
  for (const Interface& interface : config_.interfaces) {
    for (const dam_address& gateway : interface.gateways) ask(gateway);
  }
  for (const Server& server : policy.servers) {
    if (!server.in_policy) continue;
    for (const dam_address& address : server.address) ask(address);
  }
}

bool Engine::applied_everywhere() const {
  const Policy* current = policy();
  return std::all_of(workers_.begin(), workers_.end(), [&](const auto& worker) {
    return current != nullptr && worker->policy_seen() == current;
  });
}

dam_cookie_secrets Engine::secrets() const { return secrets_[secret_generation() & 1]; }

// Workers copy the pair of the generation that they see; the other pair is free to be written.
void Engine::rotate_secret(const uint64_t fresh[2]) {
  const uint32_t next = secret_generation_.load(std::memory_order_relaxed) + 1;
  secrets_[next & 1] = secrets_[(next - 1) & 1];
  dam_cookie_rotate(&secrets_[next & 1], fresh);
  secret_generation_.store(next, std::memory_order_release);
}

void Engine::set_capture(const dam_capture& wanted) {
  const uint32_t next = capture_generation_.load(std::memory_order_relaxed) + 1;
  std::atomic_thread_fence(std::memory_order_release);
  captures_[next & 1] = wanted;
  capture_generation_.store(next, std::memory_order_release);
}

void Engine::control_tick(uint64_t now_ns) {
  if (applied_everywhere()) {
    kept_.erase(kept_.begin(), kept_.end() - 1);
    replaced_pools_.clear();
  }
  if (policy() != nullptr) publish_states(*policy(), now_ns);
  publish_gauges();
  publish(config_.counters->heartbeat_ns, now_ns);
}

void Engine::publish_states(const Policy& policy, uint64_t now_ns) {
  for (size_t slot = 0; slot < policy.servers.size(); ++slot) {
    dam_server_state& state = config_.counters->servers[slot];
    const uint32_t up = servers[slot].up.load(std::memory_order_relaxed);
    const uint32_t word = servers[slot].learned.load(std::memory_order_relaxed);
    if (state.up != up || state.changed_at_ns == 0) state.changed_at_ns = now_ns;
    state.up = up;
    if (word == 0) {  // of a server before it in its slot, something may still stand there
      state.mss = state.wscale = state.options = 0;
      continue;
    }
    const LearnedOptions learned = LearnedOptions::unpack(word);
    state.mss = learned.mss;
    state.wscale = learned.wscale;
    state.options = uint32_t{learned.sack} | uint32_t{learned.timestamps} << 1 |
                    uint32_t{learned.ecn} << 2 | (learned.wscale == kNoWscale ? 0u : 8u);
  }
}

void Engine::publish_gauges() {
  uint64_t flows = 0;
  uint64_t half_open = 0;
  uint64_t held = 0;
  uint64_t hold_capacity = 0;
  for (const auto& worker : workers_) {
    flows += worker->flows_used() - worker->half_open_used();
    half_open += worker->half_open_used();
    held += worker->hold().used();
    hold_capacity += worker->hold().capacity();
  }
  uint64_t ports_used = 0;
  uint64_t ports_all = 0;
  for (const auto& pool : pools_) {
    ports_used += pool->in_use();
    ports_all += pool->in_use() + pool->free();
  }
  auto& used = config_.counters->table_used;
  auto& capacity = config_.counters->table_capacity;
  publish(used[DAM_TABLE_flows], flows);
  publish(capacity[DAM_TABLE_flows], config_.limits.flows);
  publish(used[DAM_TABLE_half_open], half_open);
  publish(capacity[DAM_TABLE_half_open], config_.limits.half_open);
  publish(used[DAM_TABLE_sources], sources.used());
  publish(capacity[DAM_TABLE_sources], sources.slots());
  publish(used[DAM_TABLE_hold_chunks], held);
  publish(capacity[DAM_TABLE_hold_chunks], hold_capacity);
  publish(used[DAM_TABLE_source_ports], ports_used);
  publish(capacity[DAM_TABLE_source_ports], ports_all);
  publish(used[DAM_TABLE_neighbours], neighbours.used());
  publish(capacity[DAM_TABLE_neighbours], Neighbours::kCapacity);
}

}  // namespace dam
