// SPDX-License-Identifier: BSD-3-Clause
// What a driver and the engine are opened with: fixed while the dataplane runs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/engine/policy.h"

namespace dam {

enum class Hugepages : uint8_t { automatic, on, off };

struct DeviceConfig {
  std::string device;  // a kernel interface, a PCI address, or a DPDK vdev with its arguments
  uint32_t queues = 1;
  uint16_t mtu = 1500;  // the largest of its interfaces
};

struct StartConfig {
  std::string driver;  // "dpdk", "xdp", or "auto": one of these, to be chosen
  uint32_t workers = 1;
  Hugepages hugepages = Hugepages::automatic;
  uint32_t memory_mib = 0;         // 0: chosen
  bool xdp_beside_others = false;  // in libxdp's dispatcher; driver xdp
  // Interface::port is an index of devices; several VLANs may share a device. MAC addresses are
  // known once the ports are open.
  std::vector<Interface> interfaces;
  std::vector<DeviceConfig> devices;
  Limits limits;
};

}  // namespace dam
