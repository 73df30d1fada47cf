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

// An end that is over is no long time, and one too far off for nanoseconds no short one.
std::string left_text(int64_t left_s) {
  constexpr int64_t kMost_s = INT64_MAX / kNsOfTermSecond;
  const auto told_s = static_cast<uint64_t>(std::clamp<int64_t>(left_s, 0, kMost_s));
  return (left_s > kMost_s ? "for more than " : "for ") + duration_text(told_s * kNsOfTermSecond);
}

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

Problem not_known_here(const std::string& what) {
  return {Severity::warning,
          "",
          {},
          what + " is not known here; the dataplane is told to drop it, if it has it",
          "bans are remembered where dam-controlplane has a --state"};
}

std::string ban_sentence(const std::string& what, const BanTerms& ban, int64_t now_unix) {
  const std::string time =
      ban.until_unix == BanTerms::kForEver ? "for ever" : left_text(ban.until_unix - now_unix);
  return what + " is banned " + time + " (" + ban.origin + ", by " + ban.author + ")" +
         (ban.reason.empty() ? "" : ": " + ban.reason);
}

}  // namespace dam::control
