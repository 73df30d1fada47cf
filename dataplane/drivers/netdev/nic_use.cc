// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/netdev/nic_use.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <vector>

#include "dataplane/drivers/netdev/host_configuration.h"
#include "dataplane/drivers/netdev/host_use.h"
#include "dataplane/drivers/netdev/interface_names.h"
#include "dataplane/drivers/netdev/interface_state.h"
#include "dataplane/drivers/netdev/kernel_interface.h"
#include "dataplane/drivers/netdev/tcp_sockets.h"

namespace dam {
namespace {

// Empty: nobody.
std::string who_is_connected(const std::vector<std::string>& addresses) {
  const std::vector<TcpSocket> all = tcp_sockets();
  std::set<uint16_t> served;
  for (const TcpSocket& one : all) {
    if (one.listens) served.insert(one.port);
  }
  for (const TcpSocket& one : all) {
    const bool here = std::find(addresses.begin(), addresses.end(), one.address) != addresses.end();
    if (!one.established || !here || !served.contains(one.port)) continue;
    return "somebody is connected to " + one.address + " port " + std::to_string(one.port) +
           (one.port == 22 ? " (SSH)" : "") + " by it";
  }
  return {};
}

}  // namespace

std::string what_host_loses(const std::string& interface, const std::string& root) {
  const HostUse use = use_by_host(interface);
  std::string who = who_is_connected(use.addresses);
  if (!who.empty()) return who;
  if (use.default_route) return "the host reaches the world by it";
  if (!use.addresses.empty()) return "the host has " + use.addresses.front() + " there";
  const KernelInterface about = inspect_interface(interface);
  if (about.exists && !state_of_interface(interface).routes.empty()) {
    return "the host has a route by it";
  }
  const std::string file = configured_by(names_of_interface(interface), about.mac, root);
  return file.empty() ? "" : file + " gives it to the host";
}

}  // namespace dam
