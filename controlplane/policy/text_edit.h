// SPDX-License-Identifier: BSD-3-Clause
// One route or server put into dam.yaml's text, or taken out, the rest as people wrote it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "controlplane/policy/problem.h"

namespace dam::control {

enum class Section { routes, servers };
const char* word_of(Section section);  // "route", "server": of one of them

// `entry`: its keys and values, without a route's name. It is data: no text of it is read as YAML.
// One of that name is replaced; a new one comes last. Where the text's layout does not let it be
// done line by line (JSON, `[…]`, aliases), all of it is written anew, which loses comments: a
// warning says so. `text` is a policy that was read before, so its aliases are within bounds.
std::string with_entry(const std::string& text, Section section, const std::string& name,
                       const nlohmann::ordered_json& entry, Problems& problems);
// An error, and the text as it was, where there is none of that name.
std::string without_entry(const std::string& text, Section section, const std::string& name,
                          Problems& problems);

}  // namespace dam::control
