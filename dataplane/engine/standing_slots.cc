// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/standing_slots.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

namespace dam {
namespace {

void fill_zone(dam_view_zone& to, const Zone& zone) {
  std::copy_n(zone.per_source, DAM_DIM_COUNT, to.per_source);
  std::copy_n(zone.total, DAM_DIM_COUNT, to.total);
  to.ban_within_ns = zone.ban_within_ns;
  to.ban_for_ns = zone.ban_for_ns;
  to.ban_after = zone.ban_after;
  to.exceeded = static_cast<uint8_t>(zone.exceeded);
  to.shadow = zone.mode == Mode::shadow ? 1 : 0;
  to.management = zone.management ? 1 : 0;
  to.source_bits_v4 = zone.source_bits_v4;
  to.source_bits_v6 = zone.source_bits_v6;
  to.key = static_cast<uint8_t>(zone.key);
  to.counts_requests = zone.follows_requests ? 1 : 0;  // so that plain HTTP climbs
}
static_assert(static_cast<int>(Exceeded::reset) == DAM_EXCEEDED_RESET &&
              static_cast<int>(Exceeded::ban) == DAM_EXCEEDED_BAN);

void copy_name(char (&to)[DAM_NAME_BYTES], const std::string& name) {
  to[name.copy(to, sizeof to - 1)] = '\0';
}
std::string name_of(const char (&from)[DAM_NAME_BYTES]) {
  return {from, strnlen(from, sizeof from)};
}

void fill_server(dam_view_server& to, const Server& server) {
  std::copy_n(server.address, 2, to.address);
  to.port = server.port;
}

void fill_listener(dam_view_listener& to, const Listener& listener) {
  to.address = listener.address;
  to.port = listener.port;
  to.zone_mask = listener.zone_mask;
  to.in_policy = listener.in_policy ? 1 : 0;
}

Zone zone_of(const dam_view_zone& from, const std::string& name) {
  Zone zone;
  zone.name = name;
  zone.management = from.management != 0;
  zone.mode = from.shadow != 0 ? Mode::shadow : Mode::enforce;
  zone.exceeded = static_cast<Exceeded>(from.exceeded);
  std::copy_n(from.per_source, DAM_DIM_COUNT, zone.per_source);
  std::copy_n(from.total, DAM_DIM_COUNT, zone.total);
  zone.ban_after = from.ban_after;
  zone.ban_within_ns = from.ban_within_ns;
  zone.ban_for_ns = from.ban_for_ns;
  zone.source_bits_v4 = from.source_bits_v4;
  zone.source_bits_v6 = from.source_bits_v6;
  if (from.key <= static_cast<uint8_t>(ZoneKey::source_ja4))
    zone.key = static_cast<ZoneKey>(from.key);
  return zone;
}

// Slots are filled from the first one on.
template <size_t kMost>
size_t used(const char (&names)[kMost][DAM_NAME_BYTES]) {
  size_t count = kMost;
  while (count > 0 && names[count - 1][0] == '\0') --count;
  return count;
}

}  // namespace

void record_slots(dam_view& view, const Policy& policy) {
  view = {};
  view.policy_version = policy.version;
  view.first_source_port = policy.source_ports.first;
  view.last_source_port = policy.source_ports.last;
  for (size_t slot = 0; slot < policy.zones.size(); ++slot) {
    fill_zone(view.zone[slot], policy.zones[slot]);
    copy_name(view.zone_name[slot], policy.zones[slot].name);
  }
  for (size_t slot = 0; slot < policy.servers.size(); ++slot) {
    fill_server(view.server[slot], policy.servers[slot]);
    copy_name(view.server_name[slot], policy.servers[slot].name);
  }
  view.listeners = static_cast<uint32_t>(policy.listeners.size());
  for (size_t slot = 0; slot < policy.listeners.size(); ++slot) {
    fill_listener(view.listener[slot], policy.listeners[slot]);
  }
}

std::shared_ptr<const Policy> slots_of(const dam_view& view) {
  auto policy = std::make_shared<Policy>();
  policy->source_ports = {view.first_source_port, view.last_source_port};
  for (size_t slot = 0; slot < used(view.zone_name); ++slot) {
    policy->zones.push_back(zone_of(view.zone[slot], name_of(view.zone_name[slot])));
  }
  for (size_t slot = 0; slot < used(view.server_name); ++slot) {
    const dam_view_server& from = view.server[slot];
    Server server;
    server.name = name_of(view.server_name[slot]);
    std::copy_n(from.address, 2, server.address);
    server.port = from.port;
    server.in_policy = true;  // it has ports
    policy->servers.push_back(std::move(server));
  }
  for (size_t slot = 0; slot < std::min<size_t>(view.listeners, DAM_MAX_LISTENERS); ++slot) {
    Listener listener;
    listener.address = view.listener[slot].address;
    listener.port = view.listener[slot].port;
    policy->listeners.push_back(listener);
  }
  return policy;
}

}  // namespace dam
