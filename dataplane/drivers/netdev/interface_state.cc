// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/netdev/interface_state.h"

#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if_arp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "dataplane/drivers/netdev/attributes.h"
#include "dataplane/drivers/netdev/ethtool.h"
#include "dataplane/drivers/netdev/kernel_interface.h"
#include "dataplane/drivers/netdev/route_dump.h"

namespace dam {
namespace {

void keep_message(const nlmsghdr* message, std::vector<NetlinkMessage>& into) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(message);
  into.emplace_back(bytes, bytes + message->nlmsg_len);
}

bool is_link_local_address(const ifaddrmsg& about, const nlattr* address) {
  if (about.ifa_family != AF_INET6 || address == nullptr) return false;
  const auto* bytes = static_cast<const uint8_t*>(mnl_attr_get_payload(address));
  return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
}

void look_at_address(const nlmsghdr* message, uint32_t ifindex, std::vector<NetlinkMessage>& into) {
  if (message->nlmsg_type != RTM_NEWADDR) return;
  const auto& about = *static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(message));
  if (about.ifa_index != ifindex || (about.ifa_flags & IFA_F_TEMPORARY) != 0) return;
  const nlattr* address = find_attribute(message, sizeof(ifaddrmsg), IFA_ADDRESS);
  if (!is_link_local_address(about, address)) keep_message(message, into);
}

void look_at_route(const nlmsghdr* message, uint32_t ifindex, std::vector<NetlinkMessage>& into) {
  if (message->nlmsg_type != RTM_NEWROUTE) return;
  const auto& about = *static_cast<const rtmsg*>(mnl_nlmsg_get_payload(message));
  const nlattr* out = find_attribute(message, sizeof(rtmsg), RTA_OIF);
  const bool by_itself = about.rtm_table == RT_TABLE_LOCAL || about.rtm_protocol == RTPROT_KERNEL ||
                         about.rtm_protocol == RTPROT_RA || about.rtm_type != RTN_UNICAST ||
                         (about.rtm_flags & RTM_F_CLONED) != 0;
  if (by_itself || out == nullptr || mnl_attr_get_u32(out) != ifindex) return;
  keep_message(message, into);
}

bool goes_by_gateway(const NetlinkMessage& route) {
  const auto* message = reinterpret_cast<const nlmsghdr*>(route.data());
  return find_attribute(message, sizeof(rtmsg), RTA_GATEWAY) != nullptr ||
         find_attribute(message, sizeof(rtmsg), RTA_VIA) != nullptr;
}

// The payload of an attribute, to be changed; nothing where it has another size.
template <typename Payload>
Payload* payload_in(NetlinkMessage& copy, size_t header_bytes, uint16_t type) {
  const auto* message = reinterpret_cast<const nlmsghdr*>(copy.data());
  const nlattr* found = find_attribute(message, header_bytes, type);
  if (found == nullptr || mnl_attr_get_payload_len(found) != sizeof(Payload)) return nullptr;
  const auto* payload = static_cast<const uint8_t*>(mnl_attr_get_payload(found));
  return reinterpret_cast<Payload*>(copy.data() + (payload - copy.data()));
}

// Who had the address for a time (DHCP) renews it for an interface that is gone: it must not end by
// itself. Routes of the prefix, which are not among those kept, come with the address again.
void make_lasting(NetlinkMessage& address) {
  if (auto* life = payload_in<ifa_cacheinfo>(address, sizeof(ifaddrmsg), IFA_CACHEINFO)) {
    life->ifa_valid = life->ifa_prefered = std::numeric_limits<uint32_t>::max();
  }
  if (auto* flags = payload_in<uint32_t>(address, sizeof(ifaddrmsg), IFA_FLAGS)) {
    *flags &= ~static_cast<uint32_t>(IFA_F_NOPREFIXROUTE);
  }
}

// The message as a request about another interface.
void turn_to(NetlinkMessage& copy, uint32_t ifindex) {
  auto* message = reinterpret_cast<nlmsghdr*>(copy.data());
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE;
  message->nlmsg_seq = 1;
  message->nlmsg_pid = 0;
  if (message->nlmsg_type == RTM_NEWADDR) {
    static_cast<ifaddrmsg*>(mnl_nlmsg_get_payload(message))->ifa_index = ifindex;
    make_lasting(copy);
    return;
  }
  // What the kernel says of the link as it was (RTNH_F_LINKDOWN, …) it takes from nobody.
  static_cast<rtmsg*>(mnl_nlmsg_get_payload(message))->rtm_flags &= RTNH_F_ONLINK;
  const nlattr* out = find_attribute(message, sizeof(rtmsg), RTA_OIF);
  if (out == nullptr) return;
  const auto* payload = static_cast<const uint8_t*>(mnl_attr_get_payload(out));
  std::memcpy(copy.data() + (payload - copy.data()), &ifindex, sizeof ifindex);
}

// 0, or why not.
int ask_for(const RouteSocket& socket, NetlinkMessage message, uint32_t ifindex) {
  turn_to(message, ifindex);
  alignas(nlmsghdr) std::array<char, kNetlinkBytes> buffer{};
  if (mnl_socket_sendto(socket.get(), message.data(), message.size()) < 0) return errno;
  const ssize_t got = mnl_socket_recvfrom(socket.get(), buffer.data(), buffer.size());
  if (got < 0) return errno;
  const int done = mnl_cb_run(buffer.data(), static_cast<size_t>(got), 1,
                              mnl_socket_get_portid(socket.get()), nullptr, nullptr);
  return done < 0 && errno != EEXIST ? errno : 0;
}

}  // namespace

InterfaceState state_of_interface(const std::string& name) {
  InterfaceState state;
  const KernelInterface about = inspect_interface(name);
  state.up = about.up;
  state.mtu = about.mtu;
  const uint32_t ifindex = if_nametoindex(name.c_str());
  dump_route(RTM_GETADDR, AF_UNSPEC,
             [&](const nlmsghdr* one) { look_at_address(one, ifindex, state.addresses); });
  dump_route(RTM_GETROUTE, AF_UNSPEC,
             [&](const nlmsghdr* one) { look_at_route(one, ifindex, state.routes); });
  std::stable_partition(state.routes.begin(), state.routes.end(),
                        [](const NetlinkMessage& route) { return !goes_by_gateway(route); });
  return state;
}

std::vector<std::string> give_state(const std::string& name, const InterfaceState& state) {
  std::vector<std::string> refused;
  const uint32_t ifindex = if_nametoindex(name.c_str());
  if (ifindex == 0) return {"There is no interface " + name + "."};
  const auto refuse = [&](const std::string& what, int why) {
    refused.push_back(name + ": " + what + ": " + std::strerror(why) + ".");
  };
  if (state.mtu != 0 && !set_interface_mtu(name, state.mtu)) {
    refuse("its MTU of " + std::to_string(state.mtu), errno);
  }
  if (state.up && !set_interface_up(name, true)) refuse("it does not come up", errno);
  const RouteSocket socket = open_route_socket();
  for (const NetlinkMessage& address : state.addresses) {
    if (const int why = ask_for(socket, address, ifindex)) refuse("an address", why);
  }
  for (const NetlinkMessage& route : state.routes) {
    if (const int why = ask_for(socket, route, ifindex)) refuse("a route", why);
  }
  return refused;
}

bool rename_interface(const std::string& from, const std::string& to) {
  ifreq request{};
  if (to.size() >= sizeof request.ifr_newname) return false;
  std::memcpy(request.ifr_newname, to.c_str(), to.size() + 1);
  return ask_device(from, SIOCSIFNAME, request);
}

bool set_interface_up(const std::string& name, bool up) {
  ifreq request{};
  if (!ask_device(name, SIOCGIFFLAGS, request)) return false;
  request.ifr_flags =
      static_cast<short>(up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
  return ask_device(name, SIOCSIFFLAGS, request);
}

bool set_interface_mtu(const std::string& name, uint32_t mtu) {
  ifreq request{};
  request.ifr_mtu = static_cast<int>(mtu);
  return ask_device(name, SIOCSIFMTU, request);
}

bool set_interface_mac(const std::string& name, const std::array<uint8_t, 6>& mac) {
  ifreq request{};
  request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
  std::copy(mac.begin(), mac.end(), request.ifr_hwaddr.sa_data);
  return ask_device(name, SIOCSIFHWADDR, request);
}

}  // namespace dam
