// SPDX-License-Identifier: BSD-3-Clause
// What of the bans of kinds of clients the dataplane has yet to hear.
#include "controlplane/bans/fingerprint_book.h"

namespace dam::control {

std::optional<v1::FingerprintBans> FingerprintBook::news_for(uint64_t held) {
  const std::lock_guard lock(mutex_);
  const int64_t now_unix = clock_();
  // Who knows nothing lifts nothing; whoever was told of none and is to have none needs no word.
  const bool none = held == 0 && sent_ == 0 && lift_.empty() && holding(now_unix) == 0;
  if (held == version_ || !known_ || none) {
    in_force_ = version_;
    told_.notify_all();
    return std::nullopt;
  }
  v1::FingerprintBans news;
  news.set_version(version_);
  if (!remembers_) {
    news.set_base(held);
    for (const std::string& ja4 : lift_) news.add_lift(ja4);
  }
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

void FingerprintBook::told(bool taken, const std::string& refusal) {
  const std::lock_guard lock(mutex_);
  if (sent_ == version_) refusal_ = refusal;
  if (!taken) return;
  in_force_ = sent_;
  if (sent_ == version_) lift_.clear();
  told_.notify_all();
}

std::string FingerprintBook::refusal() const {
  const std::lock_guard lock(mutex_);
  return in_force_ == version_ ? "" : refusal_;
}

bool FingerprintBook::wait_until_told(std::chrono::milliseconds most) {
  std::unique_lock lock(mutex_);
  return told_.wait_for(lock, most, [&] { return in_force_ == version_; });
}

}  // namespace dam::control
