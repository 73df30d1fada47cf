// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/bans/fingerprint_book.h"

#include <algorithm>
#include <utility>

#include "controlplane/bans/ban_terms.h"
#include "dataplane/ipc/bounds.h"
#include "dataplane/ipc/ja4_pattern.h"

namespace dam::control {

namespace {

Problem too_many_kinds(size_t count) {
  return {Severity::error,
          "",
          {},
          "that would be " + std::to_string(count) + " bans of fingerprints; at most " +
              std::to_string(kMaxJa4Bans) + " may hold",
          "lift some (damctl bans, damctl unban PATTERN), or let one pattern with * stand for "
          "several"};
}

}  // namespace

FingerprintBook::FingerprintBook(BanStore& store, BanBook::CurrentPolicy policy,
                                 BanBook::Clock clock, BanBook::Report report, bool remembers)
    : store_(store),
      policy_(std::move(policy)),
      clock_(std::move(clock)),
      report_(std::move(report)),
      remembers_(remembers),
      version_(drawn_version()),
      known_(remembers),
      ended_until_unix_(clock_()) {
  for (FingerprintBan& ban : store_.fingerprints()) all_.insert_or_assign(ban.ja4, std::move(ban));
}

std::shared_ptr<const Policy> FingerprintBook::policy_now() const {
  auto policy = policy_();
  return policy != nullptr ? policy : std::make_shared<const Policy>();
}

std::vector<std::string> FingerprintBook::zones() const { return service_zones(*policy_now()); }

size_t FingerprintBook::holding(int64_t now_unix) const {
  return static_cast<size_t>(std::count_if(
      all_.begin(), all_.end(), [&](const auto& one) { return one.second.holds(now_unix); }));
}

size_t FingerprintBook::holding_with(const All& put, int64_t now_unix) const {
  size_t count = 0;
  for (const auto& [ja4, ban] : put) count += ban.holds(now_unix) ? 1 : 0;
  for (const auto& [ja4, ban] : all_) {
    count += ban.holds(now_unix) && !put.contains(ja4) ? 1 : 0;
  }
  return count;
}

// Whose repeats would not count any more.
std::vector<std::string> FingerprintBook::forgettable(int64_t now_unix) const {
  const auto within_s = static_cast<int64_t>(policy_now()->bans.repeat_within_ns / 1'000'000'000);
  std::vector<std::string> old;
  for (const auto& [ja4, ban] : all_) {
    if (!ban.holds(now_unix) && now_unix - ban.until_unix > within_s) old.push_back(ja4);
  }
  return old;
}

void FingerprintBook::take(const KindChange& change) {
  for (const std::string& ja4 : change.removed) all_.erase(ja4);
  for (const FingerprintBan& ban : change.put) {
    all_.insert_or_assign(ban.ja4, ban);
    lift_.erase(ban.ja4);
  }
  version_ = drawn_version();
  known_ = true;
  refusal_.clear();
}

FingerprintBan FingerprintBook::made_of(const BanRequest& request, const Asker& asker,
                                        const BanRules& rules, int64_t now_unix) const {
  FingerprintBan ban;
  ban.ja4 = request.ja4;
  ban.reason = request.reason;
  ban.origin = asker.origin;
  ban.author = asker.name;
  const auto before = all_.find(ban.ja4);
  set_terms(ban, before == all_.end() ? nullptr : &before->second, request.for_s,
            request.until_unix, rules, now_unix);
  return ban;
}

FingerprintBook::Draft FingerprintBook::draft(const std::vector<BanRequest>& requests,
                                              const Asker& asker, Objections& wrong) {
  const auto policy = policy_now();
  Draft draft{std::unique_lock(mutex_), asker.name, asker.origin, {}, {}};
  const int64_t now_unix = clock_();
  note_ends(now_unix);
  All put;
  for (const BanRequest& request : requests) {
    if (!request.is_of_kind() || request.is_over(now_unix)) continue;
    if (takes_every_ja4(request.ja4) && !asker.force) {
      wrong.add(request.at, request.ja4 + " is every TLS client there is",
                "name a part of the fingerprint (damctl top --by fingerprints); with force "
                "(--force) however many");
    } else {
      put.insert_or_assign(request.ja4, made_of(request, asker, policy->bans, now_unix));
    }
  }
  if (put.empty()) return draft;
  const size_t count = holding_with(put, now_unix);
  if (count > kMaxJa4Bans) draft.full.push_back(too_many_kinds(count));
  draft.change.removed = forgettable(now_unix);
  std::erase_if(draft.change.removed, [&](const auto& ja4) { return put.contains(ja4); });
  for (auto& [ja4, ban] : put) draft.change.put.push_back(std::move(ban));
  return draft;
}

void FingerprintBook::commit(const Draft& draft) {
  const std::vector<FingerprintBan>& put = draft.change.put;
  if (put.empty()) return;
  const int64_t now_unix = clock_();
  for (const FingerprintBan& ban : put) {
    const auto before = all_.find(ban.ja4);
    const bool held = before != all_.end() && before->second.holds(now_unix);
    begun_ += held || !ban.holds(now_unix) ? 0 : 1;
  }
  take(draft.change);
  if (!report_) return;
  const std::string& ja4 = put.front().ja4;
  if (put.size() == 1) return report_(ja4, 1, ban_sentence(ja4, put.front(), now_unix));
  report_(draft.origin, put.size(),
          std::to_string(put.size()) + " kinds of clients are banned (" + draft.origin + ", by " +
              draft.author + ")");
}

BanResult FingerprintBook::lift(const std::string& ja4) {
  const std::lock_guard lock(mutex_);
  note_ends(clock_());
  const auto found = all_.find(ja4);
  const bool known = found != all_.end() && found->second.holds(clock_());
  BanResult result;
  if (!known && remembers_) {
    result.outcome = BanResult::Outcome::unknown;
    result.problems = {{Severity::error,
                        "",
                        {},
                        ja4 + " is not banned",
                        "which are, as they were written: damctl bans"}};
    return result;
  }
  if (known) result.fingerprint = found->second;
  result.count = known ? 1 : 0;
  if (!known) result.problems = {not_known_here(ja4)};
  const KindChange change{{}, {ja4}};
  if (!stored(store_, {}, {}, change, result)) return result;
  take(change);
  if (!remembers_) lift_.insert(ja4);
  lifted_ += known ? 1 : 0;
  if (report_) report_(ja4, 1, ja4 + " is banned no more" + (known ? "" : ", if it was"));
  return result;
}

std::vector<FingerprintBan> FingerprintBook::list() const {
  const std::lock_guard lock(mutex_);
  const int64_t now_unix = clock_();
  std::vector<FingerprintBan> bans;
  for (const auto& [ja4, ban] : all_) {
    if (ban.holds(now_unix)) bans.push_back(ban);
  }
  return bans;
}

// What has ended before this program's start is no news.
void FingerprintBook::note_ends(int64_t now_unix) {
  for (const auto& [ja4, ban] : all_) {
    if (ban.until_unix <= ended_until_unix_ || ban.until_unix > now_unix) continue;
    ++ended_.count;
    ended_.last = ja4;
  }
  ended_until_unix_ = std::max(ended_until_unix_, now_unix);
}

EndedBans FingerprintBook::ended() {
  const std::lock_guard lock(mutex_);
  note_ends(clock_());
  return ended_;
}

void FingerprintBook::add_to(BanCounts& counts) {
  const std::lock_guard lock(mutex_);
  const int64_t now_unix = clock_();
  note_ends(now_unix);
  constexpr auto kAt = static_cast<size_t>(BanOrigin::fingerprint);
  counts.held[kAt] = holding(now_unix);
  counts.begun[kAt] = begun_;
  counts.lifted[kAt] = lifted_;
  counts.expired[kAt] = ended_.count;
}

}  // namespace dam::control
