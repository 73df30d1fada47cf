// SPDX-License-Identifier: BSD-3-Clause
// Long lists of bans as text, one a line: a network or a fingerprint and a reason behind it, or
// JSON.
#pragma once

#include <string_view>
#include <vector>

#include "controlplane/bans/ban_book.h"

namespace dam::control {

inline constexpr size_t kLongestReason = 200;  // bytes
inline constexpr int64_t kLatestBanEnd_unix = int64_t{1} << 40;

// What is wrong with a reason; empty: nothing.
std::string objection_to_reason(std::string_view reason);

// "198.51.100.0/24 scans us", "t13d1516h2_8daaf6152771_* a macro's", or {"source":
// "198.51.100.0/24", "for": "1h", "until": 1900000000, "reason": "scans us"}, where "ja4" may stand
// for "source"; empty lines and comments (#) are skipped. What a line does not say is as in
// `otherwise`.
std::vector<BanRequest> read_ban_lines(std::string_view text, const BanRequest& otherwise,
                                       Objections& wrong);

}  // namespace dam::control
