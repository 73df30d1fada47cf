// SPDX-License-Identifier: BSD-3-Clause
// What a driver and the engine are opened with: fixed while the dataplane runs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/engine/policy.h"

namespace dam {

enum class Hugepages : uint8_t { automatic, on, off };
// The way of what is not the dam's into the host's own stack. unsaid: none, and no device is taken
// that the host needs.
enum class HostPathWish : uint8_t { unsaid, open, none };

struct DeviceConfig {
  std::string device;  // a kernel interface, a PCI address, or a DPDK vdev with its arguments
  uint32_t queues = 1;
  uint16_t mtu = 1500;  // the largest of its interfaces
  HostPathWish host_path = HostPathWish::unsaid;
  std::vector<uint16_t> vlans{};  // of its interfaces
};

struct StartConfig {
  std::string driver;  // "dpdk", "xdp", or "auto": one of these, to be chosen
  uint32_t workers = 1;
  Hugepages hugepages = Hugepages::automatic;
  uint32_t memory_mib = 0;         // 0: chosen
  bool xdp_beside_others = false;  // in libxdp's dispatcher; driver xdp
  bool dpdk_bind = false;          // kernel interfaces go to vfio-pci; driver dpdk
  bool dpdk_unsafe_noiommu = false;
  std::string nic_records;  // folder of what NICs were before
  // Interface::port is an index of devices; several VLANs may share a device. MAC addresses are
  // known once the ports are open.
  std::vector<Interface> interfaces;
  std::vector<DeviceConfig> devices;
  Limits limits;
};

}  // namespace dam
