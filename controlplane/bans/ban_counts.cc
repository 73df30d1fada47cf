// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/bans/ban_counts.h"

#include "controlplane/bans/ban_book.h"
#include "controlplane/bans/fingerprint_book.h"

namespace dam::control {

namespace {

constexpr const char* kBanOriginNames[] = {
#define X(id, name, text) name,
    DAM_BAN_ORIGINS(X)
#undef X
};
constexpr const char* kBanOriginTexts[] = {
#define X(id, name, text) text,
    DAM_BAN_ORIGINS(X)
#undef X
};
constexpr size_t kLeastEnds = 1024;

}  // namespace

const char* ban_origin_name(BanOrigin origin) {
  return kBanOriginNames[static_cast<size_t>(origin)];
}

const char* ban_origin_text(BanOrigin origin) {
  return kBanOriginTexts[static_cast<size_t>(origin)];
}

BanOrigin origin_of(const KeptBan& ban) {
  if (ban.in_services) return BanOrigin::signal;
  if (ban.of_zone) return ban.times > 1 ? BanOrigin::repeat : BanOrigin::zone;
  return ban.origin == ban_origin_name(BanOrigin::list) ? BanOrigin::list : BanOrigin::people;
}

uint64_t& BanBook::one_of(PerBanOrigin& counts, const KeptBan& ban) {
  return counts[static_cast<size_t>(origin_of(ban))];
}

// A ban that is changed leaves its old end behind, which then means nothing; where there are more
// of those than bans, they are made anew.
void BanBook::expect_end(const KeptBan& ban) {
  if (ban.until_unix == KeptBan::kForEver) return;
  if (ends_.size() > 2 * all_.size() + kLeastEnds) {
    ends_ = {};
    for (const auto& [source, kept] : all_) {
      if (kept.until_unix > ended_until_unix_ && kept.until_unix != KeptBan::kForEver) {
        ends_.emplace(kept.until_unix, source);
      }
    }
    return;
  }
  ends_.emplace(ban.until_unix, ban.source);
}

// Before anything else is done with the bans at that time.
void BanBook::note_ends(int64_t now_unix) {
  std::optional<End> last;
  while (!ends_.empty() && ends_.top().first <= now_unix) {
    const End end = ends_.top();
    ends_.pop();
    if (end == last) continue;  // it was changed to another end, and back
    last = end;
    const auto& [until_unix, source] = end;
    const KeptBan* ban = find(source);
    if (ban == nullptr || ban->until_unix != until_unix) continue;
    in_services_.end(source);
    ++one_of(expired_, *ban);
    EndedBans& ended = ended_[ban->origin];
    ++ended.count;
    ended.last = source.text();
  }
  ended_until_unix_ = std::max(ended_until_unix_, now_unix);
}

EndedByOrigin BanBook::ended() {
  const EndedBans of_kinds = fingerprints_->ended();
  const std::lock_guard lock(mutex_);
  note_ends(clock_());
  EndedByOrigin all = ended_;
  if (of_kinds.count > 0) all[ban_origin_name(BanOrigin::fingerprint)] = of_kinds;
  return all;
}

BanCounts BanBook::counts(uint64_t dataplane_holds) {
  const auto policy = policy_now();
  const std::lock_guard lock(mutex_);
  const int64_t now_unix = clock_();
  note_ends(now_unix);
  BanCounts counts{{}, begun_, lifted_, expired_, most_bans(policy->bans), changes_, 0};
  if (dataplane_holds != 0 && dataplane_holds == told_version_) counts.in_force = told_changes_;
  for (const auto& [source, ban] : all_) {
    if (ban.holds(now_unix)) ++one_of(counts.held, ban);
  }
  fingerprints_->add_to(counts);
  return counts;
}

}  // namespace dam::control
