// SPDX-License-Identifier: BSD-3-Clause
// Questions on a terminal, or the answers that stand for them.
#pragma once

#include <iostream>
#include <optional>
#include <string>

#include "tools/damctl/setup/policy_text.h"
#include "tools/damctl/setup/proposals.h"
#include "tools/damctl/style.h"

namespace dam::ctl {

struct Asking {
  bool on_terminal = false;
  bool all = false;  // also what is seldom another
  Style style{false};
};

// Every question in its order: by `given`, else by asking, else as proposed. Those that nobody
// could answer are missing. Nothing when the terminal is gone.
struct Collected {
  Answers answers;
  Strings missing;
};
std::optional<Collected> collect_answers(const Asking& asking, const Host& host,
                                         const Present& present, const Answers& given,
                                         std::istream& in, std::ostream& out);

// "y" or "yes"; no for everything else.
bool ask_yes(const std::string& question, std::istream& in, std::ostream& out);

}  // namespace dam::ctl
