// SPDX-License-Identifier: BSD-3-Clause
// How failed expectations name what a parser said.
#pragma once

#include <ostream>
#include <string_view>

#include "dataplane/engine/hello_status.h"

namespace dam {

inline std::ostream& operator<<(std::ostream& out, HelloStatus status) {
  constexpr std::string_view kNames[] = {"complete", "incomplete", "malformed", "too_long"};
  return out << kNames[static_cast<int>(status)];
}

}  // namespace dam
