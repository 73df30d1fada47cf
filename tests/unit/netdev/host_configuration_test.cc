// SPDX-License-Identifier: BSD-3-Clause
// What the host's files are read to say of an interface.
#include "dataplane/drivers/netdev/host_configuration.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace dam {
namespace {

namespace fs = std::filesystem;

struct FileRow {
  const char* what;
  const char* path;
  const char* text;
  bool of_host;
};

constexpr char kInterfaces[] = "etc/network/interfaces";
constexpr char kNetwork[] = "etc/systemd/network/50-all.network";

const FileRow kFiles[] = {
    {"ifupdown, static", kInterfaces,
     "auto eth1\niface eth1 inet static\n  address 198.18.0.1/24\n", true},
    {"ifupdown, DHCP, a file of its folder", "etc/network/interfaces.d/lan",
     "allow-hotplug eth1\niface eth1 inet dhcp\n", true},
    {"ifupdown leaves it without an address", kInterfaces, "iface eth1 inet manual\n", false},
    {"ifupdown, another one", kInterfaces, "iface eth10 inet dhcp\n", false},
    {"ifupdown, a comment", kInterfaces, "# iface eth1 inet dhcp\n", false},
    {"ifupdown, a VLAN on it", kInterfaces, "iface eth1.10 inet static\n", true},
    {"ifupdown, a bridge on it", kInterfaces, "iface br0 inet dhcp\n  bridge_ports eth0 eth1\n",
     true},
    {"networkd, by name", kNetwork, "[Match]\nName=eth1\n[Network]\nDHCP=yes\n", true},
    {"networkd, by pattern", kNetwork, "[Match]\nName=en* eth*\n\n[Network]\nDHCP = ipv4\n", true},
    {"networkd, by link address", kNetwork,
     "[Match]\nMACAddress=02:00:00:00:00:AA\n[Network]\nAddress=198.18.0.1/24\n", true},
    {"networkd, another link address", kNetwork,
     "[Match]\nMACAddress=02:00:00:00:00:ab\n[Network]\nAddress=198.18.0.1/24\n", false},
    {"networkd, an address in its own section", kNetwork,
     "[Match]\nName=eth1\n[Address]\nAddress=198.18.0.1/24\n", true},
    {"networkd, a VLAN on it", kNetwork, "[Match]\nName=eth1\n[Network]\nVLAN=lan\n", true},
    {"netplan by networkd", "run/systemd/network/10-netplan-eth1.network",
     "[Match]\nName=eth1\n[Network]\nDHCP=true\n", true},
    {"networkd leaves it alone", kNetwork,
     "[Match]\nName=eth1\n[Link]\nUnmanaged=yes\n[Network]\nDHCP=yes\n", false},
    {"networkd gives it nothing", kNetwork,
     "[Match]\nName=eth1\n[Network]\nDHCP=no\nLinkLocalAddressing=no\n", false},
    {"networkd, of containers", kNetwork,
     "[Match]\nVirtualization=container\nName=eth1\n[Network]\nDHCP=yes\n", false},
    {"networkd, another one", kNetwork, "[Match]\nName=eth2\n[Network]\nDHCP=yes\n", false},
};

class HostFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/dam-host-XXXXXX";
    folder_ = mkdtemp(name);
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path write(const std::string& path, const std::string& text) {
    fs::create_directories((folder_ / path).parent_path());
    std::ofstream(folder_ / path) << text;
    return folder_ / path;
  }
  std::string found() const { return configured_by("eth1", {2, 0, 0, 0, 0, 0xaa}, folder_); }
  fs::path folder_;
};

TEST_F(HostFiles, say_whose_an_interface_is) {
  EXPECT_EQ(found(), "");
  for (const FileRow& row : kFiles) {
    const fs::path file = write(row.path, row.text);
    EXPECT_EQ(found(), row.of_host ? file.string() : "") << row.what;
    fs::remove(file);
  }
}

TEST_F(HostFiles, network_manager_has_what_it_is_not_told_to_leave) {
  const fs::path wants = folder_ / "etc/systemd/system/multi-user.target.wants";
  fs::create_directories(wants);
  fs::create_symlink("/lib/systemd/system/NetworkManager.service",
                     wants / "NetworkManager.service");
  EXPECT_NE(found().find("NetworkManager"), std::string::npos);
  write("etc/NetworkManager/conf.d/dam.conf",
        "[keyfile]\nunmanaged-devices=interface-name:eth0;interface-name:eth1\n");
  EXPECT_EQ(found(), "");
}

}  // namespace
}  // namespace dam
