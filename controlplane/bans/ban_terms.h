// SPDX-License-Identifier: BSD-3-Clause
// For how long, and what is said of it: the same for addresses and for kinds of clients.
#pragma once

#include <optional>
#include <string>

#include "controlplane/bans/ban.h"
#include "controlplane/policy/model.h"
#include "controlplane/policy/problem.h"

namespace dam::control {

// Sets `made`, `times` and `until`. Banned again after its ban has ended: that counts, and lasts
// longer. One that holds (`before`) is changed.
void set_terms(BanTerms& ban, const BanTerms* before, std::optional<int64_t> for_s,
               std::optional<int64_t> until_unix, const BanRules& rules, int64_t now_unix);
// for * factor^(times - 1), at most the longest; never shorter than what was asked for.
int64_t grown(int64_t for_s, int64_t times, const BanRules& rules);
// Of a list of bans: drawn at random, so that no two runs share one.
uint64_t drawn_version();
// Of what was lifted where nothing is remembered (--state none), so that it may be banned or not.
Problem not_known_here(const std::string& what);
// "198.51.100.7/32 is banned for 1h (operator, by alice): it floods"
std::string ban_sentence(const std::string& what, const BanTerms& ban, int64_t now_unix);

}  // namespace dam::control
