// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/netdev/driver_choice.h"

#include "dataplane/drivers/netdev/host_configuration.h"
#include "dataplane/drivers/netdev/interface_names.h"
#include "dataplane/drivers/netdev/kernel_interface.h"

namespace dam {
namespace {

// Empty: the host leaves it alone.
std::string reason_of_use(const DriverFacts::Device& device) {
  if (device.host.default_route) {
    return "the host reaches the world by " + device.name + ", which DPDK would take away from it";
  }
  if (!device.host.addresses.empty()) {
    return "the host has " + device.host.addresses.front() + " on " + device.name +
           ", which DPDK would take away from it";
  }
  if (device.configured_by.empty()) return {};
  return device.configured_by + " gives " + device.name +
         " to the host, and DPDK would take it away";
}

}  // namespace

DriverChoice choose_driver(const DriverFacts& facts) {
  for (const DriverFacts::Device& device : facts.devices) {
    if (device.kind == DeviceKind::pci) {
      return {"dpdk", device.name + " is a PCI address: a device that DPDK takes from the kernel"};
    }
    if (device.kind == DeviceKind::vdev) {
      return {"dpdk", device.name.substr(0, device.name.find(',')) + " is a device of DPDK's own"};
    }
  }
  for (const DriverFacts::Device& device : facts.devices) {
    const std::string reason = reason_of_use(device);
    if (!reason.empty()) return {"xdp", reason};
  }
  // Workers never sleep for long, and the rest of the machine needs a CPU, too.
  if (facts.workers >= facts.cpus) {
    return {"xdp", "DPDK wants a CPU for each of " + std::to_string(facts.workers) +
                       " worker(s) and one for the rest, and " + std::to_string(facts.cpus) +
                       (facts.cpus == 1 ? " is there" : " are there")};
  }
  if (facts.free_hugepage_bytes == 0 && !facts.hugepages_off) {
    return {"xdp", "DPDK does best with huge pages, and none are free (sysctl vm.nr_hugepages)"};
  }
  return {"dpdk", "the host uses none of the interfaces, and there are CPUs and memory for DPDK"};
}

DriverFacts look_at_host(const std::vector<std::string>& devices, uint32_t workers,
                         bool hugepages_off) {
  DriverFacts facts;
  for (const std::string& name : devices) {
    const DeviceKind kind = kind_of(name);
    DriverFacts::Device& device = facts.devices.emplace_back();
    device.name = name;
    device.kind = kind;
    if (kind != DeviceKind::kernel_interface) continue;
    device.host = use_by_host(name);
    device.configured_by = configured_by(names_of_interface(name), inspect_interface(name).mac);
  }
  facts.workers = workers;
  facts.cpus = static_cast<uint32_t>(allowed_cpus().size());
  facts.free_hugepage_bytes = free_hugepage_bytes();
  facts.hugepages_off = hugepages_off;
  return facts;
}

}  // namespace dam
