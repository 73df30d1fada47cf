// SPDX-License-Identifier: BSD-3-Clause
// Aligned columns, and numbers for people.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "tools/damctl/style.h"

namespace dam::ctl {

class Table {
 public:
  // A header that begins with '>' stands for a column of numbers, aligned to the right.
  explicit Table(std::vector<std::string> headers);
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  void print(std::ostream& out, const Style& style) const;

 private:
  std::vector<std::string> headers_;
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

std::string short_number(double value);  // 950, 12.3k, 4.56M
std::string short_bytes(double value);   // 950 B, 12.3 kB
std::string short_time(double seconds);  // 42s, 5m, 3h12m, 2d4h

}  // namespace dam::ctl
