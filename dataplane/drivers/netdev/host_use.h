// SPDX-License-Identifier: BSD-3-Clause
// What the host itself does with its network devices, and what it has of what DPDK wants.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dam {

struct HostUse {
  std::vector<std::string> addresses;  // as text, without prefix; link-local ones left out
  bool default_route = false;
};

// As it is now; what is still to come: host_configuration.h.
HostUse use_by_host(const std::string& device);

uint64_t free_hugepage_bytes();
std::vector<uint32_t> allowed_cpus();  // of this process

}  // namespace dam
