// SPDX-License-Identifier: BSD-3-Clause
// The device names of the policy, and what DPDK calls them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/drivers/netdev/device_kind.h"
#include "dataplane/drivers/netdev/kernel_interface.h"

namespace dam {

// "name,arguments" for rte_dev_probe(). A kernel interface becomes one AF_XDP port a queue: veth
// and other devices without "combined" channels let net_af_xdp open one queue only. Each
// socket registers the same pool as its memory, so that a frame goes from port to port without a
// copy; the PMD's option shared_umem would save nothing more, and Debian's build lacks it.
std::string af_xdp_arguments(const std::string& device, uint32_t device_index, uint32_t queue,
                             const KernelInterface& facts);
std::string af_packet_arguments(const std::string& device, uint32_t device_index, uint32_t queues);

// Why `workers` queue pairs cannot be opened on this interface by AF_XDP, with what to do about it;
// empty when they can.
std::string af_xdp_obstacle(const std::string& device, const KernelInterface& facts,
                            uint32_t workers, uint32_t mtu);

}  // namespace dam
