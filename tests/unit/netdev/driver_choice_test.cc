// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/netdev/driver_choice.h"

#include <gtest/gtest.h>

#include <functional>

namespace dam {
namespace {

// Interfaces of the dam's alone, CPUs and memory enough.
DriverFacts roomy() {
  DriverFacts facts;
  facts.devices = {{"front", DeviceKind::kernel_interface, {}, ""},
                   {"service", DeviceKind::kernel_interface, {}, ""}};
  facts.workers = 2;
  facts.cpus = 4;
  facts.free_hugepage_bytes = 1u << 30;
  return facts;
}

struct ChoiceRow {
  const char* what;
  std::function<void(DriverFacts&)> change;
  const char* driver;
  const char* reason_has;
};

TEST(DriverChoice, follows_what_the_host_needs_and_has) {
  const ChoiceRow rows[] = {
      {"nothing speaks against it", [](DriverFacts&) {}, "dpdk", "uses none"},
      {"a PCI device",
       [](DriverFacts& f) {
         f.devices[1] = {"0000:01:00.0", DeviceKind::pci, {}, ""};
       },
       "dpdk", "0000:01:00.0"},
      {"a device of DPDK's own",
       [](DriverFacts& f) {
         f.devices[0] = {"net_memif0,role=client", DeviceKind::vdev, {}, ""};
       },
       "dpdk", "net_memif0 is"},
      {"a PCI device and one that the host uses: XDP cannot open the first",
       [](DriverFacts& f) {
         f.devices[0].host.default_route = true;
         f.devices[1] = {"01:00.0", DeviceKind::pci, {}, ""};
       },
       "dpdk", "01:00.0"},
      {"an address of the host's",
       [](DriverFacts& f) { f.devices[1].host.addresses = {"198.18.1.1"}; }, "xdp",
       "198.18.1.1 on service"},
      {"the host's way out", [](DriverFacts& f) { f.devices[0].host.default_route = true; }, "xdp",
       "by front"},
      {"an interface that the host is to have, once the machine has started",
       [](DriverFacts& f) { f.devices[0].configured_by = "/etc/network/interfaces"; }, "xdp",
       "/etc/network/interfaces gives front to the host"},
      {"as many workers as CPUs", [](DriverFacts& f) { f.workers = 4; }, "xdp", "4 are there"},
      {"one CPU",
       [](DriverFacts& f) {
         f.workers = 1;
         f.cpus = 1;
       },
       "xdp", "1 is there"},
      {"no huge pages", [](DriverFacts& f) { f.free_hugepage_bytes = 0; }, "xdp", "huge pages"},
      {"no huge pages wanted",
       [](DriverFacts& f) {
         f.free_hugepage_bytes = 0;
         f.hugepages_off = true;
       },
       "dpdk", "uses none"},
  };
  for (const ChoiceRow& row : rows) {
    DriverFacts facts = roomy();
    row.change(facts);
    const DriverChoice choice = choose_driver(facts);
    EXPECT_EQ(choice.driver, row.driver) << row.what;
    EXPECT_NE(choice.reason.find(row.reason_has), std::string::npos) << choice.reason;
  }
}

TEST(DriverChoice, looks_at_this_machine) {
  const DriverFacts facts = look_at_host({"lo", "0000:01:00.0", "net_null0"}, 3, true);
  ASSERT_EQ(facts.devices.size(), 3u);
  EXPECT_EQ(facts.devices[0].host.addresses.at(0), "127.0.0.1");
  EXPECT_FALSE(facts.devices[0].host.default_route);
  EXPECT_EQ(facts.devices[1].kind, DeviceKind::pci);
  EXPECT_EQ(facts.devices[2].kind, DeviceKind::vdev);
  EXPECT_EQ(facts.workers, 3u);
  EXPECT_GE(facts.cpus, 1u);
}

}  // namespace
}  // namespace dam
