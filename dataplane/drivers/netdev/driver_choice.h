// SPDX-License-Identifier: BSD-3-Clause
// driver: auto. DPDK takes devices and CPUs for itself; XDP lives beside the host on both.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/drivers/netdev/device_kind.h"
#include "dataplane/drivers/netdev/host_use.h"

namespace dam {

struct DriverFacts {
  struct Device {
    std::string name;
    DeviceKind kind = DeviceKind::kernel_interface;
    HostUse host;
    std::string configured_by;  // empty: the host's files leave it alone
  };
  std::vector<Device> devices;
  uint32_t workers = 1;
  uint32_t cpus = 1;
  uint64_t free_hugepage_bytes = 0;
  bool hugepages_off = false;  // the policy wants none
};

struct DriverChoice {
  std::string driver;  // "dpdk" or "xdp"
  std::string reason;  // a sentence without its dot: "front is …"
};

DriverChoice choose_driver(const DriverFacts& facts);

// Of this machine, in this network namespace.
DriverFacts look_at_host(const std::vector<std::string>& devices, uint32_t workers,
                         bool hugepages_off);

}  // namespace dam
