// SPDX-License-Identifier: BSD-3-Clause
// Plain lines for people, on stderr; systemd adds time and name.
#pragma once

#include <cstdio>
#include <string>

namespace dam {

inline void say(const std::string& sentence) { std::fprintf(stderr, "%s\n", sentence.c_str()); }

}  // namespace dam
