// SPDX-License-Identifier: BSD-3-Clause
#include "tools/damctl/ban_words.h"

#include <unistd.h>

#include <ctime>
#include <iostream>

#include "controlplane/api/problem_json.h"
#include "tools/damctl/exit_code.h"
#include "tools/damctl/show_problems.h"
#include "tools/damctl/table.h"

namespace dam::ctl {

std::string time_left(const Json& ban) {
  if (!ban.contains("until")) return "for ever";
  const auto left = ban["until"].get<int64_t>() - static_cast<int64_t>(std::time(nullptr));
  return left > 0 ? short_time(static_cast<double>(left)) : "over";
}

void say_in_force(const Json& body, const std::string& what) {
  const Style style(wants_colour(STDOUT_FILENO));
  if (body.value("in_force", false)) {
    std::cout << style.green("ok") << ": " << what << ".\n";
  } else {
    std::cout << style.yellow("kept") << ": " << what
              << " as soon as the dataplane answers. Look: damctl status\n";
  }
}

int refused_bans(const Answer& answer, const std::string& file, const std::string& text) {
  const auto problems = control::problems_from_json(answer.json());
  if (problems.empty()) return show_refusal(answer);
  show_problems(std::cerr, problems, file, text, Style(wants_colour(STDERR_FILENO)));
  std::cerr << "Nothing has changed.\n";
  return kRefused;
}

}  // namespace dam::ctl
