// SPDX-License-Identifier: BSD-3-Clause
// A TAP device: an interface of the kernel's whose cable is a file of ours. It is gone with the
// file, however the process ends.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace dam {

// Does not block. Throws std::runtime_error with a sentence.
int open_tap(const std::string& name, const std::array<uint8_t, 6>& mac, uint32_t mtu);
// Is something at the other end of the cable? What routing daemons and `ip link` see.
void set_carrier(int tap, bool on);

}  // namespace dam
