// SPDX-License-Identifier: BSD-3-Clause
// What damctl doctor looks at: the policy's wishes, this machine, its devices. Plain values, so
// that what is made of them can be tested.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/drivers/netdev/device_kind.h"
#include "dataplane/drivers/netdev/host_use.h"
#include "dataplane/drivers/netdev/kernel_interface.h"
#include "dataplane/drivers/netdev/reserved_ports.h"
#include "dataplane/drivers/netdev/xdp_info.h"
#include "tools/damctl/doctor/network.h"

namespace dam::ctl {

// Of the policy, or of the command line with the policy's defaults.
struct Wishes {
  struct Address {
    std::string text;
    unsigned prefix_bits = 0;
  };
  struct Interface {
    std::string name;
    std::string device;
    uint16_t vlan = 0;  // 0: untagged
    uint32_t mtu = 1500;
    std::vector<Address> addresses;
    std::optional<bool> host_path =
        std::nullopt;  // true: the host goes on beside DPDK; false: it may lose it
  };
  struct Taken {  // by a listener
    std::string address;
    uint16_t port = 0;
    std::string listener;
  };
  std::string driver = "auto";
  uint32_t workers = 1;
  bool hugepages_on = false;   // insisted on
  bool hugepages_off = false;  // refused
  bool dpdk_bind = false;      // kernel interfaces are taken, too
  bool dpdk_unsafe_noiommu = false;
  Ports source_ports{1024, 32767};
  std::vector<Interface> interfaces;
  std::vector<Taken> taken;
};

struct MachineFacts {
  std::string kernel;  // "6.1.0-18-amd64"
  bool root = false;
  uint32_t cpus = 1;
  uint64_t free_hugepage_bytes = 0;
  bool iommu = false;
  bool af_xdp = true;                     // the kernel has it, as far as one may look
  bool bpffs = false;                     // mounted at /sys/fs/bpf
  std::optional<uint64_t> memlock_bytes;  // nothing: unlimited
  std::optional<Ports> ephemeral;
  std::optional<std::string> reserved;
};

struct DeviceFacts {
  std::string name;
  DeviceKind kind = DeviceKind::kernel_interface;
  bool pci_exists = false;
  std::string pci_driver;    // of the kernel; empty: none
  bool taken = false;        // DPDK takes it from the kernel
  std::string nic_obstacle;  // why it cannot; empty: nothing
  KernelInterface link;
  HostUse host;
  uint32_t offloads_on = 0;     // enum OffloadBit
  uint32_t offloads_stuck = 0;  // of these, what nobody can switch off
  XdpAbilities xdp;
  std::optional<XdpProgram> program;
  std::vector<uint16_t> vlans_of_host;  // among the wished ones
};

struct Facts {
  std::string driver;  // "dpdk" or "xdp"
  std::string driver_reason;
  Wishes wishes;
  MachineFacts machine;
  std::vector<DeviceFacts> devices;
  HostNetwork network;

  bool on_xdp() const { return driver == "xdp"; }
};

// Looks, changes nothing; as root or not.
Facts gather(const Wishes& wishes);

}  // namespace dam::ctl
