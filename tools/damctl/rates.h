// SPDX-License-Identifier: BSD-3-Clause
// Rates between two answers of the control plane.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace dam::ctl {

using Json = nlohmann::ordered_json;

// Seconds between the two; 0 when there is none before.
double seconds_between(const Json& now, const Json& before);

// The number at `path` ("/counters/dropped"), 0 where there is none.
double number_at(const Json& object, const std::string& path);

// The entry of `list` with this name; null where there is none.
const Json& entry_named(const Json& list, const std::string& name);

}  // namespace dam::ctl
