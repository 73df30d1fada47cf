// SPDX-License-Identifier: BSD-3-Clause
// The policies under which the benchmarks run: one listener, some servers, many names, every bucket
// set.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/core/packet.h"
#include "dataplane/engine/policy.h"

namespace dam::bench {

// How large the site is: what a packet's cost may grow with.
struct Sizes {
  uint32_t flows = 1'000'000;  // of each worker
  uint32_t workers = 1;
  uint32_t zones = 1;  // by the client's address; at most 61
  uint32_t names = 100;
  uint32_t denied = 1'000'000;  // CIDRs, in the scene that is about them
  uint32_t bans = 0;            // of operators, of other sources
  uint32_t rings = 200;         // of frames that each worker is timed for, where there are several
};

struct SiteOptions {
  uint64_t version = 1;
  uint64_t source_packets_milli = 0;  // a second, in thousandths; 0: more than any packet here asks
  bool totals = true;                 // buckets that all sources share
  bool one_source = false;            // all clients count as one
  bool requests = false;              // counted by the records of connections that begin now
  std::span<const SourcePrefix> deny{};
};

// A server has 64,000 ports for each of the dam's addresses.
uint32_t servers_for(uint32_t flows);
Limits site_limits(uint32_t live_flows);
std::vector<Interface> site_interfaces();
std::shared_ptr<const Policy> site_policy(const Sizes& sizes, const SiteOptions& options);

// One of the names that every route serves.
inline constexpr char kServedName[] = "page7.service.example";

// `count` IPv4 prefixes of /24 to /32, at random over the whole address space, as threat lists are.
// They are looked up in memory and never sent anywhere; those of the benchmark's clients are left
// out.
std::vector<SourcePrefix> random_prefixes(uint32_t count);

}  // namespace dam::bench
