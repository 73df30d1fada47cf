// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/netdev/interface_names.h"

#include <gtest/gtest.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <array>
#include <string>
#include <vector>

namespace dam {
namespace {

using Names = std::vector<std::string>;

struct NamedLink {
  alignas(nlmsghdr) std::array<char, 512> buffer{};
  nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());

  explicit NamedLink(const Names& alternatives) {
    message->nlmsg_type = RTM_NEWLINK;
    mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg));
    mnl_attr_put_strz(message, IFLA_IFNAME, "eth1");
    if (alternatives.empty()) return;
    nlattr* list = mnl_attr_nest_start(message, IFLA_PROP_LIST);
    for (const std::string& one : alternatives) {
      mnl_attr_put_strz(message, IFLA_ALT_IFNAME, one.c_str());
    }
    mnl_attr_nest_end(message, list);
  }
};

TEST(InterfaceNames, are_read_from_the_kernels_message) {
  EXPECT_EQ(read_interface_names(NamedLink({}).message), Names{"eth1"});
  EXPECT_EQ(read_interface_names(NamedLink({"enp0s9", "ens9"}).message),
            (Names{"eth1", "enp0s9", "ens9"}));
  NamedLink gone({"enp0s9"});
  gone.message->nlmsg_type = RTM_DELLINK;
  EXPECT_EQ(read_interface_names(gone.message), Names{});
}

TEST(InterfaceNames, its_own_is_there_whether_the_kernel_knows_it_or_not) {
  EXPECT_EQ(names_of_interface("lo").front(), "lo");
  EXPECT_EQ(names_of_interface("nosuch0"), Names{"nosuch0"});
}

}  // namespace
}  // namespace dam
