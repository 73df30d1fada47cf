// SPDX-License-Identifier: BSD-3-Clause
// Servers, listeners and zones that took the slot of another. That happens when every slot has been
// in use once, and a new policy needs that of a retired one; living flows name them by their slots.
#include <algorithm>
#include <bitset>

#include "dataplane/engine/worker.h"

namespace dam {

namespace {

bool is_same_server(const Server& a, const Server& b) {
  return a.name == b.name && a.port.raw == b.port.raw &&
         dam_address_equal(&a.address[0], &b.address[0]) &&
         dam_address_equal(&a.address[1], &b.address[1]);
}

bool is_same_listener(const Listener& a, const Listener& b) {
  return a.port.raw == b.port.raw && dam_address_equal(&a.address, &b.address);
}

bool is_same_zone(const Zone& a, const Zone& b) { return a.name == b.name; }

// Of the slots of both.
template <size_t kMost, class Entry, class Same>
std::bitset<kMost> replaced(const std::vector<Entry>& before, const std::vector<Entry>& now,
                            Same same) {
  std::bitset<kMost> slots;
  for (size_t slot = 0; slot < std::min(before.size(), now.size()); ++slot) {
    slots[slot] = !same(before[slot], now[slot]);
  }
  return slots;
}

}  // namespace

// While policy_ is still the one before: it says to whom these connections lead, and where their
// ports and index entries are. Goes through all flows at once, since none may meet the new policy.
void Worker::leave_replaced(const Policy& now) {
  const auto servers = replaced<DAM_MAX_SERVERS>(policy_->servers, now.servers, is_same_server);
  const auto listeners =
      replaced<kMaxListeners>(policy_->listeners, now.listeners, is_same_listener);
  const auto zones = replaced<DAM_MAX_ZONES>(policy_->zones, now.zones, is_same_zone);
  if (servers.none() && listeners.none() && zones.none()) return;
  for (Flow& flow : flows_.all()) {
    if (flow.state == DAM_FLOW_free) continue;
    if (listeners[flow.listener_slot]) {
      refuse(flow, DAM_DROP_not_ours, true);
    } else if (zones[flow.zone_slot]) {
      refuse(flow, DAM_DROP_no_route, true);
    } else if (flow.source_port != 0 && servers[flow.server_slot]) {
      refuse(flow, DAM_DROP_server_down, true);
    }
  }
  if (index_ != 0) return;
  for (uint16_t slot = 0; slot < DAM_MAX_SERVERS; ++slot) {
    if (servers[slot]) forget_server(slot);
  }
  if (zones.any()) forget_zones(zones);
}

// No source pays in the zone that is now there for what it did in the one before: that may have
// been a service zone, and this one management's (rule 5).
void Worker::forget_zones(const std::bitset<DAM_MAX_ZONES>& zones) {
  engine_.sources.forget(zones.to_ullong());
  for (uint32_t slot = 0; slot < DAM_MAX_ZONES; ++slot) {
    if (!zones[slot]) continue;
    for (uint64_t& tat_ns : engine_.zone_totals[slot].tat_ns) {
      __atomic_store_n(&tat_ns, 0, __ATOMIC_RELAXED);
    }
  }
}

// What was learned of the one before says nothing of this one.
void Worker::forget_server(uint16_t slot) {
  ServerStatus& status = engine_.servers[slot];
  status.up.store(1, std::memory_order_relaxed);
  status.failures.store(0, std::memory_order_relaxed);
  status.learned.store(0, std::memory_order_relaxed);
  probes_[slot * 2u] = probes_[slot * 2u + 1] = {};
}

}  // namespace dam
