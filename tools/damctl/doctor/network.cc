// SPDX-License-Identifier: BSD-3-Clause
#include "tools/damctl/doctor/network.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/if_addr.h>
#include <linux/if_packet.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <system_error>

#include "dataplane/drivers/netdev/attributes.h"
#include "dataplane/drivers/netdev/host_configuration.h"
#include "dataplane/drivers/netdev/interface_names.h"
#include "dataplane/drivers/netdev/kernel_interface.h"
#include "dataplane/drivers/netdev/link_state.h"
#include "dataplane/drivers/netdev/pci_device.h"
#include "dataplane/drivers/netdev/route_dump.h"
#include "dataplane/drivers/netdev/vlan_device.h"

namespace dam::ctl {

namespace {

namespace fs = std::filesystem;

std::string address_text(int family, const void* bytes) {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(family, bytes, text, sizeof text);
  return text;
}

// Nothing where the kernel does not answer.
void show_all(uint16_t type, uint8_t family, const std::function<void(const nlmsghdr*)>& take) {
  try {
    dump_route(type, family, take);
  } catch (const std::system_error&) {
  }
}

std::string name_of_link(uint32_t ifindex) {
  char name[IF_NAMESIZE] = "";
  return if_indextoname(ifindex, name) != nullptr ? name : "";
}

void add_default_route(const nlmsghdr* message, std::vector<DefaultRoute>& routes) {
  const auto* route = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(message));
  const nlattr* out = find_attribute(message, sizeof(rtmsg), RTA_OIF);
  const nlattr* via = find_attribute(message, sizeof(rtmsg), RTA_GATEWAY);
  const bool main = route->rtm_table == RT_TABLE_MAIN && route->rtm_type == RTN_UNICAST;
  if (!main || route->rtm_dst_len != 0 || out == nullptr) return;
  routes.push_back(
      {name_of_link(mnl_attr_get_u32(out)),
       via != nullptr ? address_text(route->rtm_family, mnl_attr_get_payload(via)) : ""});
}

void add_neighbour(const nlmsghdr* message, std::vector<Neighbour>& neighbours) {
  const auto* about = static_cast<const ndmsg*>(mnl_nlmsg_get_payload(message));
  const nlattr* address = find_attribute(message, sizeof(ndmsg), NDA_DST);
  constexpr uint16_t kAnswered = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT;
  if (address == nullptr || (about->ndm_state & kAnswered) == 0) return;
  const auto* bytes = static_cast<const uint8_t*>(mnl_attr_get_payload(address));
  const bool v6 = about->ndm_family == AF_INET6;
  if (v6 && (bytes[0] == 0xff || (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80))) return;
  neighbours.push_back({name_of_link(static_cast<uint32_t>(about->ndm_ifindex)),
                        address_text(about->ndm_family, bytes)});
}

// Addresses that come and go: by DHCP or router advertisements, and privacy addresses (RFC 8981),
// which are nobody's to name.
void look_at_lease(const nlmsghdr* message, std::vector<HostLink>& links) {
  const auto* about = static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(message));
  const nlattr* address = find_attribute(message, sizeof(ifaddrmsg), IFA_LOCAL);
  if (address == nullptr) address = find_attribute(message, sizeof(ifaddrmsg), IFA_ADDRESS);
  if (address == nullptr || (about->ifa_flags & IFA_F_PERMANENT) != 0) return;
  const std::string text = address_text(about->ifa_family, mnl_attr_get_payload(address)) + "/" +
                           std::to_string(about->ifa_prefixlen);
  const std::string name = name_of_link(about->ifa_index);
  for (HostLink& link : links) {
    if (link.name != name) continue;
    if ((about->ifa_flags & IFA_F_TEMPORARY) != 0 && about->ifa_family == AF_INET6) {
      std::erase(link.addresses, text);
    } else {
      link.leased.push_back(text);
    }
  }
}

bool is_virtual(const std::string& driver) {
  for (const char* one :
       {"bridge", "tun", "bonding", "dummy", "macvlan", "ipvlan", "openvswitch"}) {
    if (driver == one) return true;
  }
  return false;
}

// With its prefix length.
std::string own_address(const ifaddrs& one) {
  if (one.ifa_netmask == nullptr) return {};
  if (one.ifa_addr->sa_family == AF_INET) {
    const auto* address = reinterpret_cast<const sockaddr_in*>(one.ifa_addr);
    const auto* mask = reinterpret_cast<const sockaddr_in*>(one.ifa_netmask);
    return address_text(AF_INET, &address->sin_addr) + "/" +
           std::to_string(std::popcount(mask->sin_addr.s_addr));
  }
  const auto* address = reinterpret_cast<const sockaddr_in6*>(one.ifa_addr);
  const auto* mask = reinterpret_cast<const sockaddr_in6*>(one.ifa_netmask);
  if (IN6_IS_ADDR_LINKLOCAL(&address->sin6_addr)) return {};
  int bits = 0;
  for (const uint8_t byte : mask->sin6_addr.s6_addr) bits += std::popcount(byte);
  return address_text(AF_INET6, &address->sin6_addr) + "/" + std::to_string(bits);
}

HostLink look_at_link(const std::string& name) {
  const KernelInterface interface = inspect_interface(name);
  HostLink link;
  link.name = name;
  link.driver = interface.driver;
  link.up = interface.up;
  link.mtu = interface.mtu;
  link.rx_queues = interface.rx_queues;
  link.speed_mbit = link_of(name).mbit_s;
  link.configured_by = configured_by(names_of_interface(name), interface.mac);
  const PciDevice card = inspect_pci(pci_of_interface(name));
  link.bindable = card.exists && (card.iommu || is_bifurcated(card.driver));
  return link;
}

std::vector<HostLink> ethernet_links() {
  std::vector<HostLink> links;
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return links;
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_PACKET) continue;
    const auto* card = reinterpret_cast<const sockaddr_ll*>(one->ifa_addr);
    if (card->sll_hatype == ARPHRD_ETHER) links.push_back(look_at_link(one->ifa_name));
  }
  std::erase_if(links, [](const HostLink& link) { return is_virtual(link.driver); });
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    const int family = one->ifa_addr != nullptr ? one->ifa_addr->sa_family : AF_UNSPEC;
    if (family != AF_INET && family != AF_INET6) continue;
    const std::string text = own_address(*one);
    for (HostLink& link : links) {
      if (link.name == one->ifa_name && !text.empty()) link.addresses.push_back(text);
    }
  }
  freeifaddrs(all);
  return links;
}

// Which of them are VLANs of others.
void add_vlans(std::vector<HostLink>& links) {
  show_all(RTM_GETLINK, AF_UNSPEC, [&links](const nlmsghdr* message) {
    const auto vlan = read_vlan_device(message);
    if (!vlan) return;
    const std::string name = name_of_link(vlan->ifindex);
    for (HostLink& link : links) {
      if (link.name != name) continue;
      link.vlan = vlan->vlan;
      link.port = name_of_link(vlan->port_ifindex);
    }
  });
}

// Network cards that the kernel has given up for DPDK.
void add_given_up(std::vector<HostLink>& links) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/sys/bus/pci/drivers/vfio-pci", ignored)) {
    std::string kind;
    std::ifstream(entry.path() / "class") >> kind;
    if (!kind.starts_with("0x02")) continue;  // a network controller
    HostLink& link = links.emplace_back();
    link.name = entry.path().filename();
    link.driver = "vfio-pci";
  }
}

}  // namespace

const HostLink* HostNetwork::link(const std::string& name) const {
  for (const HostLink& one : links) {
    if (one.name == name) return &one;
  }
  return nullptr;
}

HostNetwork look_at_network() {
  HostNetwork network;
  network.links = ethernet_links();
  add_vlans(network.links);
  add_given_up(network.links);
  for (const uint8_t family : {uint8_t{AF_INET}, uint8_t{AF_INET6}}) {
    show_all(RTM_GETADDR, family, [&](const nlmsghdr* one) { look_at_lease(one, network.links); });
    show_all(RTM_GETROUTE, family,
             [&](const nlmsghdr* one) { add_default_route(one, network.routes); });
    show_all(RTM_GETNEIGH, family,
             [&](const nlmsghdr* one) { add_neighbour(one, network.neighbours); });
  }
  network.listening = look_who_listens();
  return network;
}

}  // namespace dam::ctl
