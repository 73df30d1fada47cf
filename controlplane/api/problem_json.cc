// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/api/problem_json.h"

namespace dam::control {

namespace {

Json to_json(const Problem& problem) {
  Json result = Json::object();
  if (!problem.file.empty()) result["file"] = problem.file;
  if (problem.mark.line > 0) {
    result["line"] = problem.mark.line;
    result["column"] = problem.mark.column;
  }
  result["message"] = problem.message;
  if (!problem.hint.empty()) result["hint"] = problem.hint;
  return result;
}

void read_list(const Json& body, const char* key, Severity severity,
               std::vector<Problem>& problems) {
  const auto list = body.find(key);
  if (list == body.end() || !list->is_array()) return;
  for (const Json& entry : *list) {
    problems.push_back({severity,
                        entry.value("file", ""),
                        {entry.value("line", 0), entry.value("column", 0)},
                        entry.value("message", ""),
                        entry.value("hint", "")});
  }
}

}  // namespace

Json problems_to_json(const std::vector<Problem>& problems) {
  Json result = {{"errors", Json::array()}, {"warnings", Json::array()}};
  for (const Problem& problem : problems) {
    result[problem.severity == Severity::error ? "errors" : "warnings"].push_back(to_json(problem));
  }
  return result;
}

std::vector<Problem> problems_from_json(const Json& body) {
  std::vector<Problem> problems;
  if (!body.is_object()) return problems;
  read_list(body, "errors", Severity::error, problems);
  read_list(body, "warnings", Severity::warning, problems);
  return problems;
}

Json error_body(const std::string& message, const std::string& hint) {
  return problems_to_json({{Severity::error, "", {}, message, hint}});
}

}  // namespace dam::control
