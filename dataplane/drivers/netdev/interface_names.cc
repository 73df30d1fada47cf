// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/netdev/interface_names.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <utility>

#include "dataplane/drivers/netdev/attributes.h"
#include "dataplane/drivers/netdev/route_dump.h"

namespace dam {
namespace {

int add_alternative(const nlattr* attribute, void* into) {
  if (mnl_attr_get_type(attribute) == IFLA_ALT_IFNAME) {
    static_cast<std::vector<std::string>*>(into)->emplace_back(mnl_attr_get_str(attribute));
  }
  return MNL_CB_OK;
}

}  // namespace

std::vector<std::string> read_interface_names(const nlmsghdr* message) {
  if (message->nlmsg_type != RTM_NEWLINK) return {};
  const nlattr* own = find_attribute(message, sizeof(ifinfomsg), IFLA_IFNAME);
  if (own == nullptr) return {};
  std::vector<std::string> names{mnl_attr_get_str(own)};
  const nlattr* others = find_attribute(message, sizeof(ifinfomsg), IFLA_PROP_LIST);
  if (others != nullptr) mnl_attr_parse_nested(others, add_alternative, &names);
  return names;
}

std::vector<std::string> names_of_interface(const std::string& interface) {
  std::vector<std::string> found{interface};
  dump_route(RTM_GETLINK, AF_UNSPEC, [&](const nlmsghdr* message) {
    std::vector<std::string> names = read_interface_names(message);
    if (!names.empty() && names.front() == interface) found = std::move(names);
  });
  return found;
}

}  // namespace dam
