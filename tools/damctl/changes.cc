// SPDX-License-Identifier: BSD-3-Clause
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "controlplane/api/problem_json.h"
#include "tools/damctl/client.h"
#include "tools/damctl/exit_code.h"
#include "tools/damctl/outcome.h"
#include "tools/damctl/show_problems.h"

namespace dam::ctl {

namespace {

// Files that the policy names lie beside it here, as in `damctl check`.
std::string policy_path(const Applying& how, bool dry_run) {
  const auto folder = std::filesystem::absolute(how.file).parent_path();
  std::string path = "/v1/policy?folder=" + query_text(folder.string());
  if (!how.confirm_within.empty()) path += "&confirm_within=" + query_text(how.confirm_within);
  if (how.force) path += "&force=1";
  return path + (dry_run ? "&dry_run=1" : "");
}

// It lasts; but whoever changes dam.yaml later would begin from another text.
void say_other_file(const std::string& file, const std::string& config) {
  std::error_code error;
  if (config.empty() || std::filesystem::equivalent(file, config, error)) return;
  std::cout << config << " still has another policy. To have this one there too:\n  cp " << file
            << " " << config << "\n";
}

int refused(const std::string& file, const std::vector<control::Problem>& problems) {
  std::cerr << file << " is refused: " << count_problems(problems)
            << ". Nothing has changed.\n  After mending it: damctl check -f " << file << "\n";
  return kRefused;
}

// Shows what would change, and asks. Gives the version that was looked at, nothing for no.
std::optional<int64_t> ask_first(const Settings& settings, const Applying& how,
                                 const std::string& text) {
  const auto running = get(settings, "/v1/policy/versions?count=1");
  const auto answer = running ? post(settings, policy_path(how, true), text) : std::nullopt;
  if (!answer) return std::nullopt;
  const Json body = answer->json();
  if (!answer->ok()) {
    const auto problems = control::problems_from_json(body);
    show_problems(std::cerr, problems, how.file, text, Style(wants_colour(STDERR_FILENO)));
    refused(how.file, problems);
    return std::nullopt;
  }
  const std::string diff = body.value("diff", "");
  show_diff_text(diff.empty() ? "(the same text as now)\n" : diff);
  std::cout << "Put it in force? [y/N] " << std::flush;
  std::string word;
  std::getline(std::cin, word);
  if (word != "y" && word != "yes") {
    std::cout << "Nothing has changed.\n";
    return std::nullopt;
  }
  return running->json().value("running", int64_t{0});
}

}  // namespace

int apply_file(const Settings& settings, const Applying& how) {
  std::ifstream in(how.file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) {
    std::cerr << "damctl: " << how.file << " cannot be read.\n";
    return kRefused;
  }
  std::optional<int64_t> seen = 0;
  const bool asks = isatty(STDIN_FILENO) == 1 && !how.yes && !how.dry_run && !settings.json;
  if (asks) seen = ask_first(settings, how, text.str());
  if (!seen) return kRefused;
  const auto answer = post(settings, policy_path(how, how.dry_run), text.str(), *seen);
  if (!answer) return kUnreachable;
  const Json body = answer->json();
  if (settings.json) {
    std::cout << answer->body;
    return answer->ok() ? kOk : kRefused;
  }
  const auto problems = control::problems_from_json(body);
  show_problems(std::cerr, problems, how.file, text.str(), Style(wants_colour(STDERR_FILENO)));
  if (!answer->ok()) return refused(how.file, problems);
  const Style style(wants_colour(STDOUT_FILENO));
  if (how.dry_run) {
    show_diff_text(body.value("diff", ""));
    std::cout << style.green("ok") << ": it would be applied. Nothing has changed.\n";
  } else {
    say_outcome(body, style);
    if (!how.confirm_within.empty()) say_confirm(body, how.confirm_within, style);
    say_other_file(how.file, body.value("config", ""));
  }
  return kOk;
}

int set_zone(const Settings& settings, const std::string& zone,
             const std::vector<std::string>& arguments) {
  Json changes = Json::object();
  for (const std::string& argument : arguments) {
    if (!add_change(argument, "damctl zone set heavy per_source.connections=\"5r/s burst=10\"",
                    changes)) {
      return kUsage;
    }
  }
  int code = kOk;
  const auto body = patched(settings, "/v1/zones/" + zone, changes, "damctl zones", code);
  if (!body) return code;
  say_outcome(*body, Style(wants_colour(STDOUT_FILENO)));
  std::cout << "Kept as version " << body->value("version", 0) << ". It goes when "
            << body->value("config", "dam.yaml")
            << " is changed and read again; to have it there too:\n"
            << body->value("yaml", "");
  return kOk;
}

}  // namespace dam::ctl
