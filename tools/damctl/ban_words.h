// SPDX-License-Identifier: BSD-3-Clause
// What is said of bans.
#pragma once

#include <optional>
#include <string>

#include "tools/damctl/client.h"
#include "tools/damctl/commands.h"

namespace dam::ctl {

// Bans `whom`, with the terms of `how`: the answer, where something is left to be said of it; else
// `code` is the exit code.
std::optional<Json> ask_to_ban(const Settings& settings, Json whom, const Banning& how, int& code);
std::string time_left(const Json& ban);  // "42m", "for ever"
void say_in_force(const Json& body, const std::string& what);
// Of a change that was made; `text` as below.
void show_warnings(const Json& body, const std::string& file = "damctl",
                   const std::string& text = "");
// Exit code. `text` is the list, of a file, that the problems are about.
int refused_bans(const Answer& answer, const std::string& file, const std::string& text);

}  // namespace dam::ctl
