// SPDX-License-Identifier: BSD-3-Clause
// What the host's own files make of an interface, whether that has happened yet or not: while the
// machine starts, addresses and routes may still be to come.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace dam {

// Who gives the interface an address, or stands on it, as words ("/etc/network/interfaces"); empty:
// nobody, as far as the files of ifupdown, systemd-networkd (and netplan) and NetworkManager say.
// `names`: the interface's own first, then its alternative ones. `root` is another folder in tests
// alone.
std::string configured_by(const std::vector<std::string>& names, const std::array<uint8_t, 6>& mac,
                          const std::string& root = "/");

}  // namespace dam
