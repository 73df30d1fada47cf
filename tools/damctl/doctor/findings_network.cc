// SPDX-License-Identifier: BSD-3-Clause
// What the host itself does with the network where the dam would be.
#include <algorithm>

#include "tools/damctl/doctor/findings.h"

namespace dam::ctl {

namespace {

bool contains(const std::vector<std::string>& list, const std::string& one) {
  return std::find(list.begin(), list.end(), one) != list.end();
}

bool is_loopback(const std::string& address) {
  return address.starts_with("127.") || address == "::1";
}

bool answers_for(const Listening& one, const std::string& address) {
  const bool v6 = address.find(':') != std::string::npos;
  return one.address == address || one.address == "::" ||  // which takes IPv4, too
         (one.address == "0.0.0.0" && !v6);
}

// The dam's XDP program takes what comes to its listeners before the host sees it.
void taken_over(const Facts& facts, std::vector<Finding>& out) {
  for (const Wishes::Taken& taken : facts.wishes.taken) {
    for (const Listening& one : facts.network.listening) {
      if (one.port != taken.port || !answers_for(one, taken.address)) continue;
      out.push_back({Level::warning,
                     one.text() + " of this host: who comes to " + taken.address +
                         " reaches the dam instead, by listener \"" + taken.listener + "\"",
                     "ss -ltnp sport = :" + std::to_string(taken.port)});
      break;
    }
  }
}

// What is reached by a device that DPDK takes.
void lost(const Facts& facts, const DeviceFacts& device, std::vector<Finding>& out) {
  std::string services;
  for (const Listening& one : facts.network.listening) {
    const bool here = one.any() || contains(device.host.addresses, one.address);
    if (!here || is_loopback(one.address)) continue;
    if (services.find(one.text()) != std::string::npos) continue;  // of the other family
    services += (services.empty() ? "" : ", ") + one.text();
  }
  if (!services.empty()) {
    out.push_back(
        {Level::warning,
         "nobody reaches the host's own services by " + device.name +
             " while the dam has it: " + services,
         "driver: xdp in dam.yaml, host_path: true of this interface, or another card for them"});
  }
  if (contains(device.host.addresses, facts.network.session_server)) {
    out.push_back(
        {Level::warning,
         "you are logged in from " + facts.network.session_client + " by " + device.name +
             ", and lose that to DPDK",
         "driver: xdp in dam.yaml, host_path: true of this interface, or come by another card"});
  }
}

bool has_host_path(const Wishes& wishes, const std::string& device) {
  for (const Wishes::Interface& wish : wishes.interfaces) {
    if (wish.device == device && wish.host_path.value_or(false)) return true;
  }
  return false;
}

// The dam is below the host's VLAN devices, and does not follow when an address changes.
void names_and_leases(const Facts& facts, std::vector<Finding>& out) {
  for (const Wishes::Interface& wish : facts.wishes.interfaces) {
    const HostLink* link = facts.network.link(wish.device);
    if (link == nullptr) continue;
    if (link->vlan != 0) {
      out.push_back(
          {Level::warning,
           wish.device + " is the host's device on VLAN " + std::to_string(link->vlan) + " of " +
               link->port + ", above the dam's place",
           "device: " + link->port + " and vlan: " + std::to_string(link->vlan) + "  in dam.yaml"});
    }
    for (const Wishes::Address& address : wish.addresses) {
      if (!contains(link->leased, address.text + "/" + std::to_string(address.prefix_bits)))
        continue;
      out.push_back(
          {Level::warning,
           "the host has " + address.text + " on " + wish.device +
               " for a time only (DHCP, router advertisements): when it changes, dam.yaml "
               "does not",
           "a fixed address, or a reservation for it at the router"});
    }
  }
}

}  // namespace

std::vector<Finding> findings_of_network(const Facts& facts) {
  std::vector<Finding> out;
  names_and_leases(facts, out);
  if (facts.on_xdp()) {
    taken_over(facts, out);
    return out;
  }
  for (const DeviceFacts& device : facts.devices) {
    const bool of_host =
        device.kind == DeviceKind::kernel_interface && !device.host.addresses.empty();
    if (of_host && !has_host_path(facts.wishes, device.name)) lost(facts, device, out);
  }
  return out;
}

}  // namespace dam::ctl
