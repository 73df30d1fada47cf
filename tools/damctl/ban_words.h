// SPDX-License-Identifier: BSD-3-Clause
// What is said of bans.
#pragma once

#include <string>

#include "tools/damctl/client.h"

namespace dam::ctl {

std::string time_left(const Json& ban);  // "42m", "for ever"
void say_in_force(const Json& body, const std::string& what);
// Exit code. `text` is the list, of a file, that the problems are about.
int refused_bans(const Answer& answer, const std::string& file, const std::string& text);

}  // namespace dam::ctl
