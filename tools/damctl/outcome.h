// SPDX-License-Identifier: BSD-3-Clause
// What came of a change, in words.
#pragma once

#include <optional>
#include <string>

#include "tools/damctl/client.h"
#include "tools/damctl/style.h"

namespace dam::ctl {

// What a PATCH came to, where there is something to tell people of it: its warnings are told
// already. Nothing where all is said, by JSON or a refusal; `code` is the exit code then. `look`:
// the command that shows what is set now.
std::optional<Json> patched(const Settings& settings, const std::string& path, const Json& changes,
                            const std::string& look, int& code);
// The same of any answer; `patched` is this of a PATCH.
std::optional<Json> told(const Settings& settings, const std::optional<Answer>& answer,
                         const std::string& look, int& code);
// KEY=VALUE into the object; false after saying what is wrong, with an example.
bool add_change(const std::string& text, const std::string& example, Json& changes);
void say_outcome(const Json& body, const Style& style);
void say_confirm(const Json& body, const std::string& within, const Style& style);
// As `diff -u`, added lines green and removed ones red.
void show_diff_text(const std::string& diff);

}  // namespace dam::ctl
