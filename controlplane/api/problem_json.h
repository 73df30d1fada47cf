// SPDX-License-Identifier: BSD-3-Clause
// Problems as the API sends them: {"errors": [{file, line, column, message, hint}], "warnings":
// […]}.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "controlplane/policy/problem.h"

namespace dam::control {

using Json = nlohmann::ordered_json;

Json problems_to_json(const std::vector<Problem>& problems);
std::vector<Problem> problems_from_json(const Json& body);

// A body with one error that belongs to no line.
Json error_body(const std::string& message, const std::string& hint);

}  // namespace dam::control
