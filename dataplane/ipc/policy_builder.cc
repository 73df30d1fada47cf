// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipc/policy_builder.h"

#include <map>
#include <set>
#include <utility>

#include "dataplane/ipc/errors.h"
#include "dataplane/ipc/policy_checks.h"
#include "dataplane/ipc/policy_slots.h"
#include "dataplane/ipc/wire_address.h"

namespace dam {
namespace {

const char kFront[] = "front";

class Builder {
 public:
  Builder(const v1::Snapshot& snapshot, const Limits& tables, const Policy* previous)
      : snapshot_(snapshot), policy_(std::make_shared<Policy>()) {
    policy_->version = snapshot.version();
    errors_.require(snapshot.version() != 0, "The policy has version 0, which stands for none.");
    policy_->limits = read_limits(snapshot, tables, errors_);
    policy_->timeouts = read_timeouts(snapshot.timeouts(), errors_);
    policy_->source_ports = read_port_range(snapshot, errors_);
    policy_->log_connections_every = snapshot.log_connections_every();
    if (previous == nullptr) return;
    policy_->zones = previous->zones;
    policy_->servers = previous->servers;
    policy_->listeners = previous->listeners;
  }

  PolicyResult build() {
    zones();
    servers();
    listeners();
    routes();
    policy_->allow = PrefixSet(read_prefixes("allow", snapshot_.allow(), errors_));
    policy_->deny = PrefixSet(read_prefixes("deny", snapshot_.deny(), errors_));
    if (!errors_.empty()) return {nullptr, errors_.take()};
    policy_->derive();
    return {std::move(policy_), {}};
  }

 private:
  void zones();
  void servers();
  void listeners();
  void routes();
  void read_pool(const v1::Route& message, Route& route);
  bool reserve(const char* what, size_t count, size_t most);

  const v1::Snapshot& snapshot_;
  std::shared_ptr<Policy> policy_;
  Errors errors_;
  std::map<std::string, uint32_t> zone_slots_;
  std::map<std::string, uint32_t> server_slots_;
  struct Group {
    uint16_t number;
    Protocol protocol;
  };
  std::map<std::string, Group> groups_;
};

bool Builder::reserve(const char* what, size_t count, size_t most) {
  return errors_.require(count <= most, "The policy has " + std::to_string(count) + " " + what +
                                            "; at most " + std::to_string(most) + " are possible.");
}

void Builder::zones() {
  std::vector<Zone> wanted(1);
  wanted[0].name = kFront;
  std::set<std::string> seen;
  for (const v1::Zone& message : snapshot_.zones()) {
    Zone zone = read_zone(message, errors_);
    errors_.require(seen.insert(zone.name).second, "Zone \"" + zone.name + "\" is there twice.");
    if (zone.name == kFront) {
      wanted[0] = std::move(zone);
    } else {
      wanted.push_back(std::move(zone));
    }
  }
  if (!reserve("zones", wanted.size(), DAM_MAX_ZONES) || !errors_.empty()) return;
  std::vector<std::string> names;
  for (const Zone& zone : wanted) names.push_back(zone.name);
  std::vector<uint32_t> slots;
  place_in_slots(policy_->zones, wanted, slots, DAM_MAX_ZONES);
  for (size_t i = 0; i < names.size(); ++i) zone_slots_[names[i]] = slots[i];
}

void Builder::servers() {
  std::vector<Server> wanted;
  std::set<std::string> seen;
  for (const v1::Server& message : snapshot_.servers()) {
    wanted.push_back(read_server(message, errors_));
    errors_.require(seen.insert(message.name()).second,
                    "Server \"" + message.name() + "\" is there twice.");
  }
  if (!reserve("servers", wanted.size(), DAM_MAX_SERVERS) || !errors_.empty()) return;
  std::vector<std::string> names;
  for (const Server& server : wanted) names.push_back(server.name);
  std::vector<uint32_t> slots;
  place_in_slots(policy_->servers, wanted, slots, DAM_MAX_SERVERS);
  for (size_t i = 0; i < names.size(); ++i) server_slots_[names[i]] = slots[i];
}

void Builder::listeners() {
  std::vector<Listener> wanted;
  std::map<std::string, std::string> owner;
  for (const v1::Listener& message : snapshot_.listeners()) {
    const auto group = static_cast<uint16_t>(groups_.size());
    const auto protocol = static_cast<Protocol>(message.protocol());
    errors_.require(groups_.emplace(message.name(), Group{group, protocol}).second,
                    "Listener \"" + message.name() + "\" is there twice.");
    for (Listener& listener : read_listener(message, errors_)) {
      const auto [other, fresh] = owner.emplace(slot_key(listener), listener.name);
      errors_.require(fresh, "Listener \"" + listener.name + "\": " + to_text(listener.address) +
                                 " port " + std::to_string(message.port()) +
                                 " belongs to listener \"" + other->second + "\" already.");
      listener.group = group;
      wanted.push_back(std::move(listener));
    }
    if (wanted.size() > kMaxListeners) break;
  }
  if (!reserve("listener addresses", wanted.size(), kMaxListeners) || !errors_.empty()) return;
  for (Listener& listener : policy_->listeners) listener.group = kRetiredGroup;
  std::vector<uint32_t> slots;
  place_in_slots(policy_->listeners, wanted, slots, kMaxListeners);
}

void Builder::read_pool(const v1::Route& message, Route& route) {
  const std::string where = "Route \"" + message.name() + "\"";
  errors_.require(message.servers_size() > 0, where + " has no server.");
  for (const std::string& name : message.servers()) {
    const auto found = server_slots_.find(name);
    if (errors_.require(found != server_slots_.end(),
                        where + ": there is no server \"" + name + "\".")) {
      route.server_slots.push_back(static_cast<uint16_t>(found->second));
    }
  }
  if (message.fallback().empty()) return;
  const auto found = server_slots_.find(message.fallback());
  if (errors_.require(
          found != server_slots_.end(),
          where + ": there is no server \"" + message.fallback() + "\" to fall back to.")) {
    route.fallback_slot = static_cast<int32_t>(found->second);
  }
}

void Builder::routes() {
  if (!reserve("routes", static_cast<size_t>(snapshot_.routes_size()), kMaxRoutes)) return;
  if (!errors_.empty()) return;  // else every route would complain of what it refers to
  std::vector<RouteRule> rules;
  std::set<std::string> seen;
  for (const v1::Route& message : snapshot_.routes()) {
    const std::string where = "Route \"" + message.name() + "\"";
    check_name(where, message.name(), errors_);
    errors_.require(seen.insert(message.name()).second, where + " is there twice.");
    Route route;
    route.name = message.name();
    const auto zone = zone_slots_.find(message.zone());
    if (errors_.require(zone != zone_slots_.end(),
                        where + ": there is no zone \"" + message.zone() + "\".")) {
      route.zone_slot = static_cast<uint8_t>(zone->second);
    }
    read_pool(message, route);
    const auto group = groups_.find(message.listener());
    if (errors_.require(group != groups_.end(),
                        where + ": there is no listener \"" + message.listener() + "\".")) {
      RouteRule rule = read_rule(message, group->second.protocol, errors_);
      rule.route = static_cast<uint16_t>(policy_->routes.size());
      rule.listener_group = group->second.number;
      route.listener_group = group->second.number;
      rules.push_back(std::move(rule));
    }
    policy_->routes.push_back(std::move(route));
  }
  if (errors_.empty()) policy_->router = Router(rules);
}

}  // namespace

PolicyResult build_policy(const v1::Snapshot& snapshot, const Limits& tables,
                          const Policy* previous) {
  return Builder(snapshot, tables, previous).build();
}

}  // namespace dam
