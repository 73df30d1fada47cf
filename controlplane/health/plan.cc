// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/health/plan.h"

#include <algorithm>
#include <set>

#include "controlplane/policy/check.h"

namespace dam::control {

namespace {

bool leads_to(const Route& route, const std::string& server) {
  return route.fallback.value == server ||
         std::any_of(route.servers.begin(), route.servers.end(),
                     [&](const auto& entry) { return entry.value == server; });
}

bool is_management(const Policy& policy, const Route& route) {
  const auto* zone = find_named(policy.zones, route.zone.value);
  return zone != nullptr && zone->value.management;
}

// Two names of one listening socket: a request that goes to the other one goes to the same.
bool is_same_place(const Policy& policy, const CheckPlan& plan, const std::string& other) {
  const auto* server = find_named(policy.servers, other);
  if (server == nullptr || server->value.port != plan.port) return false;
  return std::any_of(
      server->value.addresses.begin(), server->value.addresses.end(), [&](const auto& address) {
        return std::find(plan.addresses.begin(), plan.addresses.end(), address.value) !=
               plan.addresses.end();
      });
}

CheckKind kind_of(const Policy& policy, const std::string& server, CheckKind wanted) {
  if (wanted != CheckKind::automatic) return wanted;
  CheckKind kind = CheckKind::tcp;
  for (const Route& route : policy.routes) {
    const Listener* listener = find_listener(policy, route.listener.value);
    if (listener == nullptr || !leads_to(route, server)) continue;
    if (listener->protocol == Protocol::tls) return CheckKind::tls;
    if (listener->protocol == Protocol::http) kind = CheckKind::http;
  }
  return kind;
}

// Names of this server, of any protocol; those of TLS listeners may be one certificate's matter.
void add_own_names(const Policy& policy, CheckPlan& plan) {
  for (const Route& route : policy.routes) {
    const Listener* listener = find_listener(policy, route.listener.value);
    if (listener == nullptr || !leads_to(route, plan.server)) continue;
    plan.management |= is_management(policy, route);
    for (const auto& name : route.server_names) {
      if (name.value.starts_with("*.")) continue;
      if (plan.name.empty()) plan.name = name.value;
      if (listener->protocol == Protocol::tls) plan.own_names.push_back(name.value);
    }
  }
  std::erase(plan.own_names, plan.name);
  if (plan.over_tls() && !plan.name.empty())
    plan.own_names.insert(plan.own_names.begin(), plan.name);
}

// Browsers use a connection again for another name of its certificate when that name has the same
// address and port (RFC 9113 9.1.1): the same listener, for the dam.
void add_other_names(const Policy& policy, CheckPlan& plan) {
  std::set<std::string> listeners;
  for (const Route& route : policy.routes) {
    if (leads_to(route, plan.server)) listeners.insert(route.listener.value);
  }
  for (const Route& route : policy.routes) {
    const Listener* listener = find_listener(policy, route.listener.value);
    const bool shared = listener != nullptr && listener->protocol == Protocol::tls &&
                        listeners.contains(listener->name.value);
    if (!shared || leads_to(route, plan.server) || route.servers.empty()) continue;
    const std::string& server = route.servers.front().value;
    if (is_same_place(policy, plan, server)) continue;
    for (const auto& name : route.server_names) {
      plan.other_names.push_back({name.value, route.name.value, server});
    }
  }
}

}  // namespace

bool CheckPlan::shows(const std::string& of) const {
  if (own_names.empty()) return of == name;
  return std::find(own_names.begin(), own_names.end(), of) != own_names.end();
}

std::vector<CheckPlan> plan_checks(const Policy& policy) {
  std::vector<CheckPlan> plans;
  for (const auto& server : policy.servers) {
    if (!server.value.check) continue;
    CheckPlan plan;
    plan.server = server.name;
    for (const auto& address : server.value.addresses) plan.addresses.push_back(address.value);
    plan.port = static_cast<uint16_t>(server.value.port);
    plan.proxy = server.value.proxy;
    plan.check = *server.value.check;
    plan.kind = kind_of(policy, server.name, plan.check.kind);
    plan.name = plan.check.name;
    add_own_names(policy, plan);
    add_other_names(policy, plan);
    plans.push_back(std::move(plan));
  }
  return plans;
}

}  // namespace dam::control
