// SPDX-License-Identifier: BSD-3-Clause
// Messages as the kernel writes them: not every kernel here has VLAN devices.
#include "dataplane/drivers/netdev/vlan_device.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <array>

namespace dam {
namespace {

struct LinkMessage {
  alignas(nlmsghdr) std::array<char, 512> buffer{};
  nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());

  LinkMessage(int ifindex, const char* kind, uint32_t below, uint16_t vlan, uint16_t protocol) {
    message->nlmsg_type = RTM_NEWLINK;
    auto* about = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg)));
    about->ifi_index = ifindex;
    mnl_attr_put_strz(message, IFLA_IFNAME, "eth0.10");
    if (below != 0) mnl_attr_put_u32(message, IFLA_LINK, below);
    nlattr* info = mnl_attr_nest_start(message, IFLA_LINKINFO);
    mnl_attr_put_strz(message, IFLA_INFO_KIND, kind);
    nlattr* data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
    mnl_attr_put_u16(message, IFLA_VLAN_PROTOCOL, htons(protocol));
    mnl_attr_put_u16(message, IFLA_VLAN_ID, vlan);
    mnl_attr_nest_end(message, data);
    mnl_attr_nest_end(message, info);
  }
};

TEST(VlanDevice, is_read_from_the_kernels_message) {
  const auto device = read_vlan_device(LinkMessage(9, "vlan", 2, 10, ETH_P_8021Q).message);
  ASSERT_TRUE(device);
  EXPECT_EQ(device->ifindex, 9u);
  EXPECT_EQ(device->port_ifindex, 2u);
  EXPECT_EQ(device->vlan, 10);
}

TEST(VlanDevice, others_are_none) {
  EXPECT_FALSE(read_vlan_device(LinkMessage(9, "macvlan", 2, 10, ETH_P_8021Q).message));
  EXPECT_FALSE(read_vlan_device(LinkMessage(9, "vlan", 0, 10, ETH_P_8021Q).message));
  EXPECT_FALSE(read_vlan_device(LinkMessage(9, "vlan", 2, 10, ETH_P_8021AD).message));
  LinkMessage gone(9, "vlan", 2, 10, ETH_P_8021Q);
  gone.message->nlmsg_type = RTM_DELLINK;
  EXPECT_FALSE(read_vlan_device(gone.message));
}

TEST(VlanDevice, there_is_none_below_the_loopback_device) {
  EXPECT_EQ(find_vlan_device(1, 10), 0u);
}

}  // namespace
}  // namespace dam
