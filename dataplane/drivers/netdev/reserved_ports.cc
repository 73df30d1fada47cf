// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/netdev/reserved_ports.h"

#include <bitset>
#include <fstream>
#include <sstream>

namespace dam {
namespace {

constexpr char kRange[] = "/proc/sys/net/ipv4/ip_local_port_range";
constexpr char kReserved[] = "/proc/sys/net/ipv4/ip_local_reserved_ports";

std::bitset<65536> bits_of(const std::string& reserved) {
  std::bitset<65536> bits;
  std::istringstream list(reserved);
  for (std::string part; std::getline(list, part, ',');) {
    std::istringstream ends(part);
    uint32_t first = 0;
    if (!(ends >> first)) continue;
    uint32_t last = first;
    if (ends.get() == '-') ends >> last;
    for (uint32_t port = first; port <= last && port < bits.size(); ++port) bits.set(port);
  }
  return bits;
}

}  // namespace

std::optional<Ports> ephemeral_ports() {
  std::ifstream file(kRange);
  Ports ports;
  if (!(file >> ports.first >> ports.last)) return std::nullopt;
  return ports;
}

std::optional<std::string> reserved_ports() {
  std::ifstream file(kReserved);
  if (!file) return std::nullopt;
  std::string text;
  std::getline(file, text);
  return text;
}

bool set_reserved_ports(const std::string& reserved) {
  std::ofstream file(kReserved);
  file << reserved << '\n';
  file.close();
  return !file.fail();
}

std::string with_ports(const std::string& reserved, Ports more) {
  const std::string range = std::to_string(more.first) + "-" + std::to_string(more.last);
  return reserved.empty() ? range : reserved + "," + range;
}

std::string without_ports(const std::string& reserved, Ports fewer) {
  auto bits = bits_of(reserved);
  for (uint32_t port = fewer.first; port <= fewer.last; ++port) bits.reset(port);
  std::string text;
  for (uint32_t port = 0; port < bits.size(); ++port) {
    if (!bits[port]) continue;
    const uint32_t first = port;
    while (port + 1 < bits.size() && bits[port + 1]) ++port;
    text += (text.empty() ? "" : ",") + std::to_string(first);
    if (port != first) text += "-" + std::to_string(port);
  }
  return text;
}

uint32_t count_free(Ports ephemeral, const std::string& reserved) {
  const auto bits = bits_of(reserved);
  uint32_t free = 0;
  for (uint32_t port = ephemeral.first; port <= ephemeral.last; ++port) free += !bits[port];
  return free;
}

bool overlap(Ports a, Ports b) { return a.first <= b.last && b.first <= a.last; }

}  // namespace dam
