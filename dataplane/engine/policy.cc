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

namespace {

// The slower rate goes before; one that is only tried comes last.
uint64_t strictness(const Zone& zone) {
  const uint64_t interval = std::max(zone.per_source[DAM_DIM_requests].interval_q20,
                                     zone.total[DAM_DIM_requests].interval_q20);
  return zone.mode == Mode::shadow ? std::min<uint64_t>(interval, 1) : interval;
}

}  // namespace

void Policy::derive_zones(Listener& listener) const {
  listener.zone_mask = listener.request_zones = 0;
  listener.strictest_zone = Listener::kNoZone;
  if (!listener.in_policy) return;
  uint64_t strictest = 0;
  for (const Route& route : routes) {
    if (route.listener_group != listener.group) continue;
    const Zone& zone = zones[route.zone_slot];
    listener.zone_mask |= 1ull << route.zone_slot;
    if (listener.protocol != Protocol::http || zone.management) continue;
    listener.request_zones |= 1ull << route.zone_slot;
    if (strictness(zone) <= strictest) continue;
    strictest = strictness(zone);
    listener.strictest_zone = route.zone_slot;
  }
}

// Where no route leads any more, connections of an earlier policy may be.
void Policy::derive_followed_zones() {
  uint64_t led_to = 0, followed = 0;
  bool any = false;
  for (const Listener& listener : listeners) {
    led_to |= listener.zone_mask;
    if (listener.strictest_zone == Listener::kNoZone) continue;
    followed |= listener.request_zones;
    any = true;
  }
  if (any) followed |= ~led_to;
  for (size_t slot = 0; slot < zones.size(); ++slot) {
    const bool of_others = !zones[slot].management && (followed >> slot & 1) != 0;
    zones[slot].follows_requests = of_others || zones[slot].counts_requests();
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
    derive_zones(listener);
    if (listener.in_policy) listener_addresses.push_back(listener.address);
  }
  derive_followed_zones();
}

}  // namespace dam
