// SPDX-License-Identifier: BSD-3-Clause
// One route or server put into dam.yaml's text, or taken out, the rest as people wrote it.
#pragma once

#include <string>

#include "controlplane/policy/problem.h"

namespace dam::control {

enum class Section { routes, servers };

// `entry`: its keys as YAML (or JSON), without a route's name. One of that name is replaced; a new
// one comes last. Where the text's layout does not let it be done line by line (JSON, `[…]`), all
// of it is written anew, which loses comments. The text as it was after a problem.
std::string with_entry(const std::string& text, Section section, const std::string& name,
                       const std::string& entry, Problems& problems);
// A problem where there is none of that name.
std::string without_entry(const std::string& text, Section section, const std::string& name,
                          Problems& problems);

}  // namespace dam::control
