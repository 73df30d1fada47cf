// SPDX-License-Identifier: BSD-3-Clause
// What the kernel says of a PCI device, in /sys. `sysfs` is another folder in tests alone.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace dam {

struct PciDevice {
  struct Companion {
    std::string address;
    std::string driver;
  };
  std::string address;    // "0000:01:00.0"
  std::string driver;     // "virtio-pci", "vfio-pci"; empty: none
  std::string interface;  // the kernel's network interface; empty: none
  bool exists = false;
  bool iommu = false;
  // Those that the IOMMU cannot tell from this one, and that a driver of the kernel's has.
  std::vector<Companion> companions;
  // virtio without VIRTIO_F_ACCESS_PLATFORM: its DMA goes past the IOMMU.
  bool goes_around_iommu = false;
  std::vector<std::string> uppers;  // interfaces that stand on it: VLANs, a bond, a bridge
};

PciDevice inspect_pci(const std::string& address, const std::string& sysfs = "/sys");

// Does an IOMMU stand behind a folder of /sys/kernel/iommu_groups? Without one vfio makes up a
// group for each device that it holds.
bool has_iommu(const std::filesystem::path& group);

// "01:00.0" and "0000:01:00.0" are one.
std::string whole_pci_address(const std::string& address);
// Of the device that is the network interface; empty: it is none of PCI.
std::string pci_of_interface(const std::string& interface, const std::string& sysfs = "/sys");

// Drivers of NICs that DPDK works *through*: they keep the device.
bool is_bifurcated(const std::string& driver);
// Drivers that leave a device to user space.
bool is_user_space(const std::string& driver);

}  // namespace dam
