// SPDX-License-Identifier: BSD-3-Clause
#include "tools/damctl/watch_row.h"

#include <algorithm>

namespace dam::ctl {

namespace {

// What moves a cursor, or is wider than it looks, is no part of a name.
std::string plain_of(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if ((c & 0xc0) == 0x80) continue;
    result += c >= ' ' && c != 0x7f ? c : '?';
  }
  return result;
}

std::string painted(const std::string& text, Paint paint, const Style& style) {
  switch (paint) {
    case Paint::bold:
      return style.bold(text);
    case Paint::dim:
      return style.dim(text);
    case Paint::red:
      return style.red(text);
    case Paint::yellow:
      return style.yellow(text);
    case Paint::green:
      return style.green(text);
    default:
      return text;
  }
}

}  // namespace

Row& Row::add(const std::string& text, Paint paint) {
  const std::string fits = plain_of(text).substr(0, left_);
  left_ -= fits.size();
  if (!fits.empty()) text_ += painted(fits, paint, style_);
  return *this;
}

Row& Row::cell(const std::string& text, size_t width, Paint paint) {
  const std::string fits = plain_of(text).substr(0, width);
  add(fits, paint);
  return add(std::string(width - fits.size() + 1, ' '));
}

Row& Row::number(const std::string& text, size_t width, Paint paint) {
  add(std::string(width - std::min(width, text.size()), ' '));
  return add(text, paint).add(" ");
}

}  // namespace dam::ctl
