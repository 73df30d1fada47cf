// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/xdp/next_hops.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace dam {
namespace {

constexpr uint16_t kUsable = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT;
// Linux 5.16: the kernel resolves the entry and keeps it so by itself.
constexpr uint32_t kManaged = 1;  // NTF_EXT_MANAGED

[[noreturn]] void fail_netlink(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

// For mnl_attr_parse: attributes by type.
int keep_known(const nlattr* attribute, void* found) {
  const uint16_t type = mnl_attr_get_type(attribute);
  if (type <= NDA_MAX) static_cast<const nlattr**>(found)[type] = attribute;
  return MNL_CB_OK;
}

dam_address address_of(const nlattr* attribute) {
  const void* payload = mnl_attr_get_payload(attribute);
  if (mnl_attr_get_payload_len(attribute) == 4) return dam_address_v4(dam_load32(payload));
  dam_address address{};
  std::memcpy(&address, payload, sizeof address);
  return address;
}

}  // namespace

NextHops::NextHops(std::vector<XdpInterface> interfaces)
    : interfaces_(std::move(interfaces)),
      socket_(mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK)) {
  if (socket_ == nullptr) fail_netlink("A netlink socket");
  if (mnl_socket_bind(socket_.get(), RTMGRP_NEIGH | RTMGRP_LINK, MNL_SOCKET_AUTOPID) < 0) {
    fail_netlink("The kernel's neighbour table");
  }
}

void NextHops::attend(Neighbours& neighbours) {
  bool asked = false;
  neighbours.for_each([&](uint16_t id, uint16_t interface, const dam_address& address) {
    if (interfaces_[interface].host_ifindex == 0 || !asked_.insert(id).second) return;
    ask(interface, address);
    asked = true;
  });
  if (asked) ask_for_all();  // what the kernel knew before
  read(neighbours);
}

void NextHops::ask(uint16_t interface, const dam_address& address) {
  alignas(nlmsghdr) std::array<char, 256> buffer{};
  nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
  message->nlmsg_type = RTM_NEWNEIGH;
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE;
  auto* about = static_cast<ndmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ndmsg)));
  const bool v4 = dam_address_is_v4(&address) != 0;
  about->ndm_family = v4 ? AF_INET : AF_INET6;
  about->ndm_ifindex = static_cast<int>(interfaces_[interface].host_ifindex);
  about->ndm_flags = NTF_USE;
  mnl_attr_put(message, NDA_DST, v4 ? 4 : 16, v4 ? &address.word[3] : &address.word[0]);
  mnl_attr_put_u32(message, NDA_FLAGS_EXT, kManaged);
  mnl_socket_sendto(socket_.get(), message, message->nlmsg_len);
}

void NextHops::ask_for_all() {
  alignas(nlmsghdr) std::array<char, 256> buffer{};
  nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
  message->nlmsg_type = RTM_GETNEIGH;
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  mnl_nlmsg_put_extra_header(message, sizeof(ndmsg));
  mnl_socket_sendto(socket_.get(), message, message->nlmsg_len);
}

void NextHops::read(Neighbours& neighbours) {
  alignas(nlmsghdr) std::array<char, 32768> buffer;
  for (;;) {
    const ssize_t got = mnl_socket_recvfrom(socket_.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == ENOBUFS) {  // some were lost: all over again
      ask_for_all();
      continue;
    }
    if (got <= 0) return;
    int left = static_cast<int>(got);
    for (auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data());
         mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
      if (message->nlmsg_type == RTM_NEWNEIGH) take(message, neighbours);
      // A device that was down has forgotten its neighbours, and what was asked of them.
      if (message->nlmsg_type == RTM_NEWLINK) asked_.clear();
    }
  }
}

// An entry that failed, or went, changes nothing: the last known address is the best guess.
void NextHops::take(const nlmsghdr* message, Neighbours& neighbours) {
  const auto* about = static_cast<const ndmsg*>(mnl_nlmsg_get_payload(message));
  if ((about->ndm_state & kUsable) == 0) return;
  const nlattr* found[NDA_MAX + 1] = {};
  mnl_attr_parse(message, sizeof(ndmsg), keep_known, static_cast<void*>(found));
  const nlattr* destination = found[NDA_DST];
  const nlattr* link_address = found[NDA_LLADDR];
  if (destination == nullptr || link_address == nullptr) return;
  if (mnl_attr_get_payload_len(link_address) != 6) return;
  MacAddress mac;
  std::memcpy(mac.data(), mnl_attr_get_payload(link_address), 6);
  for (size_t i = 0; i < interfaces_.size(); ++i) {
    if (static_cast<int>(interfaces_[i].host_ifindex) != about->ndm_ifindex) continue;
    neighbours.set_mac(static_cast<uint16_t>(i), address_of(destination), mac);
  }
}

}  // namespace dam
