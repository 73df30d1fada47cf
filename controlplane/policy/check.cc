// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/policy/check.h"

#include "dataplane/core/counters.h"
#include "dataplane/ipc/bounds.h"

namespace dam::control {

void check_policy(const Policy& policy, Problems& problems) {
  check_interfaces(policy, problems);
  check_limits(policy, problems);
  check_lists(policy, problems);
  check_listeners(policy, problems);
  check_zones(policy, problems);
  check_servers(policy, problems);
  check_health_checks(policy, problems);
  check_signals(policy, problems);
  check_routes(policy, problems);
  // Where names are wrong, what they meant looks unused.
  if (!problems.failed()) check_unused(policy, problems);
  check_management(policy, problems);
}

const Listener* find_listener(const Policy& policy, std::string_view name) {
  for (const Listener& listener : policy.listeners) {
    if (listener.name.value == name) return &listener;
  }
  return nullptr;
}

void check_lists(const Policy& policy, Problems& problems) {
  for (const ListEntry& entry : policy.deny_entries) {
    if (!entry.network || entry.network->prefix_bits != 0) continue;
    problems.warning(entry.mark,
                     "denies everybody over " + std::string(entry.network->address.family()),
                     "only networks of the admin list are let in");
  }
}

void check_limits(const Policy& policy, Problems& problems) {
  const Limits& limits = policy.limits;
  if (limits.broken) return;
  if (limits.half_open_per_source > limits.half_open) {
    problems.error(limits.mark, "half_open_per_source is larger than half_open",
                   "one source could fill the whole table: write a smaller number");
  }
  const PortRange ports = policy.source_ports.value;
  if (ports.last - ports.first + 1 < static_cast<int>(kLeastSourcePorts)) {
    problems.error(policy.source_ports.mark, "fewer than 64 source ports",
                   "each open connection to a server needs one: write e.g. 1024-65535");
  }
}

void check_zones(const Policy& policy, Problems& problems) {
  const size_t most = DAM_MAX_ZONES - 1;
  const bool has_front = find_named(policy.zones, kFrontZone) != nullptr;
  if (policy.zones.size() - (has_front ? 1 : 0) > most) {
    problems.error(policy.zones.back().mark,
                   "more than " + std::to_string(most) + " zones besides \"front\"");
  }
  for (const auto& zone : policy.zones) {
    if (zone.name == kFrontZone && zone.value.management) {
      problems.error(zone.mark, "the zone \"front\" cannot be a management zone",
                     "it is charged before the dam knows where a connection wants to go");
    }
    if (zone.name == kFrontZone && limits_requests(zone.value)) {
      problems.error(zone.mark, "the zone \"front\" sees no requests",
                     "it is charged before there is a ClientHello: limit them in another zone");
    }
    if (zone.value.key == ZoneKey::source) continue;
    if (zone.name == kFrontZone) {
      problems.error(zone.mark, "the zone \"front\" knows sources by their addresses alone",
                     "it is charged before there is a ClientHello: take key off");
    }
    if (zone.value.exceeded.action == Action::ban) {
      problems.error(zone.mark, "zone \"" + zone.name + "\" cannot ban: bans are of addresses",
                     "write exceeded: drop or reset, or key: source");
    }
  }
}

namespace {

bool is_management(const Policy& policy, const Route& route) {
  const auto* zone = find_named(policy.zones, route.zone.value);
  return zone != nullptr && zone->value.management;
}

template <class Visit>
void for_each_server(const Route& route, Visit visit) {
  for (const auto& server : route.servers) visit(server);
  if (!route.fallback.value.empty()) visit(route.fallback);
}

// The first route of the other world that leads to the same server.
const Route* route_of_other_world(const Policy& policy, const Route& route,
                                  const std::string& server) {
  for (const Route& other : policy.routes) {
    bool shared = false;
    for_each_server(other, [&](const auto& s) { shared |= s.value == server; });
    if (shared && is_management(policy, other) != is_management(policy, route)) return &other;
  }
  return nullptr;
}

}  // namespace

void check_management(const Policy& policy, Problems& problems) {
  bool any = false;
  for (const auto& zone : policy.zones) any |= zone.value.management || zone.value.broken;
  if (!any && !policy.zones.empty()) {
    problems.warning(policy.zones.front().mark, "no zone has `management: true`",
                     "nothing is kept free for the management server when the dam is flooded");
  }
  for (const Route& route : policy.routes) {
    if (!is_management(policy, route)) continue;
    for_each_server(route, [&](const Located<std::string>& server) {
      const Route* other = route_of_other_world(policy, route, server.value);
      if (other == nullptr) return;
      problems.warning(server.mark,
                       "server \"" + server.value + "\" serves the management route \"" +
                           route.name.value + "\" and the service route \"" + other->name.value +
                           "\"",
                       "what happens to the service would reach management: use two servers");
    });
  }
}

namespace {

bool zone_used(const Policy& policy, const std::string& name) {
  for (const Route& route : policy.routes) {
    if (route.zone.value == name) return true;
  }
  return name == kFrontZone;
}

bool server_used(const Policy& policy, const std::string& name) {
  bool used = false;
  for (const Route& route : policy.routes) {
    for_each_server(route, [&](const auto& server) { used |= server.value == name; });
  }
  return used;
}

bool listener_used(const Policy& policy, const std::string& name) {
  for (const Route& route : policy.routes) {
    if (route.listener.value == name) return true;
  }
  return false;
}

}  // namespace

void check_unused(const Policy& policy, Problems& problems) {
  for (const auto& zone : policy.zones) {
    if (!zone_used(policy, zone.name)) {
      problems.warning(zone.mark, "no route uses the zone \"" + zone.name + "\"");
    }
  }
  for (const auto& server : policy.servers) {
    if (!server_used(policy, server.name)) {
      problems.warning(server.mark, "no route leads to the server \"" + server.name + "\"");
    }
  }
  for (const Listener& listener : policy.listeners) {
    if (!listener.name.value.empty() && !listener_used(policy, listener.name.value)) {
      problems.warning(listener.name.mark,
                       "no route uses the listener \"" + listener.name.value + "\"",
                       "its connections will be refused");
    }
  }
}

}  // namespace dam::control
