// SPDX-License-Identifier: BSD-3-Clause
// Which sources have the most packets, octets, connections and violations, and which fingerprints
// the most ClientHellos, over the last 10 to 20 seconds: two sketches for each, the running one and
// the one before it. Proven sources alone: whose address may be forged is nobody to blame. IPv6 by
// /64, since who has one has all of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/core/counters.h"
#include "dataplane/core/sight.h"
#include "dataplane/engine/ja4.h"
#include "dataplane/ipc/dam.pb.h"
#include "dataplane/process/heavy_hitters.h"

namespace dam {

class Top {
 public:
  explicit Top(const AddressHash& hash);

  void take(const dam_sight& sight);
  void take(const Ja4& ja4);
  void tick(uint64_t now_ns);
  // Returns what is wrong; empty: it is answered.
  std::string answer(const v1::TopQuery& query, uint64_t now_ns, v1::Top& to) const;

 private:
  static constexpr uint64_t kWindowNs = 10'000'000'000;
  enum Measure : uint8_t {
#define X(name, text) name,
    DAM_TOP_MEASURES(X)
#undef X
        kMeasures
  };
  struct Window {
    explicit Window(const AddressHash& hash) : of(kMeasures, HeavyHitters(hash)) {}
    std::vector<HeavyHitters> of;     // a fingerprint has as many octets as an address
    uint64_t begun_ns = 0;            // 0: never
    bool violations_sampled = false;  // there were more than are all told
  };

  Window running_, before_;
};

}  // namespace dam
