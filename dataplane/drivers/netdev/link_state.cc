// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/netdev/link_state.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>

#include "dataplane/drivers/netdev/ethtool.h"

namespace dam {
namespace {

uint32_t speed_of(const std::string& interface) {
  ethtool_cmd command{};
  command.cmd = ETHTOOL_GSET;
  if (!ask_ethtool(interface, &command)) return 0;
  const uint32_t speed = ethtool_cmd_speed(&command);
  return speed == static_cast<uint32_t>(SPEED_UNKNOWN) ? 0 : speed;
}

}  // namespace

LinkState link_of(const std::string& interface) {
  ifreq answer{};
  if (!ask_device(interface, SIOCGIFFLAGS, answer)) return {};
  if ((answer.ifr_flags & IFF_RUNNING) == 0) return {};
  return {true, speed_of(interface)};
}

}  // namespace dam
