// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/netdev/pci_device.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <string_view>

namespace dam {
namespace {

namespace fs = std::filesystem;

constexpr size_t kVersion1 = 32;  // VIRTIO_F_VERSION_1
constexpr size_t kAccessPlatform = 33;

std::string last_part_of_link(const fs::path& link) {
  std::error_code none;
  return fs::read_symlink(link, none).filename();
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// net/NAME, and for virtio one folder deeper: virtio0/net/NAME.
std::string interface_in(const fs::path& device) {
  std::vector<fs::path> folders{device / "net"};
  for (const std::string& name : names_in(device)) {
    if (name.starts_with("virtio")) folders.push_back(device / name / "net");
  }
  for (const fs::path& folder : folders) {
    const auto names = names_in(folder);
    if (!names.empty()) return names.front();
  }
  return {};
}

// "1110…": a digit for each feature, the first for bit 0.
bool goes_around(const fs::path& device) {
  for (const std::string& name : names_in(device)) {
    if (!name.starts_with("virtio")) continue;
    std::string features;
    std::ifstream(device / name / "features") >> features;
    if (features.size() <= kAccessPlatform) continue;
    return features[kVersion1] == '0' || features[kAccessPlatform] == '0';
  }
  return false;
}

std::vector<std::string> uppers_of(const fs::path& interface) {
  std::vector<std::string> uppers;
  for (const std::string& name : names_in(interface)) {
    if (name.starts_with("upper_")) uppers.push_back(name.substr(6));
  }
  return uppers;
}

}  // namespace

PciDevice inspect_pci(const std::string& address, const std::string& sysfs) {
  PciDevice device;
  device.address = whole_pci_address(address);
  const fs::path devices = fs::path(sysfs) / "bus/pci/devices";
  const fs::path own = devices / device.address;
  device.exists = !address.empty() && fs::exists(own);
  if (!device.exists) return device;
  device.driver = last_part_of_link(own / "driver");
  device.interface = interface_in(own);
  device.iommu = has_iommu(own / "iommu_group");
  device.goes_around_iommu = goes_around(own);
  if (!device.interface.empty()) {
    device.uppers = uppers_of(fs::path(sysfs) / "class/net" / device.interface);
  }
  for (const std::string& other : names_in(own / "iommu_group/devices")) {
    const std::string driver = last_part_of_link(devices / other / "driver");
    const bool kernels = !driver.empty() && driver != "pcieport" && !is_user_space(driver);
    if (other != device.address && kernels) device.companions.push_back({other, driver});
  }
  return device;
}

bool has_iommu(const fs::path& group) {
  std::string name;
  std::ifstream(group / "name") >> name;
  return fs::exists(group) && name != "vfio-noiommu";
}

std::string whole_pci_address(const std::string& address) {
  return address.find(':') == 2 ? "0000:" + address : address;
}

std::string pci_of_interface(const std::string& interface, const std::string& sysfs) {
  const fs::path device = fs::path(sysfs) / "class/net" / interface / "device";
  std::error_code none;
  if (interface.empty() || interface.find('/') != std::string::npos) return {};
  fs::path real = fs::canonical(device, none);
  if (none) return {};
  if (real.filename().string().starts_with("virtio")) real = real.parent_path();
  const std::string address = real.filename();
  return fs::exists(fs::path(sysfs) / "bus/pci/devices" / address) ? address : "";
}

bool is_bifurcated(const std::string& driver) {
  constexpr std::array<std::string_view, 3> kAll{"mlx4_core", "mlx5_core", "mana"};
  return std::find(kAll.begin(), kAll.end(), driver) != kAll.end();
}

bool is_user_space(const std::string& driver) {
  constexpr std::array<std::string_view, 4> kAll{"vfio-pci", "uio_pci_generic", "igb_uio",
                                                 "pci-stub"};
  return std::find(kAll.begin(), kAll.end(), driver) != kAll.end();
}

}  // namespace dam
