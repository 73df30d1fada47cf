// SPDX-License-Identifier: BSD-3-Clause
// Everything that driver: xdp has left on this host goes: programs, tables, and what was switched
// off on the devices is on again.
#pragma once

#include <string>
#include <vector>

namespace dam {

class Pins;

// The same under pins that the caller holds; the folder stays.
std::vector<std::string> undo(const Pins& pins);

// What was done, a sentence each. The connections end. Needs root. Throws std::runtime_error: a
// dataplane still runs on them.
std::vector<std::string> detach(const std::string& pins_folder);

// There are tables, and this build does not read them. Throws std::runtime_error: a dataplane runs
// on them.
bool left_by_another_version(const std::string& pins_folder);

}  // namespace dam
