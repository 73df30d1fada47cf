// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/signals/source_throttles.h"

#include <algorithm>

namespace dam::control {

bool SourceThrottles::Key::operator<(const Key& other) const {
  if (NetworkOrder()(source, other.source)) return true;
  if (NetworkOrder()(other.source, source)) return false;
  return std::tie(server, rule) < std::tie(other.server, other.rule);
}

SourceThrottles::Begun SourceThrottles::add(const SourceThrottle& wanted, uint64_t most,
                                            uint64_t now_ns) {
  forget_ended(now_ns);
  const Key key{wanted.source, wanted.server, wanted.rule};
  const auto found = kept_.find(key);
  if (found != kept_.end()) {
    found->second.until_ns = std::max(found->second.until_ns, wanted.until_ns);
    return Begun::yes;
  }
  const auto its = std::count_if(kept_.begin(), kept_.end(), [&](const auto& one) {
    return one.first.server == wanted.server;
  });
  if (static_cast<uint64_t>(its) >= most) return Begun::server_has_all;
  if (kept_.size() >= kMost) return Begun::all_are_taken;
  kept_[key] = {wanted.to_percent, wanted.until_ns, now_ns};
  return Begun::yes;
}

void SourceThrottles::hold_against(const Policy& policy, uint64_t now_ns) {
  const auto& rules = policy.signals.rules;
  for (auto& [key, kept] : kept_) {
    const std::string& name = key.rule;
    const auto rule = std::find_if(rules.begin(), rules.end(), [&name](const SignalRule& one) {
      return one.name.value == name && one.throttle.for_ns != 0 && one.mode == Mode::enforce;
    });
    if (rule == rules.end()) {
      kept.until_ns = 0;
      continue;
    }
    kept.to_percent = rule->throttle.to_percent;
    kept.until_ns = std::min(kept.until_ns, now_ns + rule->throttle.for_ns);
  }
  forget_ended(now_ns);
}

std::map<Network, uint64_t, NetworkOrder> SourceThrottles::pay_ns(uint64_t now_ns) {
  constexpr uint64_t kWhole = 100;
  std::map<Network, uint64_t, NetworkOrder> pays;
  for (auto& [key, kept] : kept_) {
    const uint64_t to_ns = std::min(now_ns, kept.until_ns);
    if (to_ns <= kept.paid_ns) continue;
    const uint64_t due_ns = (to_ns - kept.paid_ns) / kWhole * (kWhole - kept.to_percent);
    kept.paid_ns = to_ns;
    uint64_t& pays_ns = pays[key.source];
    pays_ns = std::max(pays_ns, due_ns);
  }
  forget_ended(now_ns);
  return pays;
}

size_t SourceThrottles::lift(const Network& source, uint64_t now_ns) {
  forget_ended(now_ns);
  return std::erase_if(kept_, [&](const auto& one) { return one.first.source == source; });
}

std::optional<SourceThrottle> SourceThrottles::find(const Address& address, uint64_t now_ns) const {
  std::optional<SourceThrottle> lowest;
  for (const auto& [key, kept] : kept_) {
    if (kept.until_ns <= now_ns || !key.source.contains(address)) continue;
    if (lowest && lowest->to_percent <= kept.to_percent) continue;
    lowest = SourceThrottle{key.source, key.server, key.rule, kept.to_percent, kept.until_ns};
  }
  return lowest;
}

void SourceThrottles::forget_ended(uint64_t now_ns) {
  std::erase_if(kept_, [&](const auto& one) { return one.second.until_ns <= now_ns; });
}

}  // namespace dam::control
