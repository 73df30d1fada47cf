// SPDX-License-Identifier: BSD-3-Clause
// What the files of ifupdown give to an interface: interfaces(5).
#pragma once

#include <string>

namespace dam {

// The file that gives the interface an address, or stands on it; empty: none.
std::string given_by_ifupdown(const std::string& interface, const std::string& root);

}  // namespace dam
