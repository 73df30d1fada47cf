// SPDX-License-Identifier: BSD-3-Clause
// What the facts mean for the dam, and what to type.
#pragma once

#include <string>
#include <vector>

#include "tools/damctl/doctor/facts.h"

namespace dam::ctl {

// `problem`: the dam does not start, or does not work. `warning`: it works worse than it could.
enum class Level { fine, note, warning, problem };

struct Finding {
  Level level = Level::fine;
  std::string says;     // a sentence without its dot
  std::string command;  // what to do about it; empty: nothing
};

std::vector<Finding> findings_of_machine(const Facts& facts);
std::vector<Finding> findings_of_network(const Facts& facts);
std::vector<Finding> findings_of_device(const Facts& facts, const DeviceFacts& device);

}  // namespace dam::ctl
