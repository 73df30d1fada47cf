// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/dpdk/device.h"

namespace dam {

std::string af_xdp_arguments(const std::string& device, uint32_t device_index, uint32_t queue,
                             const KernelInterface& facts) {
  // Without busy polling the PMD waits in poll() for up to a second when a zero-copy driver asks to
  // be woken; with it, each empty poll is a system call. veth never asks, so there it costs
  // nothing.
  const char* busy_budget = facts.driver == "veth" ? "0" : "64";
  return "net_af_xdp_" + std::to_string(device_index) + "_" + std::to_string(queue) +
         ",iface=" + device + ",start_queue=" + std::to_string(queue) +
         ",queue_count=1,busy_budget=" + busy_budget;
}

std::string af_packet_arguments(const std::string& device, uint32_t device_index, uint32_t queues) {
  return "net_af_packet" + std::to_string(device_index) + ",iface=" + device +
         ",qpairs=" + std::to_string(queues) + ",qdisc_bypass=1";
}

std::string af_xdp_obstacle(const std::string& device, const KernelInterface& facts,
                            uint32_t workers, uint32_t mtu) {
  const std::string count = std::to_string(workers);
  if (!facts.exists) return "There is no interface \"" + device + "\" in this network namespace.";
  if (!facts.up) return device + " is down: ip link set " + device + " up.";
  if (facts.mtu < mtu) {
    return device + " has an MTU of " + std::to_string(facts.mtu) + ", the policy wants " +
           std::to_string(mtu) + ": ip link set " + device + " mtu " + std::to_string(mtu) + ".";
  }
  // A queue without a socket would keep its packets from the dam, a worker without a queue could
  // not send.
  if (facts.rx_queues != workers || facts.tx_queues < workers) {
    return device + " has " + std::to_string(facts.rx_queues) + " receive and " +
           std::to_string(facts.tx_queues) + " transmit queues; " + count +
           " of each are needed, one a worker: ethtool -L " + device + " combined " + count +
           " (veth: rx " + count + " tx " + count + ").";
  }
  return {};
}

}  // namespace dam
