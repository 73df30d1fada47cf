// SPDX-License-Identifier: BSD-3-Clause
// What the kernel says of one of its network interfaces.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace dam {

struct KernelInterface {
  bool exists = false;
  bool up = false;
  bool promiscuous = false;
  uint32_t mtu = 0;
  uint32_t rx_queues = 1;
  uint32_t tx_queues = 1;
  std::array<uint8_t, 6> mac{};
  std::string driver;  // "veth", "ixgbe", …; empty when unknown
};

KernelInterface inspect_interface(const std::string& name);

}  // namespace dam
