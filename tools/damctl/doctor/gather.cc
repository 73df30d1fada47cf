// SPDX-License-Identifier: BSD-3-Clause
#include <linux/magic.h>
#include <net/if.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "dataplane/drivers/netdev/driver_choice.h"
#include "dataplane/drivers/netdev/ethtool.h"
#include "dataplane/drivers/netdev/nic_binding.h"
#include "dataplane/drivers/netdev/offloads.h"
#include "dataplane/drivers/netdev/pci_device.h"
#include "dataplane/drivers/netdev/vlan_device.h"
#include "tools/damctl/doctor/facts.h"

namespace dam::ctl {

namespace {

namespace fs = std::filesystem;

bool has_af_xdp() {
  const int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (fd >= 0) close(fd);
  return fd >= 0 || errno != EAFNOSUPPORT;
}

bool is_bpffs(const char* path) {
  struct statfs about {};
  return statfs(path, &about) == 0 && static_cast<uint32_t>(about.f_type) == BPF_FS_MAGIC;
}

MachineFacts look_at_machine() {
  MachineFacts machine;
  utsname names{};
  if (uname(&names) == 0) machine.kernel = names.release;
  machine.root = geteuid() == 0;
  machine.cpus = static_cast<uint32_t>(allowed_cpus().size());
  machine.free_hugepage_bytes = free_hugepage_bytes();
  std::error_code ignored;
  for (const auto& group : fs::directory_iterator("/sys/kernel/iommu_groups", ignored)) {
    machine.iommu |= has_iommu(group.path());
  }
  machine.af_xdp = has_af_xdp();
  machine.bpffs = is_bpffs("/sys/fs/bpf");
  rlimit limit{};
  if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    machine.memlock_bytes = limit.rlim_cur;
  }
  machine.ephemeral = ephemeral_ports();
  machine.reserved = reserved_ports();
  return machine;
}

void look_at_offloads(const Wishes& wishes, DeviceFacts& facts, uint32_t ifindex) {
  uint32_t unwanted = kAlwaysOff;
  for (const Wishes::Interface& one : wishes.interfaces) {
    if (one.device != facts.name || one.vlan == 0) continue;
    if (find_vlan_device(ifindex, one.vlan) != 0) {
      facts.vlans_of_host.push_back(one.vlan);
    } else {
      unwanted |= kVlanFilter;
    }
  }
  const auto features = features_of(facts.name);
  facts.offloads_on = offloads_on(facts.name, unwanted);
  for (size_t i = 0; i < kOffloads.size(); ++i) {
    const uint32_t bit = 1u << i;
    if ((facts.offloads_on & bit) == 0) continue;
    if (!features.at(kOffloads[i].feature).changeable) facts.offloads_stuck |= bit;
  }
}

// As the dataplane will see it (process/dpdk_nics).
std::vector<NicWish> taken_nics(const Wishes& wishes) {
  std::vector<NicWish> nics;
  for (const Wishes::Interface& one : wishes.interfaces) {
    const bool taken = is_taken_by_dpdk(one.device, wishes.dpdk_bind);
    const bool known = std::any_of(nics.begin(), nics.end(),
                                   [&one](const NicWish& nic) { return nic.device == one.device; });
    if (!taken || known) continue;
    nics.push_back({one.device, !one.host_path   ? HostShare::unsaid
                                : *one.host_path ? HostShare::path
                                                 : HostShare::none});
  }
  return nics;
}

void look_at_taking(const Wishes& wishes, DeviceFacts& facts) {
  const std::vector<NicWish> all = taken_nics(wishes);
  for (const NicWish& nic : all) {
    if (nic.device != facts.name) continue;
    facts.taken = true;
    facts.nic_obstacle = nic_obstacle(
        nic, all, {.records = "/run/dam/nics", .unsafe_noiommu = wishes.dpdk_unsafe_noiommu});
    if (facts.nic_obstacle.ends_with('.')) facts.nic_obstacle.pop_back();
  }
}

DeviceFacts look_at_device(const Wishes& wishes, const std::string& name) {
  DeviceFacts facts;
  facts.name = name;
  facts.kind = kind_of(name);
  if (facts.kind == DeviceKind::pci) {
    const fs::path folder =
        fs::path("/sys/bus/pci/devices") / (name.find(':') == 2 ? "0000:" + name : name);
    std::error_code ignored;
    facts.pci_exists = fs::exists(folder, ignored);
    facts.pci_driver = fs::read_symlink(folder / "driver", ignored).filename();
  }
  if (facts.kind != DeviceKind::kernel_interface) return facts;
  facts.link = inspect_interface(name);
  if (!facts.link.exists) return facts;
  const uint32_t ifindex = if_nametoindex(name.c_str());
  facts.host = use_by_host(name);
  look_at_offloads(wishes, facts, ifindex);
  facts.xdp = xdp_abilities(ifindex, facts.link.driver);
  facts.program = attached_program(ifindex);
  return facts;
}

}  // namespace

Facts gather(const Wishes& wishes) {
  Facts facts;
  facts.wishes = wishes;
  std::vector<std::string> devices;
  for (const Wishes::Interface& one : wishes.interfaces) {
    if (std::find(devices.begin(), devices.end(), one.device) == devices.end()) {
      devices.push_back(one.device);
    }
  }
  facts.machine = look_at_machine();
  facts.network = look_at_network();
  facts.driver = wishes.driver;
  if (wishes.driver == "auto") {
    const DriverChoice choice =
        choose_driver(look_at_host(devices, wishes.workers, wishes.hugepages_off));
    facts.driver = choice.driver;
    facts.driver_reason = choice.reason;
  }
  for (const std::string& device : devices) {
    facts.devices.push_back(look_at_device(wishes, device));
    if (facts.driver == "dpdk") look_at_taking(wishes, facts.devices.back());
  }
  return facts;
}

}  // namespace dam::ctl
