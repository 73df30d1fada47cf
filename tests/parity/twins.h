// SPDX-License-Identifier: BSD-3-Clause
// Two sites that get the same frames: one is the engine alone, the other has the kernel's plane
// before its engine. After each step all that anybody can see of them must be equal.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/unit/engine/small_site.h"

namespace dam::test {

// Two frames or states that ought to be equal, in words; empty: they are.
using Difference = std::string;

// What a site has done and how it stands.
struct Outcome {
  std::vector<Seen> seen;
  dam_worker_counters counted;  // in this step
};

class Twins {
 public:
  Twins();
  // What went out, of both alike; the difference stays noted for whoever asks.
  std::vector<Seen> send(uint8_t port, const std::vector<uint8_t>& frame);
  std::vector<Seen> advance(uint64_t duration_ns);
  void apply(const Policy& policy);
  void rotate_secret(uint64_t fresh);
  void learn(uint16_t server_slot, const LearnedOptions& options);

  Policy draft() const { return engine_alone_.draft(); }
  uint64_t now_ns() const { return engine_alone_.now_ns(); }
  const Difference& difference() const { return difference_; }

 private:
  template <class F>
  std::vector<Seen> step(const std::vector<uint8_t>* frame, uint8_t port, F&& act);
  Difference compare(const std::vector<uint8_t>* frame, uint8_t port, Outcome& alone,
                     Outcome& kernel);
  Difference left_to_host(const std::vector<uint8_t>& frame, uint8_t port, const Outcome& alone,
                          const Outcome& kernel);
  Difference refused_front(const std::vector<uint8_t>& frame, Outcome& alone,
                           const Outcome& kernel);
  Difference compare_tables();
  bool hosts_reason(const std::vector<uint8_t>& frame, uint8_t port, dam_drop_reason reason);

  SmallSite engine_alone_, behind_kernel_;
  Difference difference_;
};

// state.cc
Difference compare_flows(const SharedTables& alone, const SharedTables& kernel);
Difference compare_sources(const SharedTables& alone, const SharedTables& kernel, uint64_t now_ns);
Difference compare_counts(const dam_worker_counters& alone, const dam_worker_counters& kernel);
Difference compare_totals(const SharedTables& alone, const SharedTables& kernel, uint64_t now_ns);
// The live entry of an address in a zone, or null.
dam_source_entry* source_of(const SharedTables& tables, const dam_address& prefix, uint32_t zone);

}  // namespace dam::test
