// SPDX-License-Identifier: BSD-3-Clause
// What damctl doctor makes of what it sees. What it sees is the lab's.
#include "tools/damctl/doctor/findings.h"

#include <gtest/gtest.h>

#include <functional>
#include <span>

#include "dataplane/drivers/netdev/offloads.h"

namespace dam::ctl {
namespace {

// A host's own NIC, ready for the XDP driver.
Facts ready() {
  Facts facts;
  facts.driver = "xdp";
  facts.wishes.source_ports = {10000, 20000};
  facts.wishes.interfaces = {{"front", "eth0", 0, 1500, {{"198.51.100.2", 24}}}};
  facts.machine.kernel = "6.1.0-18-amd64";
  facts.machine.root = true;
  facts.machine.cpus = 4;
  facts.machine.bpffs = true;
  facts.machine.ephemeral = Ports{32768, 60999};
  facts.machine.reserved = "";
  DeviceFacts& device = facts.devices.emplace_back();
  device.name = "eth0";
  device.link = {true, true, false, 1500, 4, 4, {}, "igc"};
  device.host.addresses = {"198.51.100.2", "2001:db8::2"};
  device.xdp = {Known::yes, Known::yes, "the kernel"};
  return facts;
}

// The same for DPDK, with a PCI device beside.
Facts ready_for_dpdk() {
  Facts facts = ready();
  facts.driver = "dpdk";
  facts.wishes.workers = 2;
  facts.machine.free_hugepage_bytes = 1u << 30;
  facts.machine.iommu = true;
  facts.devices[0].host.addresses.clear();
  facts.devices[0].link.rx_queues = facts.devices[0].link.tx_queues = 2;
  DeviceFacts& pci = facts.devices.emplace_back();
  pci.name = "0000:01:00.0";
  pci.kind = DeviceKind::pci;
  pci.pci_exists = true;
  pci.pci_driver = "vfio-pci";
  return facts;
}

std::vector<Finding> all_findings(const Facts& facts) {
  std::vector<Finding> all = findings_of_machine(facts);
  for (const DeviceFacts& device : facts.devices) {
    for (Finding& one : findings_of_device(facts, device)) all.push_back(std::move(one));
  }
  return all;
}

struct DoctorRow {
  const char* says;
  Level level;
  const char* command;
  std::function<void(Facts&)> change;
};

// Each change makes its own finding, and no other one above a note.
void expect_rows(const Facts& healthy, std::span<const DoctorRow> rows) {
  for (const DoctorRow& row : rows) {
    Facts facts = healthy;
    row.change(facts);
    bool found = false;
    for (const Finding& one : all_findings(facts)) {
      const bool this_one = one.says.find(row.says) != std::string::npos;
      if (this_one) {
        found = true;
        EXPECT_EQ(one.level, row.level) << one.says;
        EXPECT_NE(one.command.find(row.command), std::string::npos)
            << one.says << ": " << one.command;
      } else {
        EXPECT_LE(one.level, Level::note) << "with " << row.says << ": " << one.says;
      }
    }
    EXPECT_TRUE(found) << row.says;
  }
}

TEST(Doctor, finds_nothing_to_do_where_all_is_well) {
  for (const Facts& facts : {ready(), ready_for_dpdk()}) {
    for (const Finding& one : all_findings(facts)) {
      EXPECT_EQ(one.level, Level::fine) << one.says;
      EXPECT_EQ(one.command, "") << one.says;
    }
  }
}

TEST(Doctor, says_what_the_xdp_driver_lacks_and_what_to_type) {
  const DoctorRow rows[] = {
      {"Linux 5.10.0 is too old", Level::problem, "linux-image",
       [](Facts& f) { f.machine.kernel = "5.10.0"; }},
      {"Linux 6.0.19 is too old", Level::problem, "linux-image",
       [](Facts& f) { f.machine.kernel = "6.0.19"; }},
      {"Linux 10.0", Level::fine, "", [](Facts& f) { f.machine.kernel = "10.0"; }},
      {"no AF_XDP", Level::problem, "driver: dpdk", [](Facts& f) { f.machine.af_xdp = false; }},
      {"no bpffs", Level::warning, "mount -t bpf", [](Facts& f) { f.machine.bpffs = false; }},
      {"up to 8 MiB", Level::note, "LimitMEMLOCK",
       [](Facts& f) { f.machine.memlock_bytes = 8u << 20; }},
      {"not root", Level::note, "sudo damctl doctor", [](Facts& f) { f.machine.root = false; }},
      {"overlap the host's own", Level::note, "",
       [](Facts& f) {
         f.wishes.source_ports = {30000, 40000};
       }},
      {"leave the host none", Level::warning, "source_ports: 1024-32767",
       [](Facts& f) {
         f.wishes.source_ports = {1024, 65535};
       }},
      {"leave the host none", Level::warning, "source_ports: 1024-32767",
       [](Facts& f) {
         f.wishes.source_ports = {32768, 50000};
         f.machine.reserved = "50001-60999";
       }},
      {"no such interface", Level::problem, "ip -br link",
       [](Facts& f) { f.devices[0].link.exists = false; }},
      {"is down", Level::problem, "ip link set dev eth0 up",
       [](Facts& f) { f.devices[0].link.up = false; }},
      {"takes no XDP program", Level::warning, "",
       [](Facts& f) { f.devices[0].xdp.native = Known::no; }},
      {"is not known", Level::note, "", [](Facts& f) { f.devices[0].xdp.native = Known::unknown; }},
      {"no zero copy", Level::fine, "", [](Facts& f) { f.devices[0].xdp.zero_copy = Known::no; }},
      {"program xdp_pass (id 7, native), pinned as /sys/fs/bpf/x, held by filter (pid 9) is "
       "attached",
       Level::problem, "ip link set dev eth0 xdp off",
       [](Facts& f) {
         f.devices[0].program =
             XdpProgram{7, false, "xdp_pass", {"/sys/fs/bpf/x"}, {{"filter", 9}}};
       }},
      {"program xdp_dispatcher (id 7, native) is attached, which calls several", Level::warning,
       "xdp: {beside_others: true} in dam.yaml",
       [](Facts& f) {
         f.devices[0].program = XdpProgram{7, false, "xdp_dispatcher", {}, {}};
       }},
      {"program other (id 7, generic)", Level::problem, "ip link set dev eth0 xdpgeneric off",
       [](Facts& f) {
         f.devices[0].program = XdpProgram{7, true, "other", {}, {}};
       }},
      {"program of unknown name (id 7, native)", Level::note, "sudo damctl doctor",
       [](Facts& f) {
         f.devices[0].program = XdpProgram{7, false, "", {}, {}};
       }},
      {"the dam's XDP program dam_xdp", Level::fine, "",
       [](Facts& f) {
         f.devices[0].program = XdpProgram{7, false, "dam_xdp", {}, {}};
       }},
      {"65 receive queue(s), 64 at most", Level::problem, "ethtool -L eth0 combined 64",
       [](Facts& f) { f.devices[0].link.rx_queues = 65; }},
      {"MTU 1400, the policy wants 1500", Level::problem, "ip link set dev eth0 mtu 1500",
       [](Facts& f) { f.devices[0].link.mtu = 1400; }},
      {"MTU 2000: the dam takes 1500", Level::note, "ip link set dev eth0 mtu 1500",
       [](Facts& f) { f.devices[0].link.mtu = 2000; }},
      {"MTU 9000: most drivers", Level::warning, "ip link set dev eth0 mtu 1500",
       [](Facts& f) { f.devices[0].link.mtu = 9000; }},
      {"gro, rxvlan on: the dam switches", Level::note, "",
       [](Facts& f) { f.devices[0].offloads_on = kGro | kVlanParse; }},
      {"lro is on and cannot be switched off", Level::problem, "driver: dpdk",
       [](Facts& f) { f.devices[0].offloads_on = f.devices[0].offloads_stuck = kLro; }},
      {"rxvlan is on and cannot be switched off", Level::warning, "",
       [](Facts& f) { f.devices[0].offloads_on = f.devices[0].offloads_stuck = kVlanParse; }},
      {"rxvlan is on and cannot be switched off", Level::problem, "",
       [](Facts& f) {
         f.wishes.interfaces.push_back({"dmz", "eth0", 10, 1500, {}});
         f.devices[0].offloads_on = f.devices[0].offloads_stuck = kVlanParse;
       }},
      {"VLAN 10: the host is not on it", Level::fine, "",
       [](Facts& f) {
         f.wishes.interfaces.push_back({"dmz", "eth0", 10, 1500, {{"10.0.0.1", 24}}});
       }},
      {"VLAN 10: the host is on it", Level::fine, "",
       [](Facts& f) {
         f.wishes.interfaces.push_back({"dmz", "eth0", 10, 1500, {}});
         f.devices[0].vlans_of_host = {10};
       }},
      {"the host has not 198.51.100.2", Level::problem, "ip addr add 198.51.100.2/24 dev eth0",
       [](Facts& f) { f.devices[0].host.addresses = {"2001:db8::2"}; }},
      {"a veth", Level::note, "ethtool -K OTHER_END tx off",
       [](Facts& f) { f.devices[0].link.driver = "veth"; }},
      {"a PCI address is for driver: dpdk", Level::problem, "driver: dpdk",
       [](Facts& f) {
         f.devices[0].kind = DeviceKind::pci;
         f.devices[0].pci_exists = true;
         f.devices[0].pci_driver = "vfio-pci";
       }},
  };
  expect_rows(ready(), rows);
}

TEST(Doctor, says_what_the_dpdk_driver_lacks_and_what_to_type) {
  const DoctorRow rows[] = {
      {"no huge pages", Level::warning, "sysctl -w vm.nr_hugepages=512",
       [](Facts& f) { f.machine.free_hugepage_bytes = 0; }},
      {"no huge pages", Level::problem, "sysctl -w vm.nr_hugepages=512",
       [](Facts& f) {
         f.machine.free_hugepage_bytes = 0;
         f.wishes.hugepages_on = true;
       }},
      {"2 worker(s) on 2 CPU(s)", Level::warning, "workers: 1",
       [](Facts& f) { f.machine.cpus = 2; }},
      {"no IOMMU", Level::warning, "intel_iommu=on", [](Facts& f) { f.machine.iommu = false; }},
      {"the host has 198.51.100.2 here, and loses it", Level::warning, "driver: xdp",
       [](Facts& f) { f.devices[0].host.addresses = {"198.51.100.2"}; }},
      {"4 receive queue(s) for 2 worker(s)", Level::problem, "ethtool -L eth0 combined 2",
       [](Facts& f) { f.devices[0].link.rx_queues = 4; }},
      {"no such PCI device", Level::problem, "lspci",
       [](Facts& f) { f.devices[1].pci_exists = false; }},
      {"the kernel's driver ixgbe has it", Level::fine, "",
       [](Facts& f) { f.devices[1].pci_driver = "ixgbe"; }},
      {"DPDK can have it while the dam runs", Level::fine, "",
       [](Facts& f) { f.devices[1].taken = true; }},
      {"the host reaches the world by it. Say host_path: true", Level::problem, "",
       [](Facts& f) {
         f.devices[0].taken = true;
         f.devices[0].nic_obstacle =
             "DPDK would take eth0 from the host, and the host reaches the world by it. Say "
             "host_path: true";
       }},
      {"bound to mlx5_core", Level::fine, "",
       [](Facts& f) { f.devices[1].pci_driver = "mlx5_core"; }},
      {"no driver of the kernel's has it", Level::fine, "",
       [](Facts& f) { f.devices[1].pci_driver = ""; }},
  };
  expect_rows(ready_for_dpdk(), rows);
}

TEST(Doctor, looks_at_this_machine_and_its_loopback_device) {
  Wishes wishes;
  wishes.interfaces = {{"loop", "lo", 0, 1500, {}}, {"nowhere", "nowhere0", 0, 1500, {}}};
  const Facts facts = gather(wishes);
  EXPECT_FALSE(facts.machine.kernel.empty());
  ASSERT_EQ(facts.devices.size(), 2u);
  EXPECT_TRUE(facts.devices[0].link.exists);
  EXPECT_FALSE(facts.devices[1].link.exists);
  EXPECT_EQ(facts.driver, "xdp");
  EXPECT_NE(facts.driver_reason.find("127.0.0.1"), std::string::npos);
}

}  // namespace
}  // namespace dam::ctl
