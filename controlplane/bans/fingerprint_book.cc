// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/bans/fingerprint_book.h"

#include <algorithm>
#include <random>
#include <utility>

#include "controlplane/bans/ban_terms.h"
#include "dataplane/ipc/bounds.h"
#include "dataplane/ipc/ja4_pattern.h"

namespace dam::control {

namespace {

uint64_t drawn_version() {
  std::random_device random;
  return (uint64_t{random()} << 32 | random()) | 1;
}

FingerprintBook::Result kind_refused(BanResult::Outcome outcome, std::string message,
                                     std::string hint) {
  return {outcome, {{Severity::error, "", {}, std::move(message), std::move(hint)}}, {}};
}

}  // namespace

FingerprintBook::FingerprintBook(BanStore& store, BanBook::CurrentPolicy policy,
                                 BanBook::Clock clock, BanBook::Report report, bool remembers)
    : store_(store),
      policy_(std::move(policy)),
      clock_(std::move(clock)),
      report_(std::move(report)),
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

// Whose repeats would not count any more.
std::vector<std::string> FingerprintBook::forgettable(int64_t now_unix) const {
  const auto within_s = static_cast<int64_t>(policy_now()->bans.repeat_within_ns / 1'000'000'000);
  std::vector<std::string> old;
  for (const auto& [ja4, ban] : all_) {
    if (!ban.holds(now_unix) && now_unix - ban.until_unix > within_s) old.push_back(ja4);
  }
  return old;
}

bool FingerprintBook::save(const std::vector<FingerprintBan>& put,
                           const std::vector<std::string>& removed, Result& result) {
  try {
    store_.write_fingerprints(put, removed);
  } catch (const std::exception& error) {
    result = kind_refused(BanResult::Outcome::not_saved,
                          std::string("it could not be saved: ") + error.what(),
                          "nothing has changed: make room where --state lies");
    return false;
  }
  for (const std::string& ja4 : removed) all_.erase(ja4);
  for (const FingerprintBan& ban : put) all_.insert_or_assign(ban.ja4, ban);
  version_ = drawn_version();
  known_ = true;
  return true;
}

FingerprintBook::Result FingerprintBook::ban(const std::string& ja4, const BanRequest& how,
                                             const Asker& asker) {
  if (takes_every_ja4(ja4) && !asker.force) {
    return kind_refused(BanResult::Outcome::refused, ja4 + " is every TLS client there is",
                        "name a part of the fingerprint (damctl top --by fingerprints); with "
                        "force (--force) however many");
  }
  const auto policy = policy_now();
  const std::lock_guard lock(mutex_);
  const int64_t now_unix = clock_();
  note_ends(now_unix);
  FingerprintBan ban;
  ban.ja4 = ja4;
  ban.reason = how.reason;
  ban.origin = asker.origin;
  ban.author = asker.name;
  const auto before = all_.find(ja4);
  const bool held = before != all_.end() && before->second.holds(now_unix);
  if (!held && holding(now_unix) >= kMaxJa4Bans) {
    return kind_refused(BanResult::Outcome::full,
                        std::to_string(kMaxJa4Bans) + " bans of fingerprints hold, which is all",
                        "lift some (damctl bans, damctl unban PATTERN), or let one pattern with * "
                        "stand for several");
  }
  set_terms(ban, before == all_.end() ? nullptr : &before->second, how.for_s, how.until_unix,
            policy->bans, now_unix);
  std::vector<std::string> old = forgettable(now_unix);
  std::erase(old, ja4);
  Result result;
  if (!save({ban}, old, result)) return result;
  begun_ += held ? 0 : 1;
  if (report_) report_(ja4, 1, ban_sentence(ja4, ban, now_unix));
  result.ban = std::move(ban);
  return result;
}

FingerprintBook::Result FingerprintBook::lift(const std::string& ja4) {
  const std::lock_guard lock(mutex_);
  note_ends(clock_());
  const auto found = all_.find(ja4);
  Result result;
  if (found == all_.end() || !found->second.holds(clock_())) {
    return kind_refused(BanResult::Outcome::unknown, ja4 + " is not banned",
                        "which are, as they were written: damctl bans");
  }
  FingerprintBan ban = found->second;
  if (!save({}, {ja4}, result)) return result;
  ++lifted_;
  if (report_) report_(ja4, 1, ja4 + " is banned no more");
  result.ban = std::move(ban);
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

std::optional<v1::FingerprintBans> FingerprintBook::news_for(uint64_t held) {
  const std::lock_guard lock(mutex_);
  const int64_t now_unix = clock_();
  // Who knows nothing lifts nothing; whoever has none and is to have none needs no word.
  if (held == version_ || !known_ || (held == 0 && holding(now_unix) == 0)) {
    in_force_ = version_;
    told_.notify_all();
    return std::nullopt;
  }
  v1::FingerprintBans news;
  news.set_version(version_);
  for (const auto& [ja4, ban] : all_) {
    if (!ban.holds(now_unix)) continue;
    v1::FingerprintBan& to = *news.add_bans();
    to.set_ja4(ja4);
    if (ban.until_unix != BanTerms::kForEver) {
      to.set_until_unix_s(static_cast<uint64_t>(ban.until_unix));
    }
  }
  sent_ = version_;
  return news;
}

void FingerprintBook::told(bool taken) {
  const std::lock_guard lock(mutex_);
  if (!taken) return;
  in_force_ = sent_;
  told_.notify_all();
}

bool FingerprintBook::wait_until_told(std::chrono::milliseconds most) {
  std::unique_lock lock(mutex_);
  return told_.wait_for(lock, most, [&] { return in_force_ == version_; });
}

}  // namespace dam::control
