// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/netdev/nic_use.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>
#include <vector>

#include "dataplane/drivers/netdev/host_use.h"

namespace dam {
namespace {

struct Connection {
  std::string address;  // of this host, as text
  uint16_t port = 0;
  bool listens = false;
};

// "0100007F:0016": words of the host's byte order, each as one hexadecimal number.
std::string address_of(const std::string& hex) {
  uint32_t words[4] = {};
  for (size_t i = 0; i < 4 && i * 8 < hex.size(); ++i) {
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

// sl local_address rem_address st …
std::vector<Connection> connections(const char* file) {
  constexpr char kEstablished[] = "01";
  constexpr char kListen[] = "0A";
  std::vector<Connection> all;
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string number, local, remote, state;
    fields >> number >> local >> remote >> state;
    const size_t colon = local.find(':');
    if (colon == std::string::npos || (state != kEstablished && state != kListen)) continue;
    const auto port = std::strtoul(local.c_str() + colon + 1, nullptr, 16);
    all.push_back(
        {address_of(local.substr(0, colon)), static_cast<uint16_t>(port), state == kListen});
  }
  return all;
}

}  // namespace

std::string who_is_cut_off(const std::string& interface) {
  const HostUse use = use_by_host(interface);
  std::vector<Connection> all = connections("/proc/self/net/tcp");
  const std::vector<Connection> v6 = connections("/proc/self/net/tcp6");
  all.insert(all.end(), v6.begin(), v6.end());
  std::set<uint16_t> served;
  for (const Connection& one : all) {
    if (one.listens) served.insert(one.port);
  }
  for (const Connection& one : all) {
    const bool here =
        std::find(use.addresses.begin(), use.addresses.end(), one.address) != use.addresses.end();
    if (one.listens || !here || !served.contains(one.port)) continue;
    return "somebody is connected to " + one.address + " port " + std::to_string(one.port) +
           (one.port == 22 ? " (SSH)" : "") + " by it";
  }
  return use.default_route ? "the host reaches the world by it" : "";
}

}  // namespace dam
