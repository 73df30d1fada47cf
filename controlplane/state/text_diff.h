// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

namespace dam::control {

// What `diff -u` prints below its two names; empty: the texts are the same. Texts beyond a megabyte
// or ten thousand lines are said to differ, and not compared.
//
// Why dtl: a header of Debian's, Wu's O(NP) algorithm, and it writes the unified form itself.
std::string text_diff(const std::string& before, const std::string& after);

}  // namespace dam::control
