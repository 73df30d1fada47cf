// SPDX-License-Identifier: BSD-3-Clause
// What the host's files are read to say of an interface.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/unit/netdev/host_files.h"

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
    {"ifupdown, a second address of it", kInterfaces, "iface eth1:0 inet static\n", true},
    {"ifupdown, a line in two", kInterfaces, "iface br0 inet dhcp\n bridge_ports \\\n eth1\n",
     true},
    {"ifupdown, a comment has no second line", kInterfaces, "# see \\\niface eth1 inet dhcp\n",
     true},
    {"ifupdown, of this boot alone", "run/network/interfaces.d/lan", "iface eth1 inet dhcp\n",
     true},
    {"networkd, by name", kNetwork, "[Match]\nName=eth1\n[Network]\nDHCP=yes\n", true},
    {"networkd, by pattern", kNetwork, "[Match]\nName=en* eth*\n\n[Network]\nDHCP = ipv4\n", true},
    {"networkd, by an alternative name", kNetwork, "[Match]\nName=enp0s9\n[Network]\nDHCP=yes\n",
     true},
    {"networkd, all but an alternative name", kNetwork,
     "[Match]\nName=!enp0s*\n[Network]\nDHCP=yes\n", false},
    {"ifupdown, by an alternative name", kInterfaces, "iface enp0s9 inet dhcp\n", true},
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
    {"networkd, where this cannot be told", kNetwork,
     "[Match]\nVirtualization=container\nName=eth1\n[Network]\nDHCP=yes\n", true},
    {"networkd, another one", kNetwork, "[Match]\nName=eth2\n[Network]\nDHCP=yes\n", false},
    {"networkd, names in two lines", kNetwork,
     "[Match]\nName=eth1\nName=eth2\n[Network]\nDHCP=yes\n", true},
    {"networkd, a list that starts anew", kNetwork,
     "[Match]\nName=eth2\nName=\nName=eth1\n[Network]\nDHCP=yes\n", true},
    {"networkd, a line in two", kNetwork, "[Match]\nName=eth2 \\\n  eth1\n[Network]\nDHCP=yes\n",
     true},
    {"networkd, all but another", kNetwork, "[Match]\nName=!eth2 lo\n[Network]\nDHCP=yes\n", true},
    {"networkd, all but this", kNetwork, "[Match]\nName=!lo eth1\n[Network]\nDHCP=yes\n", false},
    {"networkd, no loopback", kNetwork, "[Match]\nType=!loopback\n[Network]\nDHCP=yes\n", true},
    {"networkd, no Ethernet", kNetwork, "[Match]\nType=!ether\n[Network]\nDHCP=yes\n", false},
    {"networkd, all but another link address", kNetwork,
     "[Match]\nMACAddress=!02:00:00:00:00:ab\n[Network]\nDHCP=yes\n", true},
    {"networkd, link addresses in two lines, with dashes", kNetwork,
     "[Match]\nMACAddress=02-00-00-00-00-AA\nMACAddress=02:00:00:00:00:ab\n[Network]\nDHCP=yes\n",
     true},
    {"networkd, cards", kNetwork, "[Match]\nType=ether\nKind=!*\n[Network]\nDHCP=yes\n", true},
    {"networkd, no bridges", kNetwork, "[Match]\nKind=!bridge\n[Network]\nDHCP=yes\n", true},
    {"networkd, veth", kNetwork, "[Match]\nName=eth1\nKind=veth\n[Network]\nDHCP=yes\n", false},
    {"networkd, of a wireless network", kNetwork, "[Match]\nSSID=a b\n[Network]\nDHCP=yes\n",
     false},
    {"networkd, of the distribution", "usr/lib/systemd/network/70-all.network",
     "[Match]\nName=eth1\n[Network]\nDHCP=yes\n", true},
    {"networkd, of the machine's owner", "usr/local/lib/systemd/network/70-all.network",
     "[Match]\nName=eth1\n[Network]\nDHCP=yes\n", true},
};

TEST_F(HostFiles, say_whose_an_interface_is) {
  EXPECT_EQ(found(), "");
  for (const FileRow& row : kFiles) {
    const fs::path file = write(row.path, row.text);
    EXPECT_EQ(found(), row.of_host ? file.string() : "") << row.what;
    fs::remove(file);
  }
}

constexpr char kDhcp[] = "[Match]\nName=eth1\n[Network]\nDHCP=yes\n";

TEST_F(HostFiles, of_networkd_with_one_name_the_first_folder_has_its_way) {
  const fs::path shipped = write("usr/lib/systemd/network/70-all.network", kDhcp);
  EXPECT_EQ(found(), shipped);
  const fs::path of_boot = write("run/systemd/network/70-all.network", "");
  EXPECT_EQ(found(), "") << "an empty one is a mask";
  const fs::path own = write("etc/systemd/network/70-all.network", kDhcp);
  EXPECT_EQ(found(), own);
  fs::remove(own);
  fs::create_symlink("/dev/null", own);
  fs::remove(of_boot);
  write("etc/systemd/network/70-all.network.d/more.conf", kDhcp);
  EXPECT_EQ(found(), "") << "so is a link to /dev/null, whatever is beside it";
}

TEST_F(HostFiles, what_is_dropped_beside_networkds_files_belongs_to_them) {
  const fs::path file = write(kNetwork, "[Match]\nName=eth1\n[Network]\nDHCP=no\n");
  EXPECT_EQ(found(), "");
  write("usr/lib/systemd/network/50-all.network.d/dhcp.conf", "[Network]\nDHCP=yes\n");
  EXPECT_EQ(found(), file);
  write("etc/systemd/network/50-all.network.d/dhcp.conf", "[Network]\nLLDP=yes\n");
  EXPECT_EQ(found(), "") << "the same name, in a folder before it";
  write("etc/systemd/network/50-all.network.d/lan.conf", "[Address]\nAddress=198.18.0.1/24\n");
  EXPECT_EQ(found(), file);
  fs::remove(file);
  EXPECT_EQ(found(), "") << "beside nothing";
}

// They are on every Debian with systemd, and none is about a card.
TEST_F(HostFiles, those_that_systemd_brings_along_leave_cards_alone) {
  const fs::path shipped = "/usr/lib/systemd/network";
  if (!fs::exists(shipped)) GTEST_SKIP() << "no systemd here";
  fs::create_directories(folder_ / "usr/lib/systemd");
  fs::copy(shipped, folder_ / "usr/lib/systemd/network");
  EXPECT_EQ(found(), "");
}

TEST_F(HostFiles, ifupdown_is_followed_to_where_it_points) {
  const char* const kPointers[] = {"source /etc/lan/*.if",           "source ../lan/eth?.if",
                                   "source /nowhere ../lan/eth1.if", "source-directory /etc/lan",
                                   "source-directory ../l*",         "source ../more"};
  write("etc/more", "source /etc/lan/eth1.if\n");
  const fs::path file = write("etc/lan/eth1.if", "iface eth1 inet dhcp\n");
  for (const char* pointer : kPointers) {
    write(kInterfaces, std::string(pointer) + "\n");
    EXPECT_TRUE(found() == file || fs::equivalent(found(), file)) << pointer << ": " << found();
  }
  write(kInterfaces, "source interfaces\nsource interfaces\n");
  EXPECT_EQ(found(), "") << "in circles";
}

}  // namespace
}  // namespace dam
