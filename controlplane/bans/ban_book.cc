// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/bans/ban_book.h"

#include <cstdlib>
#include <random>
#include <utility>

#include "controlplane/bans/ban_terms.h"
#include "controlplane/bans/fingerprint_book.h"
#include "controlplane/bans/protected_addresses.h"
#include "controlplane/policy/subnet.h"
#include "dataplane/ipc/bounds.h"

namespace dam::control {

namespace {

constexpr int64_t kNsOfBanSecond = 1'000'000'000;
constexpr size_t kMostBanProblems = 100;
constexpr int64_t kForgetEvery_s = 60;
constexpr size_t kMostReportedAlone = 100;
constexpr int64_t kSameEnd_s = 2;  // clocks of two processes, and rounding

uint64_t random_version() {
  std::random_device random;
  return (uint64_t{random()} << 32 | random()) | 1;
}

int64_t whole_seconds(uint64_t ns) { return static_cast<int64_t>(ns / kNsOfBanSecond); }

Problem ban_problem(int line, std::string message, std::string hint) {
  return {Severity::error, "", {line, line == 0 ? 0 : 1}, std::move(message), std::move(hint)};
}

BanResult too_many_bans(size_t count, size_t most) {
  BanResult result;
  result.outcome = BanResult::Outcome::full;
  result.problems = {ban_problem(0,
                                 "that would be " + std::to_string(count) + " bans; at most " +
                                     std::to_string(most) + " may hold (bans.at_most)",
                                 "lift some (damctl unban), or raise bans.at_most in dam.yaml")};
  return result;
}

}  // namespace

size_t most_bans(const BanRules& rules) { return std::min<size_t>(rules.at_most, kMaxBans); }

BanBook::BanBook(BanStore& store, CurrentPolicy policy, Clock clock, Report report, bool remembers)
    : store_(store),
      policy_(std::move(policy)),
      clock_(std::move(clock)),
      report_(std::move(report)),
      remembers_(remembers),
      version_(random_version()) {
  ended_until_unix_ = clock_();  // what has ended before is no news
  for (KeptBan& ban : store_.all()) {
    if (ban.holds(ended_until_unix_)) expect_end(ban);
    if (ban.in_services && ban.holds(ended_until_unix_)) in_services_.begin(ban.source, ban.author);
    all_.insert_or_assign(ban.source, std::move(ban));
  }
  changes_ = 1;  // the dataplane has to be asked, at least
  fingerprints_ = std::make_unique<FingerprintBook>(store_, policy_, clock_, report_, remembers_);
}

BanBook::~BanBook() = default;

// Without a policy no rule of it holds; nor is there a dataplane to tell.
std::shared_ptr<const Policy> BanBook::policy_now() const {
  auto policy = policy_();
  return policy != nullptr ? policy : std::make_shared<const Policy>();
}

const KeptBan* BanBook::find(const Network& source) const {
  const auto found = all_.find(source);
  return found == all_.end() ? nullptr : &found->second;
}

size_t BanBook::holding(int64_t now_unix) const {
  size_t count = 0;
  for (const auto& [source, ban] : all_) count += ban.everywhere() && ban.holds(now_unix) ? 1 : 0;
  return count;
}

KeptBan BanBook::made_of(const BanRequest& request, const Asker& asker, const BanRules& rules,
                         int64_t now_unix) const {
  KeptBan ban;
  ban.source = request.source;
  ban.reason = request.reason;
  ban.origin = asker.origin;
  ban.author = asker.name;
  set_terms(ban, find(request.source), request.for_s, request.until_unix, rules, now_unix);
  return ban;
}

BanResult BanBook::ban(const std::vector<BanRequest>& requests, const Asker& asker) {
  const auto policy = policy_now();
  const ProtectedAddresses people(policy.get(), asker.addresses);
  const std::lock_guard lock(mutex_);
  const int64_t now_unix = clock_();
  note_ends(now_unix);
  BanResult result;
  size_t wrong = 0;
  std::vector<KeptBan> put;
  put.reserve(requests.size());
  for (const BanRequest& request : requests) {
    const auto objection = people.to(request.source, asker.force);
    if (objection.message.empty()) {
      put.push_back(made_of(request, asker, policy->bans, now_unix));
    } else if (++wrong <= kMostBanProblems) {
      result.problems.push_back(ban_problem(request.line, objection.message, objection.hint));
    }
  }
  if (wrong > kMostBanProblems) {
    result.problems.push_back(
        ban_problem(0, std::to_string(wrong - kMostBanProblems) + " more may not be banned", ""));
  }
  if (wrong > 0) {
    result.outcome = BanResult::Outcome::refused;
    return result;
  }
  const size_t most = most_bans(policy->bans);
  if (all_.size() + put.size() > most) {
    std::set<Network, NetworkOrder> fresh;
    for (const KeptBan& ban : put) {
      const KeptBan* before = find(ban.source);
      if (before == nullptr || !before->everywhere() || !before->holds(now_unix)) {
        fresh.insert(ban.source);
      }
    }
    const size_t count = holding(now_unix) + fresh.size();
    if (count > most) return too_many_bans(count, most);
  }
  result.count = put.size();
  if (!save(put, forgettable(policy->bans, put.size(), now_unix), result)) {
    return result;
  }
  report(put, now_unix);
  if (put.size() == 1) result.bans = std::move(put);
  return result;
}

BanResult BanBook::lift(const Network& source) {
  const std::lock_guard lock(mutex_);
  const int64_t now_unix = clock_();
  note_ends(now_unix);
  const KeptBan* ban = find(source);
  BanResult result;
  const bool known = ban != nullptr && ban->holds(now_unix);
  if (!known && remembers_) {
    result.outcome = BanResult::Outcome::unknown;
    return result;
  }
  if (known) result.bans = {*ban};
  result.count = 1;
  if (!save({}, {source}, result)) return result;
  if (known) ++one_of(lifted_, result.bans.front());
  if (report_) report_(source.text(), 1, source.text() + " is banned no more");
  std::erase_if(zone_changes_, [&source](const auto& one) { return one.source == source; });
  services_to_tell_.erase(source);
  zone_changes_.push_back({source, "", 0});  // of each zone that may have banned it, too
  news_.notify_all();
  return result;
}

// What has ended and would not count as a repeat any more; and, where there are too many to
// remember beside those that hold, what ended first.
std::vector<Network> BanBook::forgettable(const BanRules& rules, size_t more, int64_t now_unix) {
  const size_t most = 2 * most_bans(rules);
  std::vector<Network> gone;
  if (now_unix < forget_at_unix_ && all_.size() + more <= most) return gone;
  forget_at_unix_ = now_unix + kForgetEvery_s;
  std::multimap<int64_t, Network> ended;
  for (const auto& [source, ban] : all_) {
    if (ban.holds(now_unix)) continue;
    if (now_unix - ban.until_unix > whole_seconds(rules.repeat_within_ns)) {
      gone.push_back(source);
    } else {
      ended.emplace(ban.until_unix, source);
    }
  }
  for (const auto& [until_unix, source] : ended) {
    if (all_.size() - gone.size() + more <= most) break;
    gone.push_back(source);
  }
  return gone;
}

bool BanBook::save(const std::vector<KeptBan>& put, const std::vector<Network>& removed,
                   BanResult& result) {
  try {
    store_.write(put, removed);
  } catch (const std::exception& error) {
    result.outcome = BanResult::Outcome::not_saved;
    result.count = 0;
    result.problems = {ban_problem(0, std::string("it could not be saved: ") + error.what(),
                                   "nothing has changed: make room where --state lies")};
    return false;
  }
  for (const Network& source : removed) {
    all_.erase(source);
    in_services_.end(source);
    dirty_.insert(source);
  }
  const int64_t now_unix = clock_();
  for (const KeptBan& ban : put) {
    const KeptBan* before = find(ban.source);
    const bool held = before != nullptr && before->holds(now_unix);
    const bool same_end = before != nullptr && before->until_unix == ban.until_unix;
    if (ban.holds(now_unix) && (!held || origin_of(*before) != origin_of(ban))) {
      if (held) ++one_of(lifted_, *before);  // it goes on as another's
      ++one_of(begun_, ban);
    }
    all_.insert_or_assign(ban.source, ban);
    if (ban.holds(now_unix) && !(held && same_end)) expect_end(ban);
    in_services_.end(ban.source);
    if (ban.in_services && ban.holds(now_unix)) in_services_.begin(ban.source, ban.author);
    dirty_.insert(ban.source);
  }
  version_ = random_version();
  ++changes_;
  news_.notify_all();
  return true;
}

BanBook::Page BanBook::list(const Query& query) const {
  const std::lock_guard lock(mutex_);
  const int64_t now_unix = clock_();
  Page page;
  for (const auto& [source, ban] : all_) page.total += ban.holds(now_unix) ? 1 : 0;
  auto at = query.after ? all_.upper_bound(*query.after) : all_.begin();
  for (; at != all_.end(); ++at) {
    const KeptBan& ban = at->second;
    if (!ban.holds(now_unix) || !ban.origin.starts_with(query.origin)) continue;
    if (query.address && !ban.source.contains(*query.address)) continue;
    if (page.bans.size() == query.count) {
      page.more = true;
      break;
    }
    page.bans.push_back(ban);
  }
  return page;
}

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
  const bool again = now_unix - before->until_unix <= whole_seconds(rules.repeat_within_ns);
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

// A list is one event: nobody reads a hundred thousand.
void BanBook::report(const std::vector<KeptBan>& bans, int64_t now_unix) const {
  if (!report_ || bans.empty()) return;
  const KeptBan& one = bans.front();
  if (bans.size() > 1) {
    const std::string many = std::to_string(bans.size()) + " sources are banned";
    return report_(one.origin, bans.size(), many + " (" + one.origin + ", by " + one.author + ")");
  }
  report_(one.source.text(), 1, ban_sentence(one.source.text(), one, now_unix));
}

// The first ones by themselves.
void BanBook::report_each(const std::vector<KeptBan>& bans, int64_t now_unix) const {
  const size_t alone = std::min(bans.size(), kMostReportedAlone);
  for (size_t i = 0; i < alone; ++i) report({bans[i]}, now_unix);
  report({bans.begin() + static_cast<std::ptrdiff_t>(alone), bans.end()}, now_unix);
}

std::optional<v1::Bans> BanBook::news_for(uint64_t held) {
  const std::lock_guard lock(mutex_);
  if (held == version_) {
    told_version_ = version_;
    told_changes_ = sent_changes_ = changes_;
    told_.notify_all();
    return std::nullopt;
  }
  if (!remembers_ && told_version_ == 0) told_version_ = held;
  const int64_t now_unix = clock_();
  v1::Bans news;
  news.set_version(version_);
  const auto add = [&news](const KeptBan& ban) {
    v1::Ban& to = *news.add_add();
    write_subnet(ban.source, *to.mutable_source());
    if (ban.until_unix != KeptBan::kForEver) {
      to.set_until_unix_s(static_cast<uint64_t>(std::max<int64_t>(ban.until_unix, 1)));
    }
  };
  const auto counts = [now_unix](const KeptBan& ban) {
    return ban.everywhere() && ban.holds(now_unix);
  };
  if (held != 0 && held == told_version_) {
    news.set_base(held);
    for (const Network& source : dirty_) {
      const KeptBan* ban = find(source);
      if (ban != nullptr && counts(*ban)) {
        add(*ban);
      } else {
        write_subnet(source, *news.add_lift());
      }
    }
  } else {
    for (const auto& [source, ban] : all_) {
      if (counts(ban)) add(ban);
    }
  }
  on_the_way_ = std::exchange(dirty_, {});
  sent_version_ = version_;
  sent_changes_ = changes_;
  return news;
}

void BanBook::told(bool taken) {
  const std::lock_guard lock(mutex_);
  if (taken) {
    told_version_ = sent_version_;
    told_changes_ = sent_changes_;
    told_.notify_all();
  } else {
    told_version_ = 0;  // who knows what it has: all of it the next time
    dirty_.merge(on_the_way_);
  }
  on_the_way_.clear();
}

void BanBook::again(const std::vector<ZoneBanChange>& changes) {
  const std::lock_guard lock(mutex_);
  constexpr size_t kMost = 1'000'000;
  if (zone_changes_.size() + changes.size() > kMost) return;
  zone_changes_.insert(zone_changes_.begin(), changes.begin(), changes.end());
}

void BanBook::wait(std::chrono::milliseconds most) {
  std::unique_lock lock(mutex_);
  news_.wait_for(lock, most, [&] {
    return changes_ != sent_changes_ || !zone_changes_.empty() || !services_to_tell_.empty();
  });
}

bool BanBook::wait_until_told(std::chrono::milliseconds most) {
  std::unique_lock lock(mutex_);
  return told_.wait_for(lock, most, [&, now = changes_] { return told_changes_ >= now; });
}

}  // namespace dam::control
