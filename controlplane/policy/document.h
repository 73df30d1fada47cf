// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <yaml-cpp/yaml.h>

#include <optional>
#include <string>

#include "controlplane/policy/problem.h"

namespace dam::control {

// One YAML document, or nothing after a report of what is wrong. `example`: a hint at what an empty
// file should rather be.
std::optional<YAML::Node> parse_document(const std::string& text, Problems& problems,
                                         const std::string& example);

}  // namespace dam::control
