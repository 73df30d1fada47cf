// SPDX-License-Identifier: BSD-3-Clause
// Bans of every service zone and of no other: what servers' signals can do.
#include "controlplane/bans/ban_book.h"
#include "controlplane/bans/protected_addresses.h"
#include "dataplane/ipc/bounds.h"

namespace dam::control {

namespace {

BanResult refused_in_services(BanResult::Outcome outcome, std::string message, std::string hint) {
  BanResult result;
  result.outcome = outcome;
  result.problems = {{Severity::error, "", {}, std::move(message), std::move(hint)}};
  return result;
}

}  // namespace

// The front is no service zone: before a route is known, a client may want to go to management.
std::vector<std::string> service_zones(const Policy& policy) {
  std::vector<std::string> zones;
  for (const auto& zone : policy.zones) {
    if (!zone.value.management && zone.name != kFrontZone) zones.push_back(zone.name);
  }
  return zones;
}

bool BanBook::is_held(const Network& source) {
  const std::lock_guard lock(mutex_);
  const KeptBan* before = find(source);
  return before != nullptr && !before->of_zone && before->holds(clock_());
}

// No bans of whom `most` is left; empty: there are some.
std::string BanBook::full_of_services(const std::string& author, size_t most) const {
  const size_t all = in_services_.all(), own = in_services_.of(author);
  if (own >= most) return author + " has caused all " + std::to_string(own) + " bans that it may";
  return all < kMaxZoneBans ? "" : std::to_string(all) + " bans by signals hold, which is all";
}

BanResult BanBook::ban_in_services(const BanRequest& request, const Asker& asker, size_t most) {
  if (is_held(request.source)) return {};  // the usual case under attack, and cheap
  const auto policy = policy_now();
  const ProtectedAddresses people(policy.get(), asker.addresses);
  const auto objection = people.to(request.source, false);
  if (!objection.message.empty()) {
    return refused_in_services(BanResult::Outcome::refused, objection.message, objection.hint);
  }
  const std::lock_guard lock(mutex_);
  const int64_t now_unix = clock_();
  note_ends(now_unix);
  KeptBan ban = made_of(request, asker, policy->bans, now_unix);
  ban.in_services = true;
  BanResult result;
  const KeptBan* before = find(ban.source);
  const bool held = before != nullptr && before->holds(now_unix);
  if (held && (!before->of_zone || before->until_unix >= ban.until_unix)) return result;
  const std::string full = full_of_services(asker.name, most);
  if (!full.empty()) {
    return refused_in_services(BanResult::Outcome::full, full, "signals.most.bans in dam.yaml");
  }
  if (!save({ban}, forgettable(policy->bans, 1, now_unix), result)) return result;
  services_to_tell_.insert(ban.source);
  report({ban}, now_unix);
  result.count = 1;
  result.bans = {std::move(ban)};
  return result;
}

void BanBook::tell_services(bool all) {
  auto policy = policy_now();
  const std::lock_guard lock(mutex_);
  if (!all && policy == services_of_) return;
  services_of_ = std::move(policy);
  for (const auto& [source, ban] : all_) {
    if (ban.in_services) services_to_tell_.insert(source);
  }
}

void BanBook::tell_services_of(const Network& source) {
  const std::lock_guard lock(mutex_);
  services_to_tell_.insert(source);
}

std::vector<ZoneBanChange> BanBook::zone_changes(size_t most) {
  const std::vector<std::string> zones = service_zones(*policy_now());
  const std::lock_guard lock(mutex_);
  const auto end =
      zone_changes_.begin() + static_cast<std::ptrdiff_t>(std::min(most, zone_changes_.size()));
  std::vector<ZoneBanChange> changes(zone_changes_.begin(), end);
  zone_changes_.erase(zone_changes_.begin(), end);
  const int64_t now_unix = clock_();
  while (changes.size() < most && !services_to_tell_.empty()) {
    const KeptBan* ban = find(*services_to_tell_.begin());
    services_to_tell_.erase(services_to_tell_.begin());
    if (ban == nullptr || !ban->in_services || !ban->holds(now_unix)) continue;
    for (const std::string& zone : zones) {
      changes.push_back({ban->source, zone, ban->until_unix});
    }
  }
  return changes;
}

}  // namespace dam::control
