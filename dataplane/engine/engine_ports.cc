// SPDX-License-Identifier: BSD-3-Clause
// Which worker has which source ports towards which server.
#include <algorithm>
#include <utility>

#include "dataplane/engine/engine.h"

namespace dam {

namespace {

uint8_t family_of(const LocalAddress& local) { return dam_address_is_v4(&local.address) ? 4 : 6; }

bool same_place(const Server& a, const Server& b, uint8_t family) {
  const bool v6 = family == 6;
  return a.port.raw == b.port.raw && dam_address_equal(&a.address[v6], &b.address[v6]);
}

bool is_moved(const Policy* before, const Policy& now, size_t slot, uint8_t family) {
  return before != nullptr && slot < before->servers.size() &&
         !same_place(before->servers[slot], now.servers[slot], family);
}

}  // namespace

uint32_t Engine::port_owner(const Server& server, uint8_t family, uint8_t local,
                            uint16_t port) const {
  if (!config_.reply_worker) return port % config_.workers;
  return config_.reply_worker(server.address[family == 6], server.port,
                              local_addresses[local].address, port);
}

// For the worker itself, which is the pool's only user.
PortPool* Engine::ports(uint32_t worker, uint16_t server_slot, uint8_t local) {
  PortPool* pool = ports_of(worker, server_slot, local).load(std::memory_order_acquire);
  if (pool != nullptr) pool->settle();
  return pool;
}

// Every worker does so when it sees a new policy: then the pools before can go.
void Engine::settle_ports(uint32_t worker) {
  for (uint16_t slot = 0; slot < DAM_MAX_SERVERS; ++slot) {
    for (size_t local = 0; local < local_addresses.size(); ++local) {
      ports(worker, slot, static_cast<uint8_t>(local));
    }
  }
}

void Engine::make_port_pools(const Policy& policy) {
  for (size_t slot = 0; slot < policy.servers.size(); ++slot) {
    const Server& server = policy.servers[slot];
    if (!server.in_policy) continue;
    for (size_t local = 0; local < local_addresses.size(); ++local) {
      const dam_address& address = server.address[family_of(local_addresses[local]) == 6];
      const NextHop way = neighbours.next_hop(address);
      if (way.interface != local_addresses[local].interface) continue;
      make_port_pools(policy, slot, static_cast<uint8_t>(local));
    }
  }
}

// To the server they are one: two names of it, or its old name and its new one, must not use one
// port twice.
void Engine::share_port_pools(const Policy& policy, size_t server_slot, uint8_t local) {
  const uint8_t family = family_of(local_addresses[local]);
  for (uint32_t worker = 0; worker < config_.workers; ++worker) {
    for (size_t other = 0; other < policy.servers.size(); ++other) {
      if (!same_place(policy.servers[other], policy.servers[server_slot], family)) continue;
      PortPool* pool = ports_of(worker, other, local).load(std::memory_order_relaxed);
      auto& mine = ports_of(worker, server_slot, local);
      if (pool == nullptr || mine.load(std::memory_order_relaxed) != nullptr) continue;
      mine.store(pool, std::memory_order_release);
    }
  }
}

void Engine::make_port_pools(const Policy& policy, size_t server_slot, uint8_t local) {
  const PortRange range = policy.source_ports;
  share_port_pools(policy, server_slot, local);
  // All workers' pools are made together: the first one speaks for them.
  const PortPool* first = ports_of(0, server_slot, local).load(std::memory_order_relaxed);
  const Server& server = policy.servers[server_slot];
  const uint8_t family = family_of(local_addresses[local]);
  // The pools of the server that had the slot before have that one's shares.
  const Policy* kept = kept_.empty() ? nullptr : kept_.back().get();
  const bool moved = is_moved(kept, policy, server_slot, family);
  if (first != nullptr && first->has_range(range) && !moved) return;
  std::vector<std::vector<uint16_t>> shares(config_.workers);
  for (uint32_t port = range.first + kProbePorts; port <= range.last; ++port) {
    const auto number = static_cast<uint16_t>(port);
    shares[port_owner(server, family, local, number)].push_back(number);
  }
  for (uint32_t worker = 0; worker < config_.workers; ++worker) {
    PortPool* before = ports_of(worker, server_slot, local).load(std::memory_order_relaxed);
    const uint64_t seed = config_.hash_key[0] ^ server_slot;
    replace_port_pool(
        worker, server_slot, local,
        std::make_unique<PortPool>(shares[worker], seed, range, moved ? nullptr : before), moved);
  }
}

// `alone`: other slots that share the pool keep it.
void Engine::replace_port_pool(uint32_t worker, size_t server_slot, uint8_t local,
                               std::unique_ptr<PortPool> fresh, bool alone) {
  PortPool* before = ports_of(worker, server_slot, local).load(std::memory_order_relaxed);
  bool kept = false;
  for (size_t slot = 0; slot < DAM_MAX_SERVERS; ++slot) {
    auto& place = ports_of(worker, slot, local);
    const bool shares = before != nullptr && place.load(std::memory_order_relaxed) == before;
    if (slot == server_slot || (shares && !alone)) {
      place.store(fresh.get(), std::memory_order_release);
    } else {
      kept |= shares;
    }
  }
  const auto old = std::find_if(pools_.begin(), pools_.end(),
                                [&](const auto& pool) { return pool.get() == before; });
  if (old == pools_.end() || kept) {
    pools_.push_back(std::move(fresh));
  } else {
    replaced_pools_.push_back(std::exchange(*old, std::move(fresh)));
  }
}

}  // namespace dam
