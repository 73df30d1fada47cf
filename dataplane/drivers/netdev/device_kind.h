// SPDX-License-Identifier: BSD-3-Clause
// What a device's name in the policy stands for.
#pragma once

#include <cctype>
#include <cstdint>
#include <string>

namespace dam {

enum class DeviceKind : uint8_t { kernel_interface, pci, vdev };

inline DeviceKind kind_of(const std::string& device) {
  if (device.starts_with("net_")) return DeviceKind::vdev;
  std::string shape = device;  // 0000:01:00.0 or 01:00.0
  for (char& c : shape) c = std::isxdigit(static_cast<unsigned char>(c)) != 0 ? 'x' : c;
  const bool pci = shape == "xxxx:xx:xx.x" || shape == "xx:xx.x";
  return pci ? DeviceKind::pci : DeviceKind::kernel_interface;
}

}  // namespace dam
