// SPDX-License-Identifier: BSD-3-Clause
// What the files of systemd-networkd (and of netplan, which writes such) give to an interface.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace dam {

// The file that gives the interface an address, or stands on it; empty: none.
std::string given_by_networkd(const std::string& interface, const std::array<uint8_t, 6>& mac,
                              const std::string& root);

}  // namespace dam
