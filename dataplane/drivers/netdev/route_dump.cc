// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/netdev/route_dump.h"

#include <linux/rtnetlink.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <vector>

namespace dam {
namespace {

constexpr int kTries = 5;

using Message = std::vector<uint8_t>;

[[noreturn]] void dump_failed(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

int keep_copy(const nlmsghdr* message, void* into) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(message);
  static_cast<std::vector<Message>*>(into)->emplace_back(bytes, bytes + message->nlmsg_len);
  return MNL_CB_OK;
}

void ask(const RouteSocket& socket, uint16_t type, uint8_t family) {
  alignas(nlmsghdr) std::array<char, 64> buffer{};
  nlmsghdr* question = mnl_nlmsg_put_header(buffer.data());
  question->nlmsg_type = type;
  question->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  // Each kind's header begins with the family, and none is longer than a link's.
  auto* header = static_cast<uint8_t*>(mnl_nlmsg_put_extra_header(question, sizeof(ifinfomsg)));
  header[0] = family;
  if (mnl_socket_sendto(socket.get(), question, question->nlmsg_len) < 0) dump_failed("netlink");
}

// False: the list changed while it was told (NLM_F_DUMP_INTR).
bool hear(const RouteSocket& socket, std::vector<Message>& messages) {
  alignas(nlmsghdr) std::array<char, kNetlinkBytes> buffer{};
  int more = MNL_CB_OK;
  while (more > MNL_CB_STOP) {
    const ssize_t got = mnl_socket_recvfrom(socket.get(), buffer.data(), buffer.size());
    if (got < 0) dump_failed("netlink");
    more = mnl_cb_run(buffer.data(), static_cast<size_t>(got), 0,
                      mnl_socket_get_portid(socket.get()), keep_copy, &messages);
  }
  if (more < 0 && errno != EINTR) dump_failed("netlink");
  return more == MNL_CB_STOP;
}

}  // namespace

RouteSocket open_route_socket() {
  RouteSocket socket(mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC));
  if (socket == nullptr || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) {
    dump_failed("A netlink socket");
  }
  return socket;
}

void dump_route(uint16_t type, uint8_t family, const std::function<void(const nlmsghdr*)>& take) {
  std::vector<Message> messages;
  for (int i = 0; i < kTries; ++i) {
    const RouteSocket socket = open_route_socket();  // with nothing left of the try before
    messages.clear();
    ask(socket, type, family);
    if (hear(socket, messages)) break;
  }
  for (const Message& one : messages) take(reinterpret_cast<const nlmsghdr*>(one.data()));
}

}  // namespace dam
