// SPDX-License-Identifier: BSD-3-Clause
// Long lists of networks, one a line: a million of them in about a second.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "controlplane/policy/address.h"
#include "controlplane/policy/problem.h"

namespace dam::control {

// Appends to `networks`. Empty lines and comments (#) are skipped, bits behind a prefix cleared:
// such files come from others. Messages never quote a line, so that the file of a policy sent by
// someone who may not read it stays unread.
void read_prefix_file(const std::filesystem::path& folder, const Located<std::string>& file,
                      std::vector<Network>& networks, Problems& problems);

}  // namespace dam::control
