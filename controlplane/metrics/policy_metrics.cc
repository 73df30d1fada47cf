// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/metrics/policy_metrics.h"

#include "controlplane/dataplane_link/counters_reader.h"

namespace dam::control {

namespace {

using Sights = std::map<std::string, ServerSight>;

// The dam's probes reach it, people let it take new connections, and no check says otherwise.
bool takes_connections(const std::string& server, const dam_counters& counters,
                       const Sights& servers) {
  const int slot = server_slot(counters, server);
  if (slot < 0 || counters.servers[slot].up != 1) return false;
  const auto sight = servers.find(server);
  if (sight == servers.end()) return true;
  const auto& health = sight->second.health;
  return sight->second.word.intake == Intake::enabled &&
         (!health || health->verdict != Verdict::down);
}

int servers_of(const Route& route, const dam_counters& counters, const Sights& servers) {
  int count = 0;
  for (const auto& server : route.servers) {
    if (takes_connections(server.value, counters, servers)) ++count;
  }
  const std::string& fallback = route.fallback.value;
  if (!fallback.empty() && takes_connections(fallback, counters, servers)) ++count;
  return count;
}

}  // namespace

void add_policy_state(const LinkState& link, std::vector<prometheus::MetricFamily>& out) {
  auto converged = gauge("dam_policy_converged",
                         "1: the dataplane runs the wanted policy and has all that belongs to it, "
                         "0: something keeps it from that, or waits for its restart.");
  const bool whole = link.connected && link.started && link.policy_version != 0 &&
                     link.trouble.empty() && !link.restart_needed;
  converged.add(whole ? 1 : 0);
  out.push_back(converged.take());
}

void add_routes(const Policy& policy, const dam_counters& counters, const Sights& servers,
                std::vector<prometheus::MetricFamily>& out) {
  auto count = gauge("dam_route_servers_up",
                     "Servers of the route, its fallback included, that take new connections.");
  for (const Route& route : policy.routes) {
    const auto* zone = find_named(policy.zones, route.zone.value);
    const bool management = zone != nullptr && zone->value.management;
    count.add(servers_of(route, counters, servers),
              {{"route", route.name.value},
               {"zone", route.zone.value},
               {"management", management ? "true" : "false"}});
  }
  out.push_back(count.take());
}

}  // namespace dam::control
