// SPDX-License-Identifier: BSD-3-Clause
// Colours, on a terminal only.
#pragma once

#include <string>

namespace dam::ctl {

// Whether `fd` is a terminal that wants colours (no-color.org).
bool wants_colour(int fd);

class Style {
 public:
  explicit Style(bool colour) : colour_(colour) {}
  std::string bold(const std::string& text) const { return paint("1", text); }
  std::string dim(const std::string& text) const { return paint("2", text); }
  std::string red(const std::string& text) const { return paint("1;31", text); }
  std::string green(const std::string& text) const { return paint("32", text); }
  std::string yellow(const std::string& text) const { return paint("1;33", text); }

 private:
  std::string paint(const char* code, const std::string& text) const {
    return colour_ ? "\033[" + std::string(code) + "m" + text + "\033[0m" : text;
  }
  bool colour_;
};

}  // namespace dam::ctl
