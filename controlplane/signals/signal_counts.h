// SPDX-License-Identifier: BSD-3-Clause
// How much of a rule each source has had, of one server: a table of fixed size. Where it is full,
// whoever has been quiet for longest is forgotten, so that strangers' addresses, however many, push
// out nobody who is near a limit. Time is handed in.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "controlplane/policy/address.h"
#include "controlplane/policy/quantity.h"

namespace dam::control {

// A token bucket (GCRA): whether one more, at now_ns, is within the rate; takes it if so.
bool take_one(const Rate& rate, uint64_t now_ns, uint64_t& tat_ns);

class SignalCounts {
 public:
  static constexpr size_t kSources = 16'384;

  explicit SignalCounts(size_t sources = kSources);

  // One more of the source; true when that is over the rate. `anew`: then the source begins anew.
  bool exceeds(uint32_t rule, const Network& source, const Rate& rate, uint64_t now_ns,
               bool anew = true);

 private:
  static constexpr size_t kWays = 8;
  struct Entry {
    std::array<uint64_t, 2> address{};
    uint64_t tat_ns = 0;  // 0: nobody's
    uint32_t rule = 0;
    uint16_t bits = 0;
    bool v6 = false;
  };
  Entry& entry_of(uint32_t rule, const Network& source);

  std::array<uint64_t, 2> secret_;  // who does not know it cannot aim at a place
  std::vector<Entry> entries_;
};

}  // namespace dam::control
