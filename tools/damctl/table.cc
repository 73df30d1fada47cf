// SPDX-License-Identifier: BSD-3-Clause
#include "tools/damctl/table.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace dam::ctl {

namespace {

// Columns on the screen: continuation bytes of UTF-8 take none.
size_t width_of(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string padded(const std::string& text, size_t width, bool right) {
  const std::string space(width - std::min(width, width_of(text)), ' ');
  return right ? space + text : text + space;
}

}  // namespace

Table::Table(std::vector<std::string> headers) : headers_(std::move(headers)) {
  for (std::string& header : headers_) {
    right_.push_back(header.starts_with('>'));
    if (right_.back()) header.erase(0, 1);
  }
}

void Table::print(std::ostream& out, const Style& style) const {
  std::vector<size_t> widths;
  for (size_t c = 0; c < headers_.size(); ++c) {
    widths.push_back(width_of(headers_[c]));
    for (const auto& cells : rows_) widths[c] = std::max(widths[c], width_of(cells[c]));
  }
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string text;
    for (size_t c = 0; c < cells.size(); ++c) {
      text += (c > 0 ? "  " : "") + padded(cells[c], widths[c], right_[c]);
    }
    return text.substr(0, text.find_last_not_of(' ') + 1);
  };
  out << style.bold(line(headers_)) << "\n";
  for (const auto& cells : rows_) out << line(cells) << "\n";
}

namespace {

std::string scaled(double value, const char* const (&units)[5]) {
  int unit = 0;
  while (value >= 1000 && unit < 4) {
    value /= 1000;
    ++unit;
  }
  char text[32];
  const bool whole = unit == 0 && value == std::floor(value);
  std::snprintf(text, sizeof text, "%.*f%s", whole || value >= 100 ? 0 : 1, value, units[unit]);
  return text;
}

}  // namespace

std::string short_number(double value) { return scaled(value, {"", "k", "M", "G", "T"}); }
std::string short_bytes(double value) { return scaled(value, {" B", " kB", " MB", " GB", " TB"}); }

std::string short_time(double seconds) {
  const auto s = static_cast<long>(seconds);
  const auto pair = [](long a, const char* big, long b, const char* small) {
    return std::to_string(a) + big + (b > 0 ? std::to_string(b) + small : "");
  };
  if (s < 60) return std::to_string(s) + "s";
  if (s < 3600) return pair(s / 60, "m", s % 60, "s");
  if (s < 86400) return pair(s / 3600, "h", s % 3600 / 60, "m");
  return pair(s / 86400, "d", s % 86400 / 3600, "h");
}

}  // namespace dam::ctl
