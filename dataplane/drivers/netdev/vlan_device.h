// SPDX-License-Identifier: BSD-3-Clause
// The host's own devices on VLANs of a physical port: eth0.10 on eth0.
#pragma once

#include <libmnl/libmnl.h>

#include <cstdint>
#include <optional>

namespace dam {

struct VlanDevice {
  uint32_t ifindex = 0;
  uint32_t port_ifindex = 0;  // of the device below
  uint16_t vlan = 0;
};

// An RTM_NEWLINK about a VLAN device, or nothing.
std::optional<VlanDevice> read_vlan_device(const nlmsghdr* message);

// The ifindex of the host's device on that VLAN of that port; 0: it has none. Throws
// std::system_error.
uint32_t find_vlan_device(uint32_t port_ifindex, uint16_t vlan);

}  // namespace dam
