// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/netdev/host_use.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace dam {
namespace {

constexpr char kHugepagesFolder[] = "/sys/kernel/mm/hugepages";

// Empty: nothing that somebody gave it.
std::string text_of(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address != nullptr && address->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
  }
  if (address != nullptr && address->sa_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
    if (IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr)) return {};
    inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
  }
  return text;
}

// Interface Destination Gateway Flags RefCnt Use Metric Mask …
bool has_default_v4(const std::string& device) {
  std::ifstream routes("/proc/self/net/route");
  for (std::string line; std::getline(routes, line);) {
    std::istringstream fields(line);
    std::string interface, destination, gateway, flags, references, uses, metric, mask;
    fields >> interface >> destination >> gateway >> flags >> references >> uses >> metric >> mask;
    if (interface == device && destination == "00000000" && mask == "00000000") return true;
  }
  return false;
}

// Destination Length Source Length NextHop Metric RefCnt Use Flags Interface. The kernel keeps one
// on the loopback device that refuses.
bool has_default_v6(const std::string& device) {
  constexpr unsigned long kReject = 0x200;  // RTF_REJECT
  std::ifstream routes("/proc/self/net/ipv6_route");
  for (std::string line; std::getline(routes, line);) {
    std::istringstream fields(line);
    std::string destination, length, skipped, flags, interface;
    fields >> destination >> length;
    for (int i = 0; i < 6; ++i) fields >> skipped;
    fields >> flags >> interface;
    if (interface != device || length != "00") continue;
    if ((std::strtoul(flags.c_str(), nullptr, 16) & kReject) == 0) return true;
  }
  return false;
}

}  // namespace

HostUse use_by_host(const std::string& device) {
  HostUse use;
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) == 0) {
    for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
      const std::string text = device == one->ifa_name ? text_of(one->ifa_addr) : "";
      if (!text.empty()) use.addresses.push_back(text);
    }
    freeifaddrs(all);
  }
  use.default_route = has_default_v4(device) || has_default_v6(device);
  return use;
}

uint64_t free_hugepage_bytes() {
  uint64_t bytes = 0;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(kHugepagesFolder, ignored)) {
    // hugepages-2048kB
    const std::string name = entry.path().filename();
    const uint64_t kib = std::strtoull(name.c_str() + name.find('-') + 1, nullptr, 10);
    uint64_t free_pages = 0;
    std::ifstream(entry.path() / "free_hugepages") >> free_pages;
    bytes += kib * 1024 * free_pages;
  }
  return bytes;
}

std::vector<uint32_t> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<uint32_t> cpus;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return {0};
  for (uint32_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

}  // namespace dam
