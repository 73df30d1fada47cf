// SPDX-License-Identifier: BSD-3-Clause
// What the answers come to, in words.
#pragma once

#include <string>
#include <vector>

#include "tools/damctl/setup/questions.h"

namespace dam::ctl {

std::vector<std::string> explain_answers(const Answers& answers);

}  // namespace dam::ctl
