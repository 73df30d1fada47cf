// SPDX-License-Identifier: BSD-3-Clause
// The dam beside other XDP programs on a device: in libxdp's dispatcher. What the dispatcher calls
// is a gate that never changes; the dam's program behind it is replaced between two frames, without
// libxdp, whose own way to replace a program is to attach a second and then detach the first.
#pragma once

#include <cstdint>
#include <string>

#include "dataplane/drivers/xdp/pins.h"

namespace dam {

// Why this kernel has no dispatcher, in a sentence; empty: it has, or nobody may say.
std::string why_not_beside();

struct GateWish {
  std::string device;
  uint32_t ifindex = 0;
  bool generic = false;
};
// Puts a gate on the device, with the program behind it, in the mode that the dispatcher has
// already. Gives the table of what is behind it, which is pinned. Throws std::runtime_error in
// words for people.
int open_gate(const Pins& pins, const GateWish& wish, int program_fd);
// Throws std::system_error.
void put_behind_gate(int table, int program_fd);

}  // namespace dam
