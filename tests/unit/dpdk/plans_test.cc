// SPDX-License-Identifier: BSD-3-Clause
// What is decided before DPDK starts: CPUs, memory, arguments, device names.
#include <gtest/gtest.h>

#include <algorithm>

#include "dataplane/drivers/dpdk/cpu_plan.h"
#include "dataplane/drivers/dpdk/device.h"
#include "dataplane/drivers/dpdk/eal.h"

namespace dam {
namespace {

using Cpus = std::vector<uint32_t>;

bool has(const std::vector<std::string>& arguments, const std::string& argument) {
  return std::find(arguments.begin(), arguments.end(), argument) != arguments.end();
}

TEST(CpuPlan, a_worker_does_not_share_its_cpu_with_the_control_thread) {
  const CpuPlan plan = plan_cpus({0, 1}, 1);
  EXPECT_EQ(plan.workers, (std::vector<Cpus>{{1}}));
  EXPECT_EQ(plan.control, (Cpus{0}));
  EXPECT_EQ(lcores_argument(plan), "0@(0),1@(1)");
}

TEST(CpuPlan, the_control_thread_floats_when_workers_need_every_cpu) {
  const CpuPlan plan = plan_cpus({2, 5}, 2);
  EXPECT_EQ(plan.workers, (std::vector<Cpus>{{5}, {2}}));
  EXPECT_EQ(plan.control, (Cpus{2, 5}));
}

TEST(CpuPlan, everybody_floats_when_there_are_more_workers_than_cpus) {
  const CpuPlan plan = plan_cpus({0, 1}, 3);
  EXPECT_EQ(plan.workers, (std::vector<Cpus>{{0, 1}, {0, 1}, {0, 1}}));
  EXPECT_EQ(lcores_argument(plan), "0@(0,1),1@(0,1),2@(0,1),3@(0,1)");
}

TEST(Memory, auto_takes_huge_pages_only_when_enough_are_free) {
  EXPECT_TRUE(choose_memory(Hugepages::automatic, 100, 100ull << 20).hugepages);
  const MemoryChoice ordinary = choose_memory(Hugepages::automatic, 100, 99ull << 20);
  EXPECT_FALSE(ordinary.hugepages);
  EXPECT_EQ(ordinary.says,
            "Packet buffers in ordinary pages: 99 MiB of huge pages are free, 100 MiB are needed.");
}

TEST(Memory, on_insists_and_off_declines) {
  EXPECT_EQ(choose_memory(Hugepages::on, 100, 0).refused,
            "hugepages: on, but only 0 MiB of huge pages are free, 100 MiB are needed. Set "
            "vm.nr_hugepages, or hugepages: auto.");
  EXPECT_TRUE(choose_memory(Hugepages::on, 100, 1ull << 30).hugepages);
  EXPECT_FALSE(choose_memory(Hugepages::off, 100, 1ull << 30).hugepages);
}

TEST(EalArguments, leave_nothing_on_disk_with_either_kind_of_page) {
  const CpuPlan cpus = plan_cpus({0, 1}, 1);
  const auto huge = eal_arguments({true, 64, "", ""}, cpus, {});
  EXPECT_TRUE(has(huge, "--in-memory"));
  EXPECT_FALSE(has(huge, "--no-huge"));
  const auto ordinary = eal_arguments({false, 64, "", ""}, cpus, {});
  EXPECT_TRUE(has(ordinary, "--no-shconf"));
  EXPECT_TRUE(has(ordinary, "--no-huge"));
  EXPECT_TRUE(has(ordinary, "64"));
}

TEST(EalArguments, touch_pci_devices_only_when_one_is_configured) {
  const CpuPlan cpus = plan_cpus({0, 1}, 1);
  EXPECT_TRUE(has(eal_arguments({}, cpus, {}), "--no-pci"));
  const auto with = eal_arguments({}, cpus, {"0000:01:00.0"});
  EXPECT_FALSE(has(with, "--no-pci"));
  EXPECT_TRUE(has(with, "0000:01:00.0"));
}

TEST(Device, is_told_apart_by_its_name) {
  EXPECT_EQ(kind_of("eth1"), DeviceKind::kernel_interface);
  EXPECT_EQ(kind_of("0000:01:00.0"), DeviceKind::pci);
  EXPECT_EQ(kind_of("3b:00.1"), DeviceKind::pci);
  EXPECT_EQ(kind_of("net_memif0,role=client"), DeviceKind::vdev);
}

TEST(Device, every_queue_of_a_kernel_interface_is_a_port_of_its_own) {
  KernelInterface veth;
  veth.driver = "veth";
  EXPECT_EQ(af_xdp_arguments("dam0", 3, 1, veth),
            "net_af_xdp_3_1,iface=dam0,start_queue=1,queue_count=1,busy_budget=0");
  veth.driver = "ixgbe";
  EXPECT_EQ(af_xdp_arguments("eth1", 0, 0, veth),
            "net_af_xdp_0_0,iface=eth1,start_queue=0,queue_count=1,busy_budget=64");
}

TEST(Device, says_what_stands_in_the_way_and_what_to_do) {
  KernelInterface fine;
  fine.exists = fine.up = true;
  fine.mtu = 1500;
  fine.rx_queues = fine.tx_queues = 2;
  fine.driver = "veth";
  EXPECT_EQ(af_xdp_obstacle("dam0", fine, 2, 1500), "");
  EXPECT_EQ(af_xdp_obstacle("dam0", {}, 2, 1500),
            "There is no interface \"dam0\" in this network namespace.");
  KernelInterface down = fine;
  down.up = false;
  EXPECT_EQ(af_xdp_obstacle("dam0", down, 2, 1500), "dam0 is down: ip link set dam0 up.");
  EXPECT_EQ(af_xdp_obstacle("dam0", fine, 1, 1500),
            "dam0 has 2 receive and 2 transmit queues; 1 of each are needed, one a worker: "
            "ethtool -L dam0 combined 1 (veth: rx 1 tx 1).");
  KernelInterface small = fine;
  small.mtu = 1400;
  EXPECT_EQ(af_xdp_obstacle("dam0", small, 2, 1500),
            "dam0 has an MTU of 1400, the policy wants 1500: ip link set dam0 mtu 1500.");
}

TEST(KernelInterface, the_loopback_exists_and_a_made_up_one_does_not) {
  EXPECT_TRUE(inspect_interface("lo").exists);
  EXPECT_GE(inspect_interface("lo").mtu, 1500u);
  EXPECT_FALSE(inspect_interface("no-such-if0").exists);
  EXPECT_FALSE(inspect_interface("a-name-that-is-too-long").exists);
}

}  // namespace
}  // namespace dam
