// SPDX-License-Identifier: BSD-3-Clause
// One line of a picture, piece by piece; what is too long is cut off.
#pragma once

#include <string>

#include "tools/damctl/style.h"

namespace dam::ctl {

enum class Paint { plain, bold, dim, red, yellow, green };

class Row {
 public:
  Row(size_t columns, const Style& style) : left_(columns), style_(style) {}

  Row& add(const std::string& text, Paint paint = Paint::plain);
  // In a column of that width, and a space behind it.
  Row& cell(const std::string& text, size_t width, Paint paint = Paint::plain);
  Row& number(const std::string& text, size_t width, Paint paint = Paint::plain);
  std::string text() const { return text_; }
  size_t left() const { return left_; }

 private:
  size_t left_;
  const Style& style_;
  std::string text_;
};

}  // namespace dam::ctl
