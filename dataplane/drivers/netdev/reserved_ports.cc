// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/netdev/reserved_ports.h"

#include <fstream>
#include <sstream>

namespace dam {
namespace {

constexpr char kRange[] = "/proc/sys/net/ipv4/ip_local_port_range";
constexpr char kReserved[] = "/proc/sys/net/ipv4/ip_local_reserved_ports";

}  // namespace

PortSet ports_in(const std::string& reserved) {
  PortSet bits;
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

std::string without_ports(const std::string& reserved, const PortSet& fewer) {
  return text_of(ports_in(reserved) & ~fewer);
}

PortSet ports_of(Ports range) {
  PortSet bits;
  for (uint32_t port = range.first; port <= range.last; ++port) bits.set(port);
  return bits;
}

PortSet ports_in(std::span<const uint64_t> words) {
  PortSet bits;
  for (uint32_t port = 0; port < bits.size() && port / 64 < words.size(); ++port) {
    bits[port] = (words[port / 64] >> port % 64 & 1) != 0;
  }
  return bits;
}

void keep_ports(std::span<uint64_t> words, const PortSet& ports) {
  for (uint32_t i = 0; i < words.size(); ++i) {
    uint64_t word = 0;
    for (uint32_t bit = 0; bit < 64; ++bit) word |= uint64_t{ports[i * 64 + bit]} << bit;
    words[i] = word;
  }
}

std::string text_of(const PortSet& bits) {
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
  const PortSet bits = ports_in(reserved);
  uint32_t free = 0;
  for (uint32_t port = ephemeral.first; port <= ephemeral.last; ++port) free += !bits[port];
  return free;
}

bool overlap(Ports a, Ports b) { return a.first <= b.last && b.first <= a.last; }

}  // namespace dam
