// SPDX-License-Identifier: BSD-3-Clause
// What speaks against a list of bans: all of it at once, of which so much is told.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "controlplane/policy/problem.h"

namespace dam::control {

class Objections {
 public:
  static constexpr size_t kMostTold = 100;

  void add(Mark at, std::string message, std::string hint) {
    if (++count_ > kMostTold) return;
    told_.push_back({Severity::error, "", at, std::move(message), std::move(hint)});
  }
  bool any() const { return count_ > 0; }
  // In the order of the list, and how many more there are.
  std::vector<Problem> told() const {
    std::vector<Problem> all = told_;
    std::stable_sort(all.begin(), all.end(),
                     [](const Problem& a, const Problem& b) { return a.mark.line < b.mark.line; });
    if (count_ > kMostTold) {
      const std::string more = std::to_string(count_ - kMostTold);
      all.push_back({Severity::error, "", {}, more + " more are wrong", ""});
    }
    return all;
  }

 private:
  std::vector<Problem> told_;
  size_t count_ = 0;
};

}  // namespace dam::control
