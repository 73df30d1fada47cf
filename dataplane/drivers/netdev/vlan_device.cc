// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/netdev/vlan_device.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

#include "dataplane/drivers/netdev/attributes.h"

namespace dam {
namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

struct Search {
  uint32_t port_ifindex;
  uint16_t vlan;
  uint32_t found;
};

int look_at(const nlmsghdr* message, void* data) {
  auto& search = *static_cast<Search*>(data);
  const auto device = read_vlan_device(message);
  if (device && device->port_ifindex == search.port_ifindex && device->vlan == search.vlan) {
    search.found = device->ifindex;
  }
  return MNL_CB_OK;
}

struct CloseSocket {
  void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};

}  // namespace

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
  const std::unique_ptr<mnl_socket, CloseSocket> socket(
      mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC));
  if (socket == nullptr || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) {
    fail("A netlink socket");
  }
  alignas(nlmsghdr) std::array<char, 32768> buffer{};
  nlmsghdr* question = mnl_nlmsg_put_header(buffer.data());
  question->nlmsg_type = RTM_GETLINK;
  question->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  mnl_nlmsg_put_extra_header(question, sizeof(ifinfomsg));
  if (mnl_socket_sendto(socket.get(), question, question->nlmsg_len) < 0) fail("The list of links");
  Search search{port_ifindex, vlan, 0};
  int more = MNL_CB_OK;
  while (more > MNL_CB_STOP) {
    const ssize_t got = mnl_socket_recvfrom(socket.get(), buffer.data(), buffer.size());
    if (got < 0) fail("The list of links");
    more = mnl_cb_run(buffer.data(), static_cast<size_t>(got), 0,
                      mnl_socket_get_portid(socket.get()), look_at, &search);
  }
  if (more < 0) fail("The list of links");
  return search.found;
}

}  // namespace dam
