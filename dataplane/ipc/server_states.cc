// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipc/server_states.h"

#include <utility>

#include "dataplane/ipc/errors.h"
#include "dataplane/ipc/policy_checks.h"

namespace dam {

std::vector<std::string> ServerStates::take(const v1::ServerStates& message) {
  Errors errors;
  errors.require(message.servers_size() <= DAM_MAX_SERVERS,
                 "States of more than " + std::to_string(DAM_MAX_SERVERS) + " servers.");
  std::map<std::string, Entry> fresh;
  for (const v1::ServerState& state : message.servers()) {
    const std::string where = "State of server \"" + state.name() + "\"";
    check_name(where, state.name(), errors);
    errors.require(state.weight() <= 0xffff, where + ": a weight is at most 65535.");
    errors.require(v1::ServerIntake_IsValid(state.intake()) && v1::Health_IsValid(state.health()),
                   where + ": a state that this dataplane does not know.");
    const auto [entry, first] = fresh.emplace(state.name(), Entry{});
    errors.require(first, where + " is there twice.");
    const auto before = entries_.find(state.name());
    entry->second.intake = state.intake();
    entry->second.weight = static_cast<uint16_t>(state.weight());
    if (state.intake() == v1::INTAKE_AS_BEFORE) {
      const Entry known = before != entries_.end() ? before->second : Entry{};
      entry->second.intake = known.intake;
      entry->second.weight = known.weight;
    }
    entry->second.unhealthy =
        state.health() == v1::UNHEALTHY || (state.health() == v1::HEALTH_AS_BEFORE &&
                                            before != entries_.end() && before->second.unhealthy);
  }
  if (errors.empty()) entries_ = std::move(fresh);
  return errors.take();
}

ServerOrder ServerStates::order_of(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return {};
  const Entry& entry = found->second;
  return {entry.intake != v1::TAKES_NEW || entry.unhealthy, entry.weight};
}

v1::ServerStates ServerStates::lasting() const {
  v1::ServerStates message;
  for (const auto& [name, entry] : entries_) {
    if (entry.intake == v1::TAKES_NEW && entry.weight == 0) continue;
    v1::ServerState* state = message.add_servers();
    state->set_name(name);
    state->set_intake(entry.intake);
    state->set_weight(entry.weight);
  }
  return message;
}

bool ServerStates::forget_health() {
  bool changed = false;
  for (auto& [name, entry] : entries_) changed |= std::exchange(entry.unhealthy, false);
  return changed;
}

}  // namespace dam
