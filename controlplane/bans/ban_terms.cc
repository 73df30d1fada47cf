// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/bans/ban_terms.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "controlplane/policy/quantity.h"

namespace dam::control {

namespace {

constexpr int64_t kNsOfTermSecond = 1'000'000'000;

int64_t seconds_of(uint64_t ns) { return static_cast<int64_t>(ns / kNsOfTermSecond); }

}  // namespace

int64_t grown(int64_t for_s, int64_t times, const BanRules& rules) {
  const double factor = std::pow(static_cast<double>(rules.repeat_factor),
                                 static_cast<double>(std::min<int64_t>(times, 64) - 1));
  const double most = static_cast<double>(seconds_of(rules.longest_ns));
  const double wanted = std::min(static_cast<double>(for_s) * factor, most);
  return std::max(for_s, static_cast<int64_t>(wanted));
}

void set_terms(BanTerms& ban, const BanTerms* before, std::optional<int64_t> for_s,
               std::optional<int64_t> until_unix, const BanRules& rules, int64_t now_unix) {
  ban.made_unix = now_unix;
  if (before != nullptr) {
    const bool again = !before->holds(now_unix) &&
                       now_unix - before->until_unix <= seconds_of(rules.repeat_within_ns);
    ban.times = before->holds(now_unix) ? before->times : again ? before->times + 1 : 1;
  }
  ban.until_unix = BanTerms::kForEver;
  if (until_unix) ban.until_unix = *until_unix;
  if (for_s) ban.until_unix = now_unix + grown(*for_s, ban.times, rules);
}

uint64_t drawn_version() {
  std::random_device random;
  return (uint64_t{random()} << 32 | random()) | 1;
}

std::string ban_sentence(const std::string& what, const BanTerms& ban, int64_t now_unix) {
  const std::string time =
      ban.until_unix == BanTerms::kForEver
          ? "for ever"
          : "for " +
                duration_text(static_cast<uint64_t>(ban.until_unix - now_unix) * kNsOfTermSecond);
  return what + " is banned " + time + " (" + ban.origin + ", by " + ban.author + ")" +
         (ban.reason.empty() ? "" : ": " + ban.reason);
}

}  // namespace dam::control
