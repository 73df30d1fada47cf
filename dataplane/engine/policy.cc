// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/policy.h"

namespace dam {

void Policy::derive() {
  if (!zones.empty() && zones[0].per_source_concurrent == 0) {
    zones[0].per_source_concurrent = limits.half_open_per_source;  // "front": those without a route
  }
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
