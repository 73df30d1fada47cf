// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/signals/source_throttles.h"

#include <algorithm>

namespace dam::control {

bool SourceThrottles::add(const Network& source, const SourceThrottle& wanted, uint64_t most,
                          uint64_t now_ns) {
  const auto found = kept_.find(source);
  if (found != kept_.end() && found->second.throttle.until_ns > now_ns) {
    SourceThrottle& has = found->second.throttle;
    const uint32_t to_percent = std::min(has.to_percent, wanted.to_percent);
    const uint64_t until_ns = std::max(has.until_ns, wanted.until_ns);
    has = {has.server, wanted.rule, to_percent, until_ns};  // it stays that server's, whose it was
    return true;
  }
  std::erase_if(kept_, [&](const auto& one) { return one.second.throttle.until_ns <= now_ns; });
  const auto its = std::count_if(kept_.begin(), kept_.end(), [&](const auto& one) {
    return one.second.throttle.server == wanted.server;
  });
  if (kept_.size() >= kMost || static_cast<uint64_t>(its) >= most) return false;
  kept_[source] = {wanted, now_ns};
  return true;
}

void SourceThrottles::hold_against(const Policy& policy) {
  const auto& rules = policy.signals.rules;
  std::erase_if(kept_, [&](const auto& one) {
    return std::none_of(rules.begin(), rules.end(), [&](const SignalRule& rule) {
      return rule.name.value == one.second.throttle.rule && rule.throttle.for_ns != 0;
    });
  });
}

std::map<Network, uint64_t, NetworkOrder> SourceThrottles::pay_ns(uint64_t now_ns) {
  constexpr uint64_t kWhole = 100;
  std::map<Network, uint64_t, NetworkOrder> pays;
  for (auto& [source, kept] : kept_) {
    const uint64_t to_ns = std::min(now_ns, kept.throttle.until_ns);
    if (to_ns <= kept.paid_ns) continue;
    pays[source] = (to_ns - kept.paid_ns) / kWhole * (kWhole - kept.throttle.to_percent);
    kept.paid_ns = to_ns;
  }
  std::erase_if(kept_, [&](const auto& one) { return one.second.throttle.until_ns <= now_ns; });
  return pays;
}

std::optional<SourceThrottle> SourceThrottles::find(const Address& address, uint64_t now_ns) const {
  const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const auto& one) {
    return one.second.throttle.until_ns > now_ns && one.first.contains(address);
  });
  return found == kept_.end() ? std::nullopt : std::optional(found->second.throttle);
}

}  // namespace dam::control
