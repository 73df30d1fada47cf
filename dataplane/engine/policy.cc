// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/policy.h"

#include <algorithm>
#include <bit>

namespace dam {

void Policy::derive_listener_table() {
  listener_table.assign(std::bit_ceil(4 * listeners.size() + 1), 0);
  for (size_t slot = 0; slot < listeners.size(); ++slot) {
    size_t at = dam_address_bucket(&listeners[slot].address, listeners[slot].port);
    while (listener_table[at % listener_table.size()] != 0) ++at;
    listener_table[at % listener_table.size()] = static_cast<uint16_t>(slot + 1);
  }
}

void Policy::derive() {
  if (!zones.empty() && zones[0].per_source_concurrent == 0) {
    zones[0].per_source_concurrent = limits.half_open_per_source;  // "front": those without a route
  }
  derive_listener_table();
  const uint64_t lists =
      (allow.digest() * 0x9e3779b97f4a7c15 + deny.digest()) ^ bans_grown * 0xff51afd7ed558ccd;
  lists_digest = std::max<uint32_t>(static_cast<uint32_t>(lists >> 32 ^ lists), 1);
  listener_addresses.clear();
  for (Listener& listener : listeners) {
    listener.zone_mask = 0;
    if (!listener.in_policy) continue;
    listener_addresses.push_back(listener.address);
    for (const Route& route : routes) {
      if (route.listener_group == listener.group) listener.zone_mask |= 1ull << route.zone_slot;
    }
  }
}

}  // namespace dam
