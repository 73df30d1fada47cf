// SPDX-License-Identifier: BSD-3-Clause
// Errors and warnings for people: place, sentence, the line itself with a mark, and what to write.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "controlplane/policy/problem.h"
#include "tools/damctl/style.h"

namespace dam::ctl {

// `text` is the policy that the problems are about; problems of other files show no line.
void show_problems(std::ostream& out, const std::vector<control::Problem>& problems,
                   const std::string& file, const std::string& text, const Style& style);

// "2 errors, 1 warning"
std::string count_problems(const std::vector<control::Problem>& problems);

}  // namespace dam::ctl
