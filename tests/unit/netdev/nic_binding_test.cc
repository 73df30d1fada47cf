// SPDX-License-Identifier: BSD-3-Clause
// What is read of /sys, in a folder that looks like it; taking NICs for real is tests/vm's.
#include "dataplane/drivers/netdev/nic_binding.h"

#include <gtest/gtest.h>
#include <linux/rtnetlink.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "dataplane/drivers/netdev/noiommu_mode.h"
#include "dataplane/drivers/netdev/pci_device.h"

namespace dam {
namespace {

namespace fs = std::filesystem;

class Nics : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/dam-nics-XXXXXX";
    folder_ = mkdtemp(name);
    fs::create_directories(folder_ / "bus/pci/devices");
    fs::create_directories(folder_ / "bus/pci/drivers/vfio-pci");
    fs::create_directories(folder_ / "class/net");
    rules_ = {.records = folder_ / "records",
              .unsafe_noiommu = false,
              .sysfs = folder_,
              .root = folder_ / "root"};
  }
  void TearDown() override { fs::remove_all(folder_); }

  // A NIC with an interface, in an IOMMU group of its own.
  fs::path add(const std::string& address, const std::string& driver, const std::string& interface,
               const std::string& group) {
    fs::path device = folder_ / "devices" / address;
    fs::create_directories(device);
    fs::create_directory_symlink(device, folder_ / "bus/pci/devices" / address);
    if (!driver.empty()) {
      fs::create_directories(folder_ / "bus/pci/drivers" / driver);
      fs::create_directory_symlink(folder_ / "bus/pci/drivers" / driver, device / "driver");
    }
    if (!interface.empty()) {
      fs::create_directories(device / "net" / interface);
      fs::create_directories(folder_ / "class/net" / interface);
      fs::create_directory_symlink(device, folder_ / "class/net" / interface / "device");
    }
    if (!group.empty()) {
      const fs::path members = folder_ / "groups" / group / "devices";
      fs::create_directories(members / address);
      fs::create_directory_symlink(folder_ / "groups" / group, device / "iommu_group");
    }
    return device;
  }
  std::string obstacle(const std::string& device, HostShare host = HostShare::unsaid) {
    std::string all;
    for (const std::string& one : nic_obstacles({{device, host}}, rules_)) all += one;
    return all;
  }

  fs::path folder_;
  NicRules rules_;
};

TEST_F(Nics, are_found_by_address_and_by_interface) {
  add("0000:01:00.0", "ixgbe", "damtest0", "7");
  EXPECT_EQ(nic_address("01:00.0", rules_), "0000:01:00.0");
  EXPECT_EQ(nic_address("damtest0", rules_), "0000:01:00.0");
  EXPECT_EQ(nic_address("damtest1", rules_), "");
  const PciDevice device = inspect_pci("01:00.0", folder_);
  EXPECT_EQ(device.driver, "ixgbe");
  EXPECT_EQ(device.interface, "damtest0");
  EXPECT_TRUE(device.iommu);
  EXPECT_EQ(obstacle("damtest0"), "");
}

TEST_F(Nics, one_that_is_taken_is_found_by_the_name_that_it_had) {
  add("0000:01:00.0", "vfio-pci", "", "7");
  fs::create_directories(rules_.records);
  save_record(rules_.records, {"0000:01:00.0", "ixgbe", "damtest0", {}});
  EXPECT_EQ(nic_address("damtest0", rules_), "0000:01:00.0");
  EXPECT_EQ(obstacle("damtest0"), "");
}

TEST_F(Nics, what_is_no_pci_device_is_refused) {
  EXPECT_NE(obstacle("damtest9").find("no interface of a PCI device"), std::string::npos);
  EXPECT_NE(obstacle("0000:09:00.0").find("There is no PCI device"), std::string::npos);
}

TEST_F(Nics, without_an_iommu_only_who_says_so_goes_on) {
  add("0000:01:00.0", "ixgbe", "damtest0", "");
  EXPECT_NE(obstacle("damtest0").find("unsafe_noiommu: true"), std::string::npos);
  rules_.unsafe_noiommu = true;
  EXPECT_NE(obstacle("damtest0").find("CONFIG_VFIO_NOIOMMU"), std::string::npos);
  fs::create_directories(folder_ / "module/vfio/parameters/enable_unsafe_noiommu_mode");
  EXPECT_EQ(obstacle("damtest0"), "");
}

TEST_F(Nics, one_that_vfio_holds_without_an_iommu_has_none) {
  add("0000:01:00.0", "vfio-pci", "", "7");
  NicBinding binding(rules_);
  EXPECT_TRUE(binding.take({"0000:01:00.0", HostShare::unsaid}).iommu);
  std::ofstream(folder_ / "groups/7/name") << "vfio-noiommu\n";
  EXPECT_FALSE(binding.take({"0000:01:00.0", HostShare::unsaid}).iommu);
}

TEST_F(Nics, companions_of_the_iommu_group_are_told_unless_they_come_along) {
  add("0000:01:00.0", "ixgbe", "damtest0", "7");
  add("0000:01:00.1", "ixgbe", "damtest1", "7");
  EXPECT_NE(obstacle("damtest0").find("0000:01:00.1 (ixgbe)"), std::string::npos);
  EXPECT_TRUE(
      nic_obstacles({{"damtest0", HostShare::unsaid}, {"0000:01:00.1", HostShare::unsaid}}, rules_)
          .empty());
}

TEST_F(Nics, a_virtio_device_around_the_iommu_is_refused) {
  const fs::path device = add("0000:01:00.0", "virtio-pci", "", "7");
  fs::create_directories(device / "virtio0/net/damtest0");
  std::ofstream(device / "virtio0/features") << std::string(32, '0') + "10" + std::string(30, '0');
  EXPECT_NE(obstacle("0000:01:00.0").find("VIRTIO_F_ACCESS_PLATFORM"), std::string::npos);
  std::ofstream(device / "virtio0/features") << std::string(32, '0') + "11" + std::string(30, '0');
  EXPECT_EQ(obstacle("0000:01:00.0"), "");
  EXPECT_EQ(inspect_pci("0000:01:00.0", folder_).interface, "damtest0");
}

TEST_F(Nics, bifurcated_ones_stay_with_their_driver) {
  add("0000:01:00.0", "mlx5_core", "damtest0", "");
  EXPECT_EQ(obstacle("damtest0"), "");
  rules_.records = folder_ / "records";
  const TakenNic taken = NicBinding(rules_).take({"damtest0", HostShare::unsaid});
  EXPECT_EQ(taken.address, "0000:01:00.0");
  EXPECT_TRUE(taken.says.empty());
  EXPECT_TRUE(records_in(rules_.records).empty());
}

TEST_F(Nics, what_stands_on_an_interface_keeps_it) {
  add("0000:01:00.0", "ixgbe", "damtest0", "7");
  fs::create_directories(folder_ / "class/net/damtest0/upper_damtest0.10");
  EXPECT_NE(obstacle("damtest0", HostShare::none).find("carries damtest0.10"), std::string::npos);
}

// While the machine starts, no address and no route is there yet.
TEST_F(Nics, one_that_the_host_is_to_have_is_only_taken_where_it_was_said) {
  add("0000:01:00.0", "ixgbe", "damtest0", "7");
  fs::create_directories(folder_ / "root/etc/network");
  std::ofstream(folder_ / "root/etc/network/interfaces") << "iface damtest0 inet dhcp\n";
  for (const char* device : {"damtest0", "01:00.0"}) {
    EXPECT_NE(obstacle(device).find("/etc/network/interfaces gives it to the host. Say host_path"),
              std::string::npos)
        << obstacle(device);
    EXPECT_EQ(obstacle(device, HostShare::path), "");
    EXPECT_EQ(obstacle(device, HostShare::none), "");
  }
}

// While the machine starts, its driver may be still to come, and with it the interface's name.
TEST_F(Nics, one_without_a_driver_is_only_taken_where_it_was_said) {
  add("0000:01:00.0", "", "", "7");
  EXPECT_NE(obstacle("01:00.0").find("0000:01:00.0 has no driver yet"), std::string::npos);
  EXPECT_EQ(obstacle("01:00.0", HostShare::path), "");
  EXPECT_EQ(obstacle("01:00.0", HostShare::none), "");
  fs::create_directories(rules_.records);
  save_record(rules_.records, {"0000:01:00.0", "ixgbe", "damtest0", {}});
  EXPECT_EQ(obstacle("01:00.0"), "") << "stopped half-way the last time";
  for (const char* driver : {"vfio-pci", "uio_pci_generic"}) {
    const std::string address = driver[0] == 'v' ? "0000:02:00.0" : "0000:03:00.0";
    add(address, driver, "", "8");
    EXPECT_EQ(obstacle(address), "") << driver;
  }
}

TEST_F(Nics, the_folder_of_records_is_for_one_process) {
  const NicBinding first(rules_);
  EXPECT_THROW(NicBinding second(rules_), std::runtime_error);
}

TEST_F(Nics, a_folder_of_records_that_others_can_write_is_not_believed) {
  fs::create_directories(rules_.records);
  fs::permissions(rules_.records, fs::perms::all);
  EXPECT_THROW(NicBinding binding(rules_), std::runtime_error);
  fs::remove(rules_.records);
  fs::create_directory_symlink(folder_ / "bus", rules_.records);
  EXPECT_THROW(NicBinding binding(rules_), std::runtime_error);
}

TEST_F(Nics, without_an_iommu_the_kernels_switch_is_back_with_the_last_of_them) {
  const fs::path mode = folder_ / "module/vfio/parameters/enable_unsafe_noiommu_mode";
  fs::create_directories(mode.parent_path());
  const auto value = [&mode] {
    std::string word;
    std::ifstream(mode) >> word;
    return word;
  };
  std::ofstream(mode) << "N\n";
  fs::create_directories(rules_.records);
  switch_on_noiommu(rules_.sysfs, rules_.records);
  EXPECT_EQ(value(), "Y");
  switch_on_noiommu(rules_.sysfs, rules_.records);  // for a second NIC
  for (const char* gone : {"0000:01:00.0", "0000:02:00.0"}) {
    save_record(rules_.records, {gone, "ixgbe", "", {}});
  }
  fs::permissions(rules_.records, fs::perms::owner_all);
  NicBinding binding(rules_);
  binding.give_back(std::vector<std::string>{"0000:02:00.0"});
  EXPECT_EQ(value(), "Y");
  binding.give_back();
  EXPECT_EQ(value(), "N");
  std::ofstream(mode) << "Y\n";
  binding.give_back();
  EXPECT_EQ(value(), "Y") << "somebody else's, since";
}

TEST_F(Nics, one_that_the_kernel_does_not_bind_is_as_it_was) {
  add("0000:01:00.0", "ixgbe", "", "7");
  NicBinding binding(rules_);
  EXPECT_THROW(binding.take({"0000:01:00.0", HostShare::unsaid}), std::runtime_error);
  EXPECT_TRUE(records_in(rules_.records).empty());
}

NetlinkMessage message_of_length(uint32_t bytes) {
  NetlinkMessage message(bytes, 0xa5);
  std::memcpy(message.data(), &bytes, sizeof bytes);
  return message;
}

TEST(NicRecord, comes_back_as_it_was_written) {
  NicRecord record{"0000:01:00.0", "ixgbe", "enp1s0", {}};
  record.state.up = true;
  record.state.mtu = 1400;
  record.state.addresses = {message_of_length(40), message_of_length(64)};
  record.state.routes = {message_of_length(52)};
  const auto again = read_record(text_of(record));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->driver, "ixgbe");
  EXPECT_EQ(again->interface, "enp1s0");
  EXPECT_TRUE(again->state.up);
  EXPECT_EQ(again->state.mtu, 1400u);
  EXPECT_EQ(again->state.addresses, record.state.addresses);
  EXPECT_EQ(again->state.routes, record.state.routes);
}

TEST(NicRecord, what_is_none_is_not_believed) {
  EXPECT_FALSE(read_record(""));
  EXPECT_FALSE(read_record("driver ixgbe\n"));
  EXPECT_FALSE(read_record("pci 0000:01:00.0\naddress 00\n"));
  EXPECT_FALSE(read_record("pci 0000:01:00.0\nroute zz" + std::string(40, '0') + "\n"));
}

}  // namespace
}  // namespace dam
