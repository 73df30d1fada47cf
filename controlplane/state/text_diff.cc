// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/state/text_diff.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wconversion"
#include <dtl/dtl.hpp>
#pragma GCC diagnostic pop

#include <sstream>
#include <vector>

namespace dam::control {

namespace {

constexpr size_t kMostBytes = 1 << 20;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace

std::string text_diff(const std::string& before, const std::string& after) {
  if (before == after) return "";
  if (before.size() > kMostBytes || after.size() > kMostBytes) return "(too long to be compared)\n";
  dtl::Diff<std::string> diff(lines_of(before), lines_of(after));
  diff.onHuge();
  diff.compose();
  diff.composeUnifiedHunks();
  std::ostringstream out;
  diff.printUnifiedFormat(out);
  return out.str();
}

}  // namespace dam::control
