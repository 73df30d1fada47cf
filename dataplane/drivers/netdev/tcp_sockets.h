// SPDX-License-Identifier: BSD-3-Clause
// The host's own TCP sockets, of this network namespace.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dam {

struct TcpSocket {
  std::string address;  // of this host, as text; of an IPv4 peer of an IPv6 socket, IPv4
  uint16_t port = 0;
  bool listens = false;
  bool established = false;
  uint64_t inode = 0;
};

std::vector<TcpSocket> tcp_sockets();

// Of a text as /proc/net/tcp and tcp6 have it; lines that are none are left out.
std::vector<TcpSocket> tcp_sockets_in(const std::string& text);

}  // namespace dam
