// SPDX-License-Identifier: BSD-3-Clause
#include "tools/damctl/show_problems.h"

#include <algorithm>

namespace dam::ctl {

namespace {

std::string line_of(const std::string& text, int number) {
  size_t at = 0;
  for (int line = 1; line < number && at != std::string::npos; ++line) {
    at = text.find('\n', at);
    if (at != std::string::npos) ++at;
  }
  if (at == std::string::npos || at >= text.size()) return "";
  return text.substr(at, text.find('\n', at) - at);
}

// A terminal obeys control characters; a file from elsewhere must not steer it.
std::string printable(std::string line) {
  std::replace_if(
      line.begin(), line.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return line;
}

void show_line(std::ostream& out, const control::Problem& problem, const std::string& text,
               const Style& style) {
  const std::string line = printable(line_of(text, problem.mark.line));
  if (line.empty() || line.size() > 200) return;
  const std::string number = std::to_string(problem.mark.line);
  const std::string indent(number.size() + 2, ' ');
  out << "  " << style.dim(number + " |") << " " << line << "\n";
  out << indent << style.dim(" |") << " "
      << std::string(static_cast<size_t>(std::max(0, problem.mark.column - 1)), ' ')
      << style.red("^") << "\n";
}

}  // namespace

void show_problems(std::ostream& out, const std::vector<control::Problem>& problems,
                   const std::string& file, const std::string& text, const Style& style) {
  for (const control::Problem& problem : problems) {
    std::string place = problem.file.empty() ? file : problem.file;
    if (problem.mark.line > 0) {
      place += ":" + std::to_string(problem.mark.line) + ":" + std::to_string(problem.mark.column);
    }
    out << style.bold(place + ":") << " "
        << (problem.severity == control::Severity::error ? style.red("error:")
                                                         : style.yellow("warning:"))
        << " " << printable(problem.message) << "\n";
    if (problem.mark.line > 0 && (problem.file.empty() || problem.file == file)) {
      show_line(out, problem, text, style);
    }
    if (!problem.hint.empty()) out << "  " << printable(problem.hint) << "\n";
  }
}

std::string count_problems(const std::vector<control::Problem>& problems) {
  const auto errors = std::count_if(
      problems.begin(), problems.end(),
      [](const control::Problem& p) { return p.severity == control::Severity::error; });
  const auto warnings = static_cast<long>(problems.size()) - errors;
  const auto plural = [](long n, const char* word) {
    return std::to_string(n) + " " + word + (n == 1 ? "" : "s");
  };
  if (errors > 0 && warnings > 0)
    return plural(errors, "error") + ", " + plural(warnings, "warning");
  return errors > 0 ? plural(errors, "error") : plural(warnings, "warning");
}

}  // namespace dam::ctl
