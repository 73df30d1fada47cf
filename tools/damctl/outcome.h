// SPDX-License-Identifier: BSD-3-Clause
// What came of a change, in words.
#pragma once

#include <string>

#include "tools/damctl/client.h"
#include "tools/damctl/style.h"

namespace dam::ctl {

void say_outcome(const Json& body, const Style& style);
void say_confirm(const Json& body, const std::string& within, const Style& style);
// As `diff -u`, added lines green and removed ones red.
void show_diff_text(const std::string& diff);

}  // namespace dam::ctl
