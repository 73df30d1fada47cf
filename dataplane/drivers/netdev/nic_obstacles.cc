// SPDX-License-Identifier: BSD-3-Clause
// Why a NIC cannot be taken from the kernel, said before anything is touched.
#include <algorithm>
#include <filesystem>
#include <utility>

#include "dataplane/drivers/netdev/device_kind.h"
#include "dataplane/drivers/netdev/nic_binding.h"
#include "dataplane/drivers/netdev/nic_record.h"
#include "dataplane/drivers/netdev/nic_use.h"

namespace dam {
namespace {

namespace fs = std::filesystem;

std::string list_of(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// While the machine starts, the kernel's driver may be still to come, and with it the interface by
// whose name the host's files speak of the NIC. One that was taken before has been asked about
// then.
std::string driver_obstacle(const NicWish& wish, const PciDevice& device, const NicRules& rules) {
  if (!device.driver.empty() || wish.host != HostShare::unsaid) return {};
  for (const NicRecord& record : records_in(rules.records)) {
    if (record.address == device.address) return {};
  }
  return device.address +
         " has no driver yet, so nobody can tell what the host is to do with it. It is taken once "
         "it has one; if none is to come, say host_path: false (the host has no use for it).";
}

// The host goes on by what takes the interface's place, or was given up in so many words.
std::string host_obstacle(const NicWish& wish, const PciDevice& device, const NicRules& rules) {
  if (device.interface.empty()) return driver_obstacle(wish, device, rules);
  if (!device.uppers.empty()) {
    return device.interface + " carries " + list_of(device.uppers) +
           ", which would go with it: take that away first, or name another device.";
  }
  if (wish.host != HostShare::unsaid) return {};
  const std::string loss = what_host_loses(device.interface, rules.root);
  if (loss.empty()) return {};
  return "DPDK would take " + device.interface + " from the host, and " + loss +
         ". Say host_path: true (the host goes on beside the dam) or host_path: false (it may "
         "lose it), or use driver: xdp.";
}

std::string iommu_obstacle(const PciDevice& device, const NicRules& rules,
                           const std::vector<std::string>& wanted) {
  if (!device.iommu) {
    if (!rules.unsafe_noiommu) {
      return device.address +
             " has no IOMMU: intel_iommu=on (or amd_iommu=on) on the kernel's command line, and "
             "VT-d in the BIOS; or, with all of memory open to the NIC, dpdk: "
             "{unsafe_noiommu: true}.";
    }
    const fs::path mode =
        fs::path(rules.sysfs) / "module/vfio/parameters/enable_unsafe_noiommu_mode";
    if (fs::exists(mode)) return {};
    return device.address +
           " has no IOMMU, and this kernel's vfio does not work without one (it lacks "
           "CONFIG_VFIO_NOIOMMU): use driver: xdp.";
  }
  std::vector<std::string> others;
  for (const PciDevice::Companion& one : device.companions) {
    const bool comes = std::find(wanted.begin(), wanted.end(), one.address) != wanted.end();
    if (!comes) others.push_back(one.address + " (" + one.driver + ")");
  }
  if (!others.empty()) {
    return device.address + " shares its IOMMU group with " + list_of(others) +
           ", which the kernel would lose, too: put the NIC into another slot, or use driver: xdp.";
  }
  if (!device.goes_around_iommu) return {};
  return device.address +
         " is a virtio device that goes around the IOMMU, which vfio-pci cannot hold: let the "
         "hypervisor give it VIRTIO_F_ACCESS_PLATFORM (QEMU: iommu_platform=on,disable-legacy=on), "
         "or use driver: xdp.";
}

std::string obstacle(const NicWish& wish, const NicRules& rules,
                     const std::vector<std::string>& wanted) {
  const std::string address = nic_address(wish.device, rules);
  const PciDevice device = inspect_pci(address, rules.sysfs);
  if (!device.exists) {
    const bool is_pci = kind_of(wish.device) == DeviceKind::pci;
    if (is_pci) return "There is no PCI device " + wish.device + ".";
    return wish.device + " is no interface of a PCI device here, which dpdk: {bind: true} needs.";
  }
  if (is_user_space(device.driver)) return {};
  std::string host = host_obstacle(wish, device, rules);
  if (!host.empty() || is_bifurcated(device.driver)) return host;
  if (!fs::exists(fs::path(rules.sysfs) / "bus/pci/drivers/vfio-pci")) {
    return "The kernel's vfio-pci is not loaded: modprobe vfio-pci.";
  }
  return iommu_obstacle(device, rules, wanted);
}

std::vector<std::string> addresses_of(const std::vector<NicWish>& wishes, const NicRules& rules) {
  std::vector<std::string> addresses;
  for (const NicWish& wish : wishes) addresses.push_back(nic_address(wish.device, rules));
  return addresses;
}

}  // namespace

bool is_taken_by_dpdk(const std::string& device, bool bind) {
  const DeviceKind kind = kind_of(device);
  return kind == DeviceKind::pci || (kind == DeviceKind::kernel_interface && bind);
}

std::string nic_obstacle(const NicWish& wish, const std::vector<NicWish>& all,
                         const NicRules& rules) {
  return obstacle(wish, rules, addresses_of(all, rules));
}

std::vector<std::string> nic_obstacles(const std::vector<NicWish>& wishes, const NicRules& rules) {
  const std::vector<std::string> wanted = addresses_of(wishes, rules);
  std::vector<std::string> sentences;
  for (const NicWish& wish : wishes) {
    std::string sentence = obstacle(wish, rules, wanted);
    if (!sentence.empty()) sentences.push_back(std::move(sentence));
  }
  return sentences;
}

}  // namespace dam
