// SPDX-License-Identifier: BSD-3-Clause
#include <unistd.h>

#include <iostream>

#include "controlplane/api/problem_json.h"
#include "controlplane/logs/log_record.h"
#include "controlplane/lookalikes/features.h"
#include "controlplane/policy/load.h"
#include "controlplane/policy/schema.h"
#include "tools/damctl/commands.h"
#include "tools/damctl/exit_code.h"
#include "tools/damctl/show_problems.h"

namespace dam::ctl {

namespace {

std::string summary(const control::Policy& policy) {
  const auto part = [](size_t n, const char* word) {
    return std::to_string(n) + " " + word + (n == 1 ? "" : "s");
  };
  std::string text =
      part(policy.listeners.size(), "listener") + ", " + part(policy.zones.size(), "zone") + ", " +
      part(policy.servers.size(), "server") + ", " + part(policy.routes.size(), "route");
  if (!policy.deny.empty()) text += ", " + part(policy.deny.size(), "denied network");
  return text;
}

}  // namespace

int check_file(const Settings& settings, const std::string& file) {
  const control::Loaded loaded = control::load_policy_file(file);
  const bool valid = loaded.policy.has_value();
  if (settings.json) {
    control::Json body = {{"valid", valid}};
    body.update(control::problems_to_json(loaded.problems));
    std::cout << body.dump(2) << "\n";
    return valid ? kOk : kRefused;
  }
  const Style errors(wants_colour(STDERR_FILENO));
  show_problems(std::cerr, loaded.problems, file, loaded.text, errors);
  if (!valid) {
    std::cerr << file << " is refused: " << count_problems(loaded.problems) << ".\n";
    return kRefused;
  }
  const Style style(wants_colour(STDOUT_FILENO));
  std::cout << style.green("ok") << " " << file << ": " << summary(*loaded.policy);
  if (!loaded.problems.empty()) std::cout << "; " << count_problems(loaded.problems);
  std::cout << ".\nApply it with: damctl apply -f " << file << "\n";
  return kOk;
}

int print_schema(bool of_logs) {
  std::cout << (of_logs ? control::log_schema() : control::policy_schema()).dump(2) << "\n";
  return kOk;
}

int print_reference() {
  std::cout << control::policy_reference();
  return kOk;
}

int print_features() {
  std::cout << control::features_reference();
  return kOk;
}

}  // namespace dam::ctl
