// SPDX-License-Identifier: BSD-3-Clause
// What the host has given a network interface: whether it is up, its MTU, addresses and routes; to
// give it to the one that takes its place. What the kernel makes by itself is left out: link-local
// addresses, routes of prefixes, what routers advertise.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace dam {

using NetlinkMessage = std::vector<uint8_t>;  // whole, header first

struct InterfaceState {
  bool up = false;
  uint32_t mtu = 0;  // 0: unknown
  std::vector<NetlinkMessage> addresses;
  std::vector<NetlinkMessage> routes;  // without a gateway first
};

// Throws std::system_error when the kernel does not tell.
InterfaceState state_of_interface(const std::string& name);

// Gives `name` that state; what of it the kernel does not take, one sentence each.
std::vector<std::string> give_state(const std::string& name, const InterfaceState& state);

// False, with errno: it stays as it is.
bool rename_interface(const std::string& from, const std::string& to);
bool set_interface_up(const std::string& name, bool up);
bool set_interface_mtu(const std::string& name, uint32_t mtu);
bool set_interface_mac(const std::string& name, const std::array<uint8_t, 6>& mac);

}  // namespace dam
