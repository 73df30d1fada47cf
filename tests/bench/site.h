// SPDX-License-Identifier: BSD-3-Clause
// The policies under which the benchmarks run: one listener, 32 servers, 100 names, every bucket
// set.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/core/packet.h"
#include "dataplane/engine/policy.h"

namespace dam::bench {

struct SiteOptions {
  uint64_t version = 1;
  uint64_t source_packets_milli = 0;  // a second, in thousandths; 0: more than any packet here asks
  std::span<const SourcePrefix> deny{};
};

Limits site_limits(uint32_t live_flows);
std::vector<Interface> site_interfaces();
std::shared_ptr<const Policy> site_policy(const Limits& limits, const SiteOptions& options);

// One of the names that the site's only route serves.
inline constexpr char kServedName[] = "page42.service.example";

// `count` IPv4 prefixes of /24 to /32, at random over the whole address space, as threat lists are.
// They are looked up in memory and never sent anywhere; those of the benchmark's clients are left
// out.
std::vector<SourcePrefix> random_prefixes(uint32_t count);

}  // namespace dam::bench
