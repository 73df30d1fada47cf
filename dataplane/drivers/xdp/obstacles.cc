// SPDX-License-Identifier: BSD-3-Clause
// Why a start cannot be, as far as it can be told without trying.
#include <net/if.h>

#include <algorithm>
#include <set>

#include "dataplane/drivers/netdev/ethtool.h"
#include "dataplane/drivers/netdev/kernel_interface.h"
#include "dataplane/drivers/netdev/offloads.h"
#include "dataplane/drivers/netdev/vlan_device.h"
#include "dataplane/drivers/xdp/driver.h"
#include "dataplane/drivers/xdp/gate.h"
#include "dataplane/drivers/xdp/occupied.h"

namespace dam {
namespace {

constexpr uint16_t kMostMtu = 1500;  // what a chunk holds beside the headrooms

bool has_vlan(const StartConfig& config, size_t device) {
  return std::any_of(config.interfaces.begin(), config.interfaces.end(), [&](const auto& one) {
    return one.port == device && one.vlan != DAM_VLAN_NONE;
  });
}

// What is on, does harm, and cannot be switched off.
std::string stuck_obstacle(const StartConfig& config, size_t device, uint32_t unwanted) {
  const std::string& name = config.devices[device].device;
  const auto features = features_of(name);
  std::string obstacle;
  for (size_t i = 0; i < kOffloads.size(); ++i) {
    const uint32_t bit = 1u << i;
    const auto found = features.find(kOffloads[i].feature);
    if ((unwanted & bit) == 0 || found == features.end()) continue;
    if (!found->second.on || found->second.changeable) continue;
    if (bit == kVlanParse && !has_vlan(config, device)) continue;  // a warning says so
    obstacle = name + ": its driver lets nobody switch " + kOffloads[i].ethtool + " off, which " +
               kOffloads[i].harm + "; take driver: dpdk there.";
  }
  return obstacle;
}

std::string device_obstacle(const StartConfig& config, size_t device, uint32_t unwanted) {
  const DeviceConfig& wanted = config.devices[device];
  const KernelInterface facts = inspect_interface(wanted.device);
  if (!facts.exists) {
    return "There is no interface \"" + wanted.device + "\" in this network namespace.";
  }
  if (wanted.mtu > kMostMtu) {
    return wanted.device + ": driver: xdp takes an mtu of 1500 at most, not " +
           std::to_string(wanted.mtu) + ".";
  }
  if (facts.mtu < wanted.mtu) {
    return wanted.device + " has an MTU of " + std::to_string(facts.mtu) + ", the policy wants " +
           std::to_string(wanted.mtu) + ": ip link set " + wanted.device + " mtu " +
           std::to_string(wanted.mtu) + ".";
  }
  const std::string taken =
      occupied(wanted.device, config.xdp_beside_others ? Beside::others : Beside::nobody);
  return taken.empty() ? stuck_obstacle(config, device, unwanted) : taken;
}

}  // namespace

std::vector<uint32_t> unwanted_offloads(const StartConfig& config) {
  std::vector<uint32_t> unwanted(config.devices.size(), kAlwaysOff);
  for (const Interface& interface : config.interfaces) {
    const std::string& device = config.devices[interface.port].device;
    if (interface.vlan == DAM_VLAN_NONE) continue;
    if (find_vlan_device(if_nametoindex(device.c_str()), interface.vlan) == 0) {
      unwanted[interface.port] |= kVlanFilter;
    }
  }
  return unwanted;
}

std::vector<std::string> xdp_obstacles(const StartConfig& config) {
  std::vector<std::string> obstacles;
  std::set<unsigned> seen;  // a device may have several names
  const std::vector<uint32_t> unwanted = unwanted_offloads(config);
  for (size_t i = 0; i < config.devices.size(); ++i) {
    const std::string& name = config.devices[i].device;
    const std::string obstacle = device_obstacle(config, i, unwanted[i]);
    if (!obstacle.empty()) obstacles.push_back(obstacle);
    const unsigned ifindex = if_nametoindex(name.c_str());
    if (ifindex != 0 && !seen.insert(ifindex).second) {
      obstacles.push_back(name + " is another name of a device that is taken already.");
    }
  }
  const std::string alone = config.xdp_beside_others ? why_not_beside() : "";
  if (!alone.empty()) obstacles.push_back(alone);
  if (config.interfaces.size() > DAM_MAX_INTERFACES) {
    obstacles.push_back("driver: xdp takes 16 interfaces at most, not " +
                        std::to_string(config.interfaces.size()) + ".");
  }
  return obstacles;
}

}  // namespace dam
