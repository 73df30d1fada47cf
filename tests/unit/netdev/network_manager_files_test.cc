// SPDX-License-Identifier: BSD-3-Clause
// What NetworkManager's files are read to leave alone.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/unit/netdev/host_files.h"

namespace dam {
namespace {

class NetworkManagerFiles : public HostFiles {
 protected:
  void SetUp() override {
    HostFiles::SetUp();
    const std::filesystem::path wants = folder_ / "etc/systemd/system/multi-user.target.wants";
    std::filesystem::create_directories(wants);
    std::filesystem::create_symlink("/lib/systemd/system/NetworkManager.service",
                                    wants / "NetworkManager.service");
  }
  // Sets the list of what is left alone in a file of /etc/NetworkManager.
  void leave(const std::string& path, const std::string& assigned) {
    write(path, "[keyfile]\nunmanaged-devices" + assigned + "\n");
  }
  bool left() const { return found().empty(); }
};

constexpr char kBase[] = "etc/NetworkManager/NetworkManager.conf";
constexpr char kFirst[] = "etc/NetworkManager/conf.d/10.conf";
constexpr char kSecond[] = "etc/NetworkManager/conf.d/20.conf";

TEST_F(NetworkManagerFiles, have_what_they_are_not_told_to_leave) {
  EXPECT_NE(found().find("NetworkManager"), std::string::npos);
  leave(kFirst, "=interface-name:eth0;interface-name:eth1");
  EXPECT_TRUE(left());
  write(kFirst, "[main]\nunmanaged-devices=*\n");
  EXPECT_FALSE(left()) << "not its section";
}

TEST_F(NetworkManagerFiles, that_except_something_leave_nothing_for_sure) {
  leave(kFirst, "=*,except:interface-name:eth1");
  EXPECT_FALSE(left());
  leave(kFirst, "=interface-name:eth1;except:type:ethernet");
  EXPECT_FALSE(left());
}

TEST_F(NetworkManagerFiles, of_which_the_later_one_has_its_way) {
  leave(kBase, "=*");
  EXPECT_TRUE(left());
  leave(kFirst, " = interface-name:eth2");
  EXPECT_FALSE(left());
  leave(kSecond, "+=interface-name:eth1");
  EXPECT_TRUE(left()) << "one more";
  leave("etc/NetworkManager/conf.d/30.conf", "=");
  EXPECT_FALSE(left());
}

TEST_F(NetworkManagerFiles, of_the_distribution_come_before_the_machines_own) {
  leave("usr/lib/NetworkManager/conf.d/10.conf", "=*");
  EXPECT_TRUE(left());
  leave("run/NetworkManager/conf.d/20.conf", "=none");
  EXPECT_FALSE(left());
  write(kSecond, "");
  EXPECT_TRUE(left()) << "the same name, in a folder before it";
  leave(kBase, "=interface-name:eth2");
  EXPECT_FALSE(left());
}

}  // namespace
}  // namespace dam
