// SPDX-License-Identifier: BSD-3-Clause
// Bans that zones have begun by themselves, as the dataplane lists them; whoever comes back stays
// banned longer.
#include <cstdlib>
#include <utility>

#include "controlplane/bans/ban_book.h"
#include "controlplane/bans/ban_terms.h"
#include "controlplane/bans/protected_addresses.h"
#include "controlplane/policy/subnet.h"

namespace dam::control {

namespace {

constexpr int64_t kNsOfZoneSecond = 1'000'000'000;
constexpr size_t kMostReportedAlone = 100;
constexpr int64_t kSameEnd_s = 2;  // clocks of two processes, and rounding

}  // namespace

// Nothing: it is known, or counts for nothing.
std::optional<KeptBan> BanBook::noted(const v1::ZoneBan& seen, const Network& source,
                                      const BanRules& rules, const ProtectedAddresses& people,
                                      int64_t now_unix) const {
  const auto until_unix = static_cast<int64_t>(seen.until_unix_ms() / 1000);
  const KeptBan* before = find(source);
  KeptBan ban;
  ban.source = source;
  ban.made_unix = now_unix;
  ban.until_unix = until_unix;
  ban.of_zone = true;
  ban.origin = "zone " + seen.zone();
  ban.author = "dam";
  ban.reason = std::to_string(seen.violations()) + " violations";
  if (before == nullptr) return ban;
  if (std::abs(before->until_unix - until_unix) <= kSameEnd_s && !before->everywhere()) return {};
  if (before->holds(now_unix) && !before->of_zone) return {};
  ban.times = before->times;
  if (before->holds(now_unix))
    return before->until_unix >= until_unix ? std::nullopt : std::optional(ban);
  const bool again = now_unix - before->until_unix <=
                     static_cast<int64_t>(rules.repeat_within_ns / kNsOfZoneSecond);
  ban.times = again ? before->times + 1 : 1;
  if (!again || !people.to(source, false).message.empty()) return ban;
  ban.until_unix = now_unix + grown(std::max<int64_t>(until_unix - now_unix, 1), ban.times, rules);
  ban.reason = "banned by zone " + seen.zone() + " for time " + std::to_string(ban.times);
  return ban;
}

std::vector<KeptBan> BanBook::note_zone_bans(const std::vector<v1::ZoneBan>& bans, bool all) {
  const auto policy = policy_now();
  const ProtectedAddresses people(policy.get(), {});
  const std::lock_guard lock(mutex_);
  const int64_t now_unix = clock_();
  note_ends(now_unix);
  const size_t most = most_bans(policy->bans);
  std::vector<KeptBan> written, longer, begun;
  std::vector<ZoneBanChange> changes;
  std::set<Network, NetworkOrder> seen;
  std::map<Network, KeptBan, NetworkOrder> put;
  for (const v1::ZoneBan& one : bans) {
    const auto source = read_subnet(one.source());
    if (!source) continue;
    seen.insert(*source);
    auto ban = noted(one, *source, policy->bans, people, now_unix);
    if (!ban || (find(*source) == nullptr && all_.size() + put.size() >= 2 * most)) continue;
    // In its zone alone: a service zone's ban must not touch the way to management.
    if (ban->until_unix > static_cast<int64_t>(one.until_unix_ms() / 1000)) {
      longer.push_back(*ban);
      changes.push_back({*source, one.zone(), ban->until_unix});
    } else {
      begun.push_back(*ban);
    }
    put.try_emplace(*source, std::move(*ban));
  }
  std::vector<KeptBan> over_now;
  for (const auto& [source, ban] : all_) {
    if (!all || !ban.of_zone || !ban.holds(now_unix) || seen.contains(source)) continue;
    KeptBan over = ban;
    over.until_unix = now_unix;
    over_now.push_back(ban);
    put.try_emplace(source, std::move(over));
  }
  for (auto& [source, ban] : put) written.push_back(std::move(ban));
  BanResult result;
  if (written.empty() || !save(written, forgettable(policy->bans, put.size(), now_unix), result)) {
    return {};
  }
  for (const KeptBan& ban : over_now) ++one_of(lifted_, ban);
  zone_changes_.insert(zone_changes_.end(), changes.begin(), changes.end());
  if (!changes.empty()) news_.notify_all();
  report(longer, now_unix);
  report_each(begun, now_unix);
  return longer;
}

// The first ones by themselves.
void BanBook::report_each(const std::vector<KeptBan>& bans, int64_t now_unix) const {
  const size_t alone = std::min(bans.size(), kMostReportedAlone);
  for (size_t i = 0; i < alone; ++i) report({bans[i]}, now_unix);
  report({bans.begin() + static_cast<std::ptrdiff_t>(alone), bans.end()}, now_unix);
}

}  // namespace dam::control
