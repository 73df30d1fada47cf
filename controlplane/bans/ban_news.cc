// SPDX-License-Identifier: BSD-3-Clause
// What of the bans the dataplane has yet to hear.
#include <utility>

#include "controlplane/bans/ban_book.h"
#include "controlplane/policy/subnet.h"

namespace dam::control {

std::optional<v1::Bans> BanBook::news_for(uint64_t held) {
  const std::lock_guard lock(mutex_);
  if (held == version_) {
    told_version_ = version_;
    told_changes_ = sent_changes_ = changes_;
    told_.notify_all();
    return std::nullopt;
  }
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
  const bool only_changes = held != 0 && held == told_version_;
  // Where nothing is remembered what it holds of before stays, whatever version that is.
  if (only_changes || (held != 0 && !remembers_)) {
    news.set_base(held);
    for (const Network& source : dirty_) {
      const KeptBan* ban = find(source);
      if (ban == nullptr || !counts(*ban)) {
        write_subnet(source, *news.add_lift());
      } else if (only_changes) {
        add(*ban);
      }
    }
  }
  for (const auto& [source, ban] : all_) {
    if (!only_changes && counts(ban)) add(ban);
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
