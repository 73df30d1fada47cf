// SPDX-License-Identifier: BSD-3-Clause
// What kinds of values are made of.
#pragma once

#include <optional>
#include <string>

#include "controlplane/policy/kinds.h"

namespace dam::control {

// The scalar's text, or nothing after a report.
const std::string* scalar(Reader& reader, const YAML::Node& node, const std::string& what);
// As scalar(), for values that must be text in YAML too.
const std::string* string_scalar(Reader& reader, const YAML::Node& node, const std::string& what);

}  // namespace dam::control
