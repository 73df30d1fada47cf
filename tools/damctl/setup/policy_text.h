// SPDX-License-Identifier: BSD-3-Clause
// Answers out of the text of a dam.yaml, and changed answers into it. Nothing else of it is
// touched.
#pragma once

#include <set>
#include <string>

#include "tools/damctl/setup/questions.h"

namespace dam::ctl {

struct Present {
  Answers answers;
  // Keys of questions that this dam.yaml has no place for: people have named its parts otherwise.
  std::set<std::string> unknown;
};

// `text`: a policy that was read before without an error.
Present read_present(const std::string& text);

// Where there is no dam.yaml yet: one with everything but the answers, and comments. A zone for
// APIs is in it where it is asked for.
std::string fresh_policy(bool with_apis);

struct Edited {
  std::string text;
  // What could not be done without touching what people wrote otherwise: "interfaces.front.vlan:
  // 10"
  Strings by_hand;
};
// `answers` are those of the text, with whatever is to change.
Edited with_answers(const std::string& text, const Answers& answers);

}  // namespace dam::ctl
