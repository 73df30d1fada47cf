// SPDX-License-Identifier: BSD-3-Clause
// Pieces of several views.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <string>

#include "tools/damctl/rates.h"
#include "tools/damctl/table.h"

namespace dam::ctl {

inline Style out_style() { return Style(wants_colour(STDOUT_FILENO)); }

inline std::string joined(const Json& list, const char* between = ", ") {
  std::string text;
  for (const Json& entry : list) text += (text.empty() ? "" : between) + entry.get<std::string>();
  return text;
}

// A counter: its value or, between two answers, what it grew by in each second.
class Growth {
 public:
  Growth(const Json& now, const Json& before) : now_(now), before_(before) {}
  void span(double seconds) { seconds_ = seconds; }
  double of(const std::string& path) const {
    const double value = number_at(now_, path);
    if (seconds_ <= 0 || before_.is_null()) return seconds_ > 0 ? 0 : value;
    return std::max(0.0, value - number_at(before_, path)) / seconds_;
  }

 private:
  const Json& now_;
  const Json& before_;
  double seconds_ = 0;
};

}  // namespace dam::ctl
