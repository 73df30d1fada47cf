// SPDX-License-Identifier: BSD-3-Clause
// What the files of systemd-networkd (and of netplan, which writes such) give to an interface.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace dam {

// The file that gives the interface of these names (its own, alternative ones) an address, or
// stands on it; empty: none.
std::string given_by_networkd(const std::vector<std::string>& names,
                              const std::array<uint8_t, 6>& mac, const std::string& root);

}  // namespace dam
