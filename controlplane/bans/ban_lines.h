// SPDX-License-Identifier: BSD-3-Clause
// Long lists of bans as text, one a line: a network and a reason behind it, or JSON.
#pragma once

#include <string_view>
#include <vector>

#include "controlplane/bans/ban_book.h"
#include "controlplane/policy/problem.h"

namespace dam::control {

inline constexpr size_t kLongestReason = 200;  // bytes

// What is wrong with a reason; empty: nothing.
std::string objection_to_reason(std::string_view reason);

// "198.51.100.0/24 scans us", or {"source": "198.51.100.0/24", "for": "1h", "until": 1900000000,
// "reason": "scans us"}; empty lines and comments (#) are skipped. What a line does not say is as
// in `otherwise`. Every line that is wrong is a problem with its number; a hundred are told.
std::vector<BanRequest> read_ban_lines(std::string_view text, const BanRequest& otherwise,
                                       std::vector<Problem>& problems);

}  // namespace dam::control
