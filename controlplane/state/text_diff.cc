// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/state/text_diff.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wconversion"
#include <dtl/dtl.hpp>
#pragma GCC diagnostic pop

#include <algorithm>
#include <mutex>
#include <sstream>
#include <vector>

namespace dam::control {

namespace {

// Of each text: a second and a hundred megabytes where every line is another one.
constexpr size_t kMostBytes = 1 << 20, kMostLines = 10'000;

constexpr const char* kTooLong = "(too long to be compared)\n";

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace

std::string text_diff(const std::string& before, const std::string& after) {
  if (before == after) return "";
  if (before.size() > kMostBytes || after.size() > kMostBytes) return kTooLong;
  const std::vector<std::string> old_lines = lines_of(before), new_lines = lines_of(after);
  if (std::max(old_lines.size(), new_lines.size()) > kMostLines) return kTooLong;
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  dtl::Diff<std::string> diff(old_lines, new_lines);
  diff.onHuge();
  diff.compose();
  diff.composeUnifiedHunks();
  std::ostringstream out;
  diff.printUnifiedFormat(out);
  return out.str();
}

}  // namespace dam::control
