// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/signals/signals.h"

#include <algorithm>
#include <utility>

#include "controlplane/signals/signal_line.h"
#include "controlplane/signals/signal_match.h"
#include "dataplane/ipc/bounds.h"

namespace dam::control {

namespace {

constexpr uint64_t kNsOfMinute = 60'000'000'000;
constexpr double kSecondsOfMinute = 60;
constexpr size_t kMostServers = 128;  // more share one place
constexpr int64_t kNsOfSignalBanSecond = 1'000'000'000;

std::vector<std::string> names_of_rules(const Policy& policy) {
  std::vector<std::string> names;
  for (const SignalRule& rule : policy.signals.rules) names.push_back(rule.name.value);
  return names;
}

SignalEnd end_of(const BanResult& result) {
  switch (result.outcome) {
    case BanResult::Outcome::done:
      return result.count == 0 ? SignalEnd::held : SignalEnd::banned;
    case BanResult::Outcome::refused:
      return SignalEnd::spared;
    case BanResult::Outcome::full:
      return SignalEnd::capped;
    default:
      return SignalEnd::failed;
  }
}

}  // namespace

Signals::Signals(BanBook& book, CurrentPolicy policy, Clock clock, Report report, Hear hear,
                 Slow slow)
    : book_(book),
      policy_(std::move(policy)),
      clock_(std::move(clock)),
      report_(std::move(report)),
      hear_(std::move(hear)),
      slow_(std::move(slow)) {}

bool Signals::has_rules() const {
  const auto policy = policy_();
  return policy != nullptr && !policy->signals.rules.empty();
}

std::optional<SocketAddress> Signals::listen_at() const {
  const auto policy = policy_();
  if (policy == nullptr || !policy->signals.listen) return std::nullopt;
  return policy->signals.listen->value;
}

SignalTotals Signals::totals() const {
  const std::lock_guard lock(mutex_);
  return totals_;
}

void Signals::lost(uint64_t count) {
  const std::lock_guard lock(mutex_);
  totals_.refused[static_cast<size_t>(SignalRefusal::overflow)] += count;
}

// Counts of rules that were others mean nothing any more.
std::shared_ptr<const Policy> Signals::policy_now() {
  auto policy = policy_();
  if (policy == nullptr) return nullptr;
  if (policy != protected_by_) {
    protected_by_ = policy;
    protected_.emplace(policy.get(), std::vector<Address>());
  }
  auto names = names_of_rules(*policy);
  if (names != rules_) {
    rules_ = std::move(names);
    servers_.clear();
    for (const std::string& rule : rules_) totals_.ends.try_emplace(rule);
    std::erase_if(totals_.ends, [this](const auto& one) {
      return std::find(rules_.begin(), rules_.end(), one.first) == rules_.end();
    });
  }
  return policy;
}

// "": a stranger's.
std::string Signals::name_of(const Address& sender, const Policy& policy) const {
  for (const auto& one : policy.signals.from) {
    if (parse_address(one.value) == sender) return one.value;
    const auto* server = find_named(policy.servers, one.value);
    if (server == nullptr) continue;
    for (const auto& address : server->value.addresses) {
      if (address.value == sender) return server->name;
    }
  }
  return "";
}

Signals::Server& Signals::server_of(const std::string& name) {
  const auto found = servers_.find(name);
  if (found != servers_.end()) return found->second;
  return servers_[servers_.size() < kMostServers ? name : ""];
}

void Signals::take_line(const Address& sender, std::string_view datagram) {
  const std::lock_guard lock(mutex_);
  const auto policy = policy_now();
  const std::string name = policy == nullptr ? "" : name_of(sender, *policy);
  if (name.empty()) {
    ++totals_.refused[static_cast<size_t>(SignalRefusal::stranger)];
    return;
  }
  const auto signal = read_signal_line(datagram);
  if (!signal) {
    ++totals_.refused[static_cast<size_t>(SignalRefusal::malformed)];
    return;
  }
  size_t banned = 0;
  take_one_of(name, *signal, *policy, banned);
}

Signals::Taken Signals::take(const std::string& server, const std::vector<Signal>& signals) {
  const std::lock_guard lock(mutex_);
  const auto policy = policy_now();
  Taken taken;
  if (policy == nullptr) return taken;
  for (const Signal& signal : signals) {
    const bool accepted = take_one_of(server, signal, *policy, taken.banned);
    ++(accepted ? taken.accepted : taken.refused);
  }
  return taken;
}

bool Signals::take_one_of(const std::string& name, const Signal& signal, const Policy& policy,
                          size_t& banned) {
  Server& server = server_of(name);
  const SignalPolicy& rules = policy.signals;
  const uint64_t now_ns = clock_();
  const uint64_t a_second = rules.most.signals_per_second;
  if (!take_one({static_cast<double>(a_second), 2 * a_second}, now_ns, server.signals_tat_ns)) {
    ++totals_.refused[static_cast<size_t>(SignalRefusal::too_many)];
    return false;
  }
  ++totals_.accepted;
  if (hear_) hear_(name, signal);
  const Network source = source_of(signal.client, rules.source_prefix);
  for (uint32_t i = 0; i < rules.rules.size(); ++i) {
    const SignalRule& rule = rules.rules[i];
    if (!fits(rule, signal)) continue;
    const bool anew = !rule.charge.is_any();  // a charge is of each one too many
    if (rule.rate && !server.counts.exceeds(i, source, rule.rate->value, now_ns, anew)) continue;
    const SignalEnd end = act(name, server, rule, source, signal, policy);
    ++totals_.ends[rule.name.value][static_cast<size_t>(end)];
    banned += end == SignalEnd::banned ? 1 : 0;
  }
  return true;
}

SignalEnd Signals::act(const std::string& name, Server& server, const SignalRule& rule,
                       const Network& source, const Signal& signal, const Policy& policy) {
  if (rule.mode == Mode::shadow) return SignalEnd::shadow;
  // The book looks at it anew, at the price of all protected addresses: not as often as one tells.
  if (!protected_->to(source, false).message.empty()) return SignalEnd::spared;
  const SignalCaps& most = policy.signals.most;
  if (rule.ban_ns == 0) return slow(name, server, rule, source, most);
  return ban(name, server, rule, source, signal, most);
}

SignalEnd Signals::slow(const std::string& name, Server& server, const SignalRule& rule,
                        const Network& source, const SignalCaps& most) {
  const uint64_t a_second = most.charges_per_second;
  if (!take_one({static_cast<double>(a_second), a_second}, clock_(), server.charges_tat_ns)) {
    const char* what = rule.throttle.for_ns != 0 ? "throttle" : "charge";
    tell_capped(name, server, what, "signals.most.charges_per_second");
    return SignalEnd::capped;
  }
  if (rule.throttle.for_ns != 0) return throttle(name, server, rule, source, most);
  return slow_.charge && slow_.charge(source, rule.charge) ? SignalEnd::charged : SignalEnd::failed;
}

SignalEnd Signals::throttle(const std::string& name, Server& server, const SignalRule& rule,
                            const Network& source, const SignalCaps& most) {
  const SourceThrottle wanted{source, name, rule.name.value, rule.throttle.to_percent,
                              rule.throttle.for_ns};
  if (!slow_.throttle) return SignalEnd::failed;
  const auto begun = slow_.throttle(wanted, most.throttles);
  if (begun == SourceThrottles::Begun::yes) return SignalEnd::throttled;
  const bool its_own = begun == SourceThrottles::Begun::server_has_all;
  tell_capped(name, server, "throttle",
              its_own ? "signals.most.throttles" : "what all servers may throttle together");
  return SignalEnd::capped;
}

SignalEnd Signals::ban(const std::string& name, Server& server, const SignalRule& rule,
                       const Network& source, const Signal& signal, const SignalCaps& most) {
  const Rate bans{static_cast<double>(most.bans_per_minute) / kSecondsOfMinute,
                  most.bans_per_minute};
  const uint64_t before_ns = server.bans_tat_ns;
  if (!take_one(bans, clock_(), server.bans_tat_ns)) {
    tell_capped(name, server, "ban", "signals.most.bans_per_minute");
    return SignalEnd::capped;
  }
  BanRequest request;
  request.source = source;
  request.for_s = static_cast<int64_t>(rule.ban_ns) / kNsOfSignalBanSecond;
  request.reason = reason_of(signal);
  Asker asker;
  asker.name = name;
  asker.origin = "signal " + rule.name.value;
  const SignalEnd end = end_of(book_.ban_in_services(request, asker, most.bans));
  if (end == SignalEnd::capped) tell_capped(name, server, "ban", "signals.most.bans");
  // Where a cap or a full disk is in the way each try is one of the minute's: they cost the most.
  if (end == SignalEnd::held || end == SignalEnd::spared) server.bans_tat_ns = before_ns;
  return end;
}

void Signals::tell_capped(const std::string& name, Server& server, const std::string& what,
                          const std::string& why) {
  const uint64_t now_ns = clock_();
  if (!report_ || (server.told_ns != 0 && now_ns - server.told_ns < kNsOfMinute)) return;
  server.told_ns = now_ns;
  report_(name, "signals of " + name + " " + what + " nobody for now: " + why + " is reached");
}

}  // namespace dam::control
