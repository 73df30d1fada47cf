// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/policy.h"

#include <algorithm>
#include <bit>
#include <utility>

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

// The slower rate for each source goes before: who does not say where his requests belong shall not
// use up what is others'. Then the slower total; one that is only tried comes last.
using Strictness = std::pair<uint64_t, uint64_t>;
Strictness strictness(const Zone& zone) {
  if (zone.mode == Mode::shadow) return {0, zone.counts_requests() ? 1 : 0};
  return {zone.per_source[DAM_DIM_requests].interval_q20,
          zone.total[DAM_DIM_requests].interval_q20};
}

}  // namespace

void Policy::derive_zones(Listener& listener) const {
  listener.zone_mask = listener.request_zones = 0;
  listener.strictest_zone = Listener::kNoZone;
  if (!listener.in_policy) return;
  Strictness strictest{};
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

// Connections keep their zone while routes move: where plain HTTP's requests are limited, those of
// any zone may be such.
void Policy::derive_followed_zones() {
  const bool any = std::any_of(listeners.begin(), listeners.end(), [](const Listener& listener) {
    return listener.strictest_zone != Listener::kNoZone;
  });
  follows_requests = false;
  for (Zone& zone : zones) {
    zone.follows_requests = zone.counts_requests() || (any && !zone.management);
    follows_requests |= zone.follows_requests;
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
