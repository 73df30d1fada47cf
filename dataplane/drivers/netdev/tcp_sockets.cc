// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/netdev/tcp_sockets.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>

namespace dam {
namespace {

// "0100007F": words of the host's byte order, each as one hexadecimal number.
std::string address_in(const std::string& hex) {
  uint32_t words[4] = {};
  for (size_t i = 0; i * 8 < hex.size(); ++i) {
    words[i] = static_cast<uint32_t>(std::strtoul(hex.substr(i * 8, 8).c_str(), nullptr, 16));
  }
  char text[INET6_ADDRSTRLEN] = {};
  const bool v4 = hex.size() == 8;
  const bool mapped = !v4 && words[0] == 0 && words[1] == 0 && words[2] == htonl(0xffff);
  if (v4 || mapped) {
    inet_ntop(AF_INET, &words[mapped ? 3 : 0], text, sizeof text);
  } else {
    inet_ntop(AF_INET6, words, text, sizeof text);
  }
  return text;
}

// sl local_address rem_address st tx:rx tr:when retransmits uid timeout inode …
std::optional<TcpSocket> socket_in(const std::string& line) {
  constexpr char kEstablished[] = "01";
  constexpr char kListen[] = "0A";
  std::istringstream fields(line);
  std::string number, local, remote, state, queues, timer, retransmits, user, timeout;
  TcpSocket socket;
  fields >> number >> local >> remote >> state >> queues >> timer >> retransmits >> user >>
      timeout >> socket.inode;
  const size_t colon = local.find(':');
  if (colon != 8 && colon != 32) return std::nullopt;
  socket.address = address_in(local.substr(0, colon));
  socket.port = static_cast<uint16_t>(std::strtoul(local.c_str() + colon + 1, nullptr, 16));
  socket.listens = state == kListen;
  socket.established = state == kEstablished;
  return socket;
}

}  // namespace

std::vector<TcpSocket> tcp_sockets_in(const std::string& text) {
  std::vector<TcpSocket> all;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (auto socket = socket_in(line)) all.push_back(std::move(*socket));
  }
  return all;
}

std::vector<TcpSocket> tcp_sockets() {
  std::ostringstream text;
  for (const char* file : {"/proc/self/net/tcp", "/proc/self/net/tcp6"}) {
    const std::ifstream in(file);
    if (in) text << in.rdbuf();
    text.clear();  // an empty file fails the stream
  }
  return tcp_sockets_in(text.str());
}

}  // namespace dam
