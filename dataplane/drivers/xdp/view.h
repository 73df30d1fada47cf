// SPDX-License-Identifier: BSD-3-Clause
// The policy and the site as the kernel's plane reads them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/core/view.h"
#include "dataplane/engine/engine.h"
#include "dataplane/engine/policy.h"

namespace dam {

// The kernel's side of an interface.
struct XdpInterface {
  uint32_t ifindex = 0;  // of the physical port, also where the interface is a VLAN
  uint8_t device = 0;    // of the sockets: see dam_view_interface
  // The host's own device there, whose neighbour table has the next hops: the port, or eth0.10 for
  // its VLAN 10. 0: the host is not on that VLAN, and the dam answers and asks there itself.
  uint32_t host_ifindex = 0;
  MacAddress mac{};
};

// Fills everything of a view but the lists of prefixes. `window`: what a SYN-ACK offers.
void fill_view(dam_view& view, const Policy& policy, const Engine& engine,
               std::span<const XdpInterface> interfaces, uint16_t window);
// What the listeners' SYN-ACKs may promise: it changes while a policy is in force.
void fill_promises(dam_view& view, std::span<const LearnedOptions> promises);

}  // namespace dam
