// SPDX-License-Identifier: BSD-3-Clause
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "controlplane/api/problem_json.h"
#include "tools/damctl/client.h"
#include "tools/damctl/exit_code.h"
#include "tools/damctl/show_problems.h"

namespace dam::ctl {

namespace {

// What came of it, in one sentence for each thing to know.
void say_outcome(const Json& body, const Style& style) {
  if (body.value("applied", false)) {
    std::cout << style.green("applied") << ": policy version " << body.value("policy_version", 0)
              << " is in force.\n";
  } else if (body.value("waiting_for_dataplane", false)) {
    std::cout << style.yellow("waiting")
              << ": the dataplane does not answer; it gets the policy as "
                 "soon as it does.\n  Look at it: damctl status\n";
  }
  if (body.value("restart_needed", false)) {
    std::cout << style.yellow("restart needed")
              << ": interfaces, limits or workers have changed.\n"
                 "  Use them: restart dam-dataplane\n";
  }
}

// Files that the policy names lie beside it here, as in `damctl check`.
std::string policy_path(const std::string& file, bool dry_run) {
  const auto folder = std::filesystem::absolute(file).parent_path();
  return "/v1/policy?folder=" + query_text(folder.string()) + (dry_run ? "&dry_run=1" : "");
}

// dam.yaml outlives what was applied in its place.
void say_what_lasts(const std::string& file, const std::string& config) {
  std::error_code error;
  if (config.empty() || std::filesystem::equivalent(file, config, error)) return;
  std::cout << config
            << " is unchanged: a restart or SIGHUP of the control plane brings it back. To keep "
               "this:\n  cp "
            << file << " " << config << "\n";
}

}  // namespace

int apply_file(const Settings& settings, const std::string& file, bool dry_run) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) {
    std::cerr << "damctl: " << file << " cannot be read.\n";
    return kRefused;
  }
  const auto answer = post(settings, policy_path(file, dry_run), text.str());
  if (!answer) return kUnreachable;
  const Json body = answer->json();
  if (settings.json) {
    std::cout << answer->body;
    return answer->ok() ? kOk : kRefused;
  }
  const auto problems = control::problems_from_json(body);
  show_problems(std::cerr, problems, file, text.str(), Style(wants_colour(STDERR_FILENO)));
  if (!answer->ok()) {
    std::cerr << file << " is refused: " << count_problems(problems)
              << ". Nothing has changed.\n  After mending it: damctl check -f " << file << "\n";
    return kRefused;
  }
  const Style style(wants_colour(STDOUT_FILENO));
  if (dry_run) {
    std::cout << style.green("ok") << ": it would be applied. Nothing has changed.\n";
  } else {
    say_outcome(body, style);
    say_what_lasts(file, body.value("config", ""));
  }
  return kOk;
}

namespace {

// KEY=VALUE into the object; false after saying what is wrong.
bool add_change(const std::string& text, Json& changes) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    std::cerr << "damctl: \"" << text << "\" is not KEY=VALUE.\n"
              << "  E.g. damctl zone set heavy per_source.connections=\"5r/s burst=10\"\n";
    return false;
  }
  changes[text.substr(0, equals)] = text.substr(equals + 1);
  return true;
}

}  // namespace

int set_zone(const Settings& settings, const std::string& zone,
             const std::vector<std::string>& arguments) {
  Json changes = Json::object();
  for (const std::string& argument : arguments) {
    if (!add_change(argument, changes)) return kUsage;
  }
  const auto answer = patch(settings, "/v1/zones/" + zone, changes);
  if (!answer) return kUnreachable;
  if (settings.json) {
    std::cout << answer->body;
    return answer->ok() ? kOk : kRefused;
  }
  if (!answer->ok()) {
    const int code = show_refusal(*answer);
    std::cerr << "Nothing has changed. What is set now: damctl zones\n";
    return code;
  }
  const Json body = answer->json();
  show_problems(std::cerr, control::problems_from_json(body), "damctl", "",
                Style(wants_colour(STDERR_FILENO)));
  say_outcome(body, Style(wants_colour(STDOUT_FILENO)));
  std::cout << body.value("config", "dam.yaml")
            << " is unchanged: a restart of the control plane undoes this. To keep it, put there:\n"
            << body.value("yaml", "");
  return kOk;
}

}  // namespace dam::ctl
