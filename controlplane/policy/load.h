// SPDX-License-Identifier: BSD-3-Clause
// From the text of dam.yaml to a policy, or to everything that is wrong with it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "controlplane/policy/model.h"
#include "controlplane/policy/problem.h"

namespace dam::control {

struct Loaded {
  std::optional<Policy> policy;   // nothing when there is an error
  std::vector<Problem> problems;  // errors and warnings, in the order of the file
  std::string text;
};

// `file_name` is what messages call it; files that it names are looked for in `folder`.
Loaded load_policy(const std::string& text, const std::string& file_name,
                   const std::filesystem::path& folder);
Loaded load_policy_file(const std::filesystem::path& path);

}  // namespace dam::control
