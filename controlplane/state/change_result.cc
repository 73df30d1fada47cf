// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/state/change_result.h"

#include <utility>

namespace dam::control {

ChangeResult result_of(ChangeResult::Outcome outcome, std::vector<Problem> problems) {
  ChangeResult result;
  result.outcome = outcome;
  result.problems = std::move(problems);
  return result;
}

ChangeResult refusal_of(ChangeResult::Outcome outcome, std::string message, std::string hint) {
  return result_of(outcome, {{Severity::error, "", {}, std::move(message), std::move(hint)}});
}

ChangeResult not_saved(std::string message) {
  return refusal_of(ChangeResult::Outcome::not_saved, std::move(message),
                    "look for a full disk: df -h; then try again");
}

ChangeResult refused_by_dataplane(const std::vector<std::string>& errors,
                                  std::vector<Problem> problems) {
  for (const std::string& error : errors) {
    problems.push_back({Severity::error, "", {}, "the dataplane refuses: " + error, ""});
  }
  return result_of(ChangeResult::Outcome::refused, std::move(problems));
}

std::string version_text(int64_t number) { return "version " + std::to_string(number); }

}  // namespace dam::control
