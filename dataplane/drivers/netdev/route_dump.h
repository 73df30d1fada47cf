// SPDX-License-Identifier: BSD-3-Clause
// What the kernel lists by rtnetlink: links, addresses, routes, neighbours.
#pragma once

#include <libmnl/libmnl.h>

#include <cstdint>
#include <functional>
#include <memory>

namespace dam {

struct CloseNetlink {
  void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};
using RouteSocket = std::unique_ptr<mnl_socket, CloseNetlink>;

inline constexpr size_t kNetlinkBytes = 32768;  // of a datagram, at most

// Throws std::system_error.
RouteSocket open_route_socket();

// Shows each message of a dump (RTM_GETLINK, RTM_GETADDR, …) of a family, AF_UNSPEC: of all. One
// that changed meanwhile is asked for again, so that nothing is shown twice. Throws
// std::system_error.
void dump_route(uint16_t type, uint8_t family, const std::function<void(const nlmsghdr*)>& take);

}  // namespace dam
