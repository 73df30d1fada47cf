// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/bans/ban_book.h"

#include <utility>

#include "controlplane/bans/ban_terms.h"
#include "controlplane/bans/fingerprint_book.h"
#include "dataplane/ipc/bounds.h"

namespace dam::control {

namespace {

constexpr int64_t kNsOfBanSecond = 1'000'000'000;
constexpr int64_t kForgetEvery_s = 60;

int64_t whole_seconds(uint64_t ns) { return static_cast<int64_t>(ns / kNsOfBanSecond); }

}  // namespace

size_t most_bans(const BanRules& rules) { return std::min<size_t>(rules.at_most, kMaxBans); }

bool stored(BanStore& store, const std::vector<KeptBan>& put, const std::vector<Network>& removed,
            const KindChange& kinds, BanResult& result) {
  try {
    store.write(put, removed, kinds);
    return true;
  } catch (const std::exception& error) {
    result.outcome = BanResult::Outcome::not_saved;
    result.count = 0;
    result.problems = {{Severity::error,
                        "",
                        {},
                        std::string("it could not be saved: ") + error.what(),
                        "nothing has changed: make room where --state lies"}};
    return false;
  }
}

BanBook::BanBook(BanStore& store, CurrentPolicy policy, Clock clock, Report report, bool remembers)
    : store_(store),
      policy_(std::move(policy)),
      clock_(std::move(clock)),
      report_(std::move(report)),
      remembers_(remembers),
      version_(drawn_version()) {
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
  result.count = known ? 1 : 0;
  if (!known) result.problems = {not_known_here(source.text())};
  if (!save({}, {source}, result)) return result;
  if (known) ++one_of(lifted_, result.bans.front());
  const std::string text = source.text();
  if (report_) report_(text, 1, text + " is banned no more" + (known ? "" : ", if it was"));
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
                   BanResult& result, const KindChange& kinds) {
  if (!stored(store_, put, removed, kinds, result)) return false;
  if (put.empty() && removed.empty()) return true;
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
  version_ = drawn_version();
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

}  // namespace dam::control
