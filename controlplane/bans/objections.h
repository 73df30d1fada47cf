// SPDX-License-Identifier: BSD-3-Clause
// What speaks against a list of bans: all of it at once, of which so much is told.
#pragma once

#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "controlplane/policy/problem.h"

namespace dam::control {

class Objections {
 public:
  static constexpr size_t kMostTold = 100;

  void add(Mark at, std::string message, std::string hint) {
    ++count_;
    const Place place{at.line, at.column};
    if (first_.size() == kMostTold && place >= std::prev(first_.end())->first) return;
    first_.emplace(place, Problem{Severity::error, "", at, std::move(message), std::move(hint)});
    if (first_.size() > kMostTold) first_.erase(std::prev(first_.end()));
  }
  bool any() const { return count_ > 0; }
  // The first ones in the order of the list, and how many more there are.
  std::vector<Problem> told() const {
    std::vector<Problem> all;
    for (const auto& [place, problem] : first_) all.push_back(problem);
    if (count_ > kMostTold) {
      const std::string more = std::to_string(count_ - kMostTold);
      all.push_back({Severity::error, "", {}, more + " more are wrong", ""});
    }
    return all;
  }

 private:
  using Place = std::pair<int, int>;  // line, column
  std::multimap<Place, Problem> first_;
  size_t count_ = 0;
};

}  // namespace dam::control
