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

std::optional<Json> ask_to_ban(const Settings& settings, Json whom, const Banning& how, int& code) {
  if (!how.time.empty()) whom["for"] = how.time;
  if (!how.reason.empty()) whom["reason"] = how.reason;
  if (how.force) whom["force"] = true;
  if (how.dry_run) whom["dry_run"] = true;
  const auto answer = post_json(settings, "/v1/bans", whom);
  code = !answer ? kUnreachable : answer->ok() ? kOk : kRefused;
  if (!answer) return std::nullopt;
  if (settings.json) {
    std::cout << answer->body;
    return std::nullopt;
  }
  if (answer->ok()) return answer->json();
  code = refused_bans(*answer, "damctl", "");
  return std::nullopt;
}

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
              << " as soon as the dataplane takes it. Look: damctl status\n";
  }
}

void show_warnings(const Json& body, const std::string& file, const std::string& text) {
  show_problems(std::cout, control::problems_from_json(body), file, text,
                Style(wants_colour(STDOUT_FILENO)));
}

int refused_bans(const Answer& answer, const std::string& file, const std::string& text) {
  const auto problems = control::problems_from_json(answer.json());
  if (problems.empty()) return show_refusal(answer);
  show_problems(std::cerr, problems, file, text, Style(wants_colour(STDERR_FILENO)));
  std::cerr << "Nothing has changed.\n";
  return kRefused;
}

}  // namespace dam::ctl
