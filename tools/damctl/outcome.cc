// SPDX-License-Identifier: BSD-3-Clause
#include "tools/damctl/outcome.h"

#include <unistd.h>

#include <iostream>
#include <sstream>

#include "controlplane/api/problem_json.h"
#include "tools/damctl/exit_code.h"
#include "tools/damctl/show_problems.h"

namespace dam::ctl {

std::optional<Json> patched(const Settings& settings, const std::string& path, const Json& changes,
                            const std::string& look, int& code) {
  return told(settings, patch(settings, path, changes), look, code);
}

std::optional<Json> told(const Settings& settings, const std::optional<Answer>& answer,
                         const std::string& look, int& code) {
  code = answer ? kOk : kUnreachable;
  if (!answer) return std::nullopt;
  if (settings.json) {
    std::cout << answer->body;
    code = answer->ok() ? kOk : kRefused;
    return std::nullopt;
  }
  if (!answer->ok()) {
    code = show_refusal(*answer);
    std::cerr << "Nothing has changed. What is set now: " << look << "\n";
    return std::nullopt;
  }
  Json body = answer->json();
  show_problems(std::cerr, control::problems_from_json(body), "damctl", "",
                Style(wants_colour(STDERR_FILENO)));
  return body;
}

bool add_change(const std::string& text, const std::string& example, Json& changes) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    std::cerr << "damctl: \"" << text << "\" is not KEY=VALUE.\n  E.g. " << example << "\n";
    return false;
  }
  changes[text.substr(0, equals)] = text.substr(equals + 1);
  return true;
}

void say_outcome(const Json& body, const Style& style) {
  const std::string version = "version " + std::to_string(body.value("version", 0));
  if (body.value("applied", false)) {
    const int64_t there = body.value("policy_version", int64_t{0});  // 0: it was in force before
    std::cout << style.green("applied") << ": " << version << " is in force"
              << (there > 0 ? " (the dataplane's " + std::to_string(there) + ")" : "") << ".\n";
  } else if (body.value("waiting_for_dataplane", false)) {
    std::cout << style.yellow("waiting") << ": the dataplane does not answer; it gets " << version
              << " as soon as it does.\n  Look at it: damctl status\n";
  }
  if (body.value("restart_needed", false)) {
    std::cout << style.yellow("restart needed")
              << ": interfaces, limits or workers have changed.\n"
                 "  Use them: restart dam-dataplane\n";
  }
}

void say_confirm(const Json& body, const std::string& within, const Style& style) {
  std::cout << style.yellow("not for good yet") << ": it goes by itself in " << within
            << " unless you type: damctl confirm " << body.value("version", 0) << "\n";
}

void show_diff_text(const std::string& diff) {
  const Style style(wants_colour(STDOUT_FILENO));
  std::istringstream lines(diff);
  for (std::string line; std::getline(lines, line);) {
    const bool added = line.starts_with('+'), removed = line.starts_with('-');
    std::cout << (added ? style.green(line) : removed ? style.red(line) : line) << "\n";
  }
}

}  // namespace dam::ctl
