// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/netdev/vlan_device.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <cstring>

#include "dataplane/drivers/netdev/attributes.h"
#include "dataplane/drivers/netdev/route_dump.h"

namespace dam {

std::optional<VlanDevice> read_vlan_device(const nlmsghdr* message) {
  if (message->nlmsg_type != RTM_NEWLINK) return std::nullopt;
  const nlattr* below = find_attribute(message, sizeof(ifinfomsg), IFLA_LINK);
  const nlattr* info = find_attribute(message, sizeof(ifinfomsg), IFLA_LINKINFO);
  if (below == nullptr || info == nullptr) return std::nullopt;
  const nlattr* kind = find_nested(info, IFLA_INFO_KIND);
  const nlattr* data = find_nested(info, IFLA_INFO_DATA);
  if (kind == nullptr || data == nullptr || std::strcmp(mnl_attr_get_str(kind), "vlan") != 0) {
    return std::nullopt;
  }
  const nlattr* protocol = find_nested(data, IFLA_VLAN_PROTOCOL);
  if (protocol != nullptr && mnl_attr_get_u16(protocol) != htons(ETH_P_8021Q)) return std::nullopt;
  const nlattr* id = find_nested(data, IFLA_VLAN_ID);
  if (id == nullptr) return std::nullopt;
  const auto* about = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(message));
  return VlanDevice{static_cast<uint32_t>(about->ifi_index), mnl_attr_get_u32(below),
                    mnl_attr_get_u16(id)};
}

uint32_t find_vlan_device(uint32_t port_ifindex, uint16_t vlan) {
  uint32_t found = 0;
  dump_route(RTM_GETLINK, AF_UNSPEC, [&](const nlmsghdr* message) {
    const auto device = read_vlan_device(message);
    if (device && device->port_ifindex == port_ifindex && device->vlan == vlan) {
      found = device->ifindex;
    }
  });
  return found;
}

}  // namespace dam
