// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/lookalikes/behaviour_text.h"

#include <charconv>
#include <cstdio>
#include <stdexcept>

namespace dam::control {

std::string vector_text(const Behaviour& behaviour) {
  std::string text = "[";
  for (const float value : behaviour) {
    char number[16];
    std::snprintf(number, sizeof number, "%s%.4f", text.size() == 1 ? "" : ",",
                  static_cast<double>(value));
    text += number;
  }
  return text + "]";
}

Behaviour read_vector(const char* text) {
  Behaviour behaviour{};
  const char* const end = text + std::char_traits<char>::length(text);
  for (float& value : behaviour) {
    if (*text == '\0') throw std::runtime_error("a vector is too short");
    const auto read = std::from_chars(text + 1, end, value);  // behind "[" or ","
    if (read.ec != std::errc()) throw std::runtime_error("a vector is none");
    text = read.ptr;
  }
  return behaviour;
}

}  // namespace dam::control
