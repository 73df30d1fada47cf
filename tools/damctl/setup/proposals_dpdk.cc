// SPDX-License-Identifier: BSD-3-Clause
#include "tools/damctl/setup/proposals_dpdk.h"

#include "dataplane/drivers/netdev/device_kind.h"

namespace dam::ctl {

namespace {

std::string card_of_network(const Answers& answers, const std::string& name) {
  const auto found = answers.find(name + ".device");
  return found == answers.end() || found->second.empty() ? "" : found->second.front();
}

}  // namespace

// Asked of each card once: interfaces that share one say the same.
Proposal propose_host_path(const HostNetwork& network, const Answers& answers,
                           const std::string& name) {
  const std::string device = card_of_network(answers, name);
  for (const std::string before : kNetworks) {
    if (before == name) break;
    const auto said = answers.find(before + ".host_path");
    if (said == answers.end() || card_of_network(answers, before) != device) continue;
    return {said->second, "as for " + before + ", on the same card"};
  }
  const HostLink* link = network.link(device);
  if (link != nullptr && !link->addresses.empty()) {
    return {{"true"}, "the host has " + link->addresses.front() + " there", true};
  }
  if (link != nullptr && !link->configured_by.empty()) {
    return {{"true"}, link->configured_by + " gives the host an address there", true};
  }
  return {{}, "the host does not use it"};
}

Proposal propose_bind(const HostNetwork& network, const Answers& answers) {
  bool any = false;
  for (const char* name : kNetworks) {
    const std::string device = card_of_network(answers, name);
    if (device.empty() || kind_of(device) != DeviceKind::kernel_interface) continue;
    any = true;
    const HostLink* link = network.link(device);
    if (link != nullptr && link->bindable) continue;
    return {{"false"}, device + " is no PCI device behind an IOMMU"};
  }
  if (!any) return {{"false"}, "PCI addresses are taken anyway"};
  return {{"true"}, "they are PCI devices behind an IOMMU, and go back at the end"};
}

}  // namespace dam::ctl
