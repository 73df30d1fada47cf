// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/health/servers.h"

#include <algorithm>
#include <ctime>

#include "controlplane/health/coalescing.h"

namespace dam::control {

namespace {

v1::ServerIntake intake_of(Intake intake) {
  if (intake == Intake::drained) return v1::DRAINED;
  return intake == Intake::disabled ? v1::DISABLED : v1::TAKES_NEW;
}

// A control plane that has just begun knows nothing yet, and leaves what the one before has found.
v1::Health health_of(const std::optional<ServerHealth>& health) {
  if (!health || health->unchecked || health->verdict == Verdict::up) return v1::HEALTHY;
  return health->verdict == Verdict::down ? v1::UNHEALTHY : v1::HEALTH_AS_BEFORE;
}

}  // namespace

const char* intake_text(Intake intake) {
  constexpr const char* kTexts[] = {"enabled", "drained", "disabled"};
  return kTexts[static_cast<int>(intake)];
}

Servers::Servers(ServerStore& store, Parts parts)
    : store_(store),
      parts_(std::move(parts)),
      words_(store.all()),
      checker_({parts_.dam_sees, [this] { tell(); }, parts_.say}) {}

std::map<std::string, ServerSight> Servers::look() const {
  const auto health = checker_.health();
  const std::lock_guard lock(mutex_);
  std::map<std::string, ServerSight> all;
  if (policy_ == nullptr) return all;
  for (const auto& server : policy_->servers) {
    ServerSight& sight = all[server.name];
    if (const auto word = words_.find(server.name); word != words_.end()) sight.word = word->second;
    if (const auto found = health.find(server.name); found != health.end()) {
      sight.health = found->second;
    }
  }
  return all;
}

std::vector<Problem> Servers::objections(const Policy& policy) const {
  return coalescing_problems(plan_checks(policy), checker_.certificates(), std::time(nullptr));
}

v1::ServerStates Servers::states() const {
  v1::ServerStates states;
  for (const auto& [name, sight] : look()) {
    v1::ServerState* state = states.add_servers();
    state->set_name(name);
    const bool unknown = !parts_.remembers && sight.word.author.empty();
    state->set_intake(unknown ? v1::INTAKE_AS_BEFORE : intake_of(sight.word.intake));
    state->set_health(health_of(sight.health));
    state->set_weight(sight.word.weight);
  }
  return states;
}

bool Servers::tell() {
  const std::lock_guard telling(telling_);
  return parts_.deliver(states());
}

void Servers::spare_disabled() {
  std::vector<std::string> disabled;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, word] : words_) {
      if (word.intake == Intake::disabled) disabled.push_back(name);
    }
  }
  checker_.spare(std::move(disabled));
}

void Servers::follow(std::shared_ptr<const Policy> policy) {
  checker_.replan(plan_checks(*policy));
  {
    const std::lock_guard lock(mutex_);
    policy_ = std::move(policy);
  }
  spare_disabled();
  tell();
}

Delivery Servers::put_in_force(
    std::shared_ptr<const Policy> policy,
    const std::function<Delivery(std::shared_ptr<const Policy>)>& deliver) {
  std::shared_ptr<const Policy> before;
  {
    const std::lock_guard lock(mutex_);
    before = policy_;
  }
  follow(policy);
  Delivery delivery = deliver(std::move(policy));
  if (delivery.outcome == Delivery::Outcome::refused && before) follow(std::move(before));
  return delivery;
}

// Routes that people have left without a server.
std::vector<std::string> Servers::warnings() const {
  const auto sights = look();
  const auto closed = [&](const std::string& name) {
    const auto found = sights.find(name);
    return found != sights.end() && found->second.word.intake != Intake::enabled;
  };
  const std::lock_guard lock(mutex_);
  std::vector<std::string> list;
  for (const Route& route : policy_->routes) {
    const bool none = std::all_of(route.servers.begin(), route.servers.end(),
                                  [&](const auto& server) { return closed(server.value); });
    if (!none) continue;
    const std::string& fallback = route.fallback.value;
    const bool saved = !fallback.empty() && !closed(fallback);
    list.push_back(
        "route \"" + route.name.value + "\" has no server left that takes connections: " +
        (saved ? "its fallback \"" + fallback + "\" has them all" : "its clients are reset"));
  }
  return list;
}

ServerChangeResult Servers::change(const std::string& server, const ServerChange& change,
                                   const std::string& author) {
  ServerChangeResult result;
  {
    const std::lock_guard lock(mutex_);
    if (policy_ == nullptr || find_named(policy_->servers, server) == nullptr) {
      result.outcome = ServerChangeResult::Outcome::unknown_server;
      return result;
    }
    ServerWord word = words_[server];
    if (change.intake) word.intake = *change.intake;
    if (change.weight) word.weight = *change.weight;
    word.author = author;
    word.at_unix = std::time(nullptr);
    try {
      store_.put(server, word);
    } catch (const std::exception& error) {
      result.outcome = ServerChangeResult::Outcome::not_saved;
      result.trouble = error.what();
      return result;
    }
    words_[server] = word;
  }
  spare_disabled();
  result.outcome =
      tell() ? ServerChangeResult::Outcome::applied : ServerChangeResult::Outcome::waiting;
  result.warnings = warnings();
  return result;
}

}  // namespace dam::control
