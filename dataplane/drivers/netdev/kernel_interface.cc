// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/netdev/kernel_interface.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>

#include <algorithm>

#include "dataplane/drivers/netdev/ethtool.h"

namespace dam {
namespace {

void ask_queues(const std::string& name, KernelInterface& result) {
  ethtool_channels channels{};
  channels.cmd = ETHTOOL_GCHANNELS;
  if (!ask_ethtool(name, &channels)) return;
  result.rx_queues = std::max(1u, channels.combined_count + channels.rx_count);
  result.tx_queues = std::max(1u, channels.combined_count + channels.tx_count);
}

}  // namespace

KernelInterface inspect_interface(const std::string& name) {
  KernelInterface result;
  ifreq answer{};
  if (!ask_device(name, SIOCGIFFLAGS, answer)) return result;
  result.exists = true;
  result.up = (answer.ifr_flags & IFF_UP) != 0;
  result.promiscuous = (answer.ifr_flags & IFF_PROMISC) != 0;
  if (ask_device(name, SIOCGIFMTU, answer)) result.mtu = static_cast<uint32_t>(answer.ifr_mtu);
  if (ask_device(name, SIOCGIFHWADDR, answer)) {
    std::copy_n(answer.ifr_hwaddr.sa_data, result.mac.size(), result.mac.begin());
  }
  ask_queues(name, result);
  result.driver = driver_of(name);
  return result;
}

}  // namespace dam
