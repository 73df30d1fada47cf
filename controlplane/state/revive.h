// SPDX-License-Identifier: BSD-3-Clause
// A kept version as a policy again.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "controlplane/state/running_policy.h"

namespace dam::control {

// Its text, and the single changes on top; nothing where they fit together no more. Files that it
// names are read anew.
std::optional<Running> revive(const PolicyVersion& version, std::vector<Problem>& problems);

// SHA-256 of a file's text, in hexadecimal; of nothing where it cannot be read.
std::string digest_of_file(const std::filesystem::path& path);

}  // namespace dam::control
