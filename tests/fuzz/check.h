// SPDX-License-Identifier: BSD-3-Clause
// What fuzzers assert with: it holds in every build, and libFuzzer reports where it did not.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace dam::fuzz {

inline void check(bool holds, const char* sentence) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", sentence);
  std::abort();
}

}  // namespace dam::fuzz
