// SPDX-License-Identifier: BSD-3-Clause
// How one source behaved in one window.
#pragma once

#include <cstdint>
#include <vector>

#include "controlplane/lookalikes/features.h"
#include "controlplane/policy/address.h"

namespace dam::control {

struct BehaviourRow {
  Network source;
  int64_t begun_unix_s = 0;
  uint64_t requests = 0;
  uint64_t connections = 0;
  Behaviour behaviour{};
};
using BehaviourRows = std::vector<BehaviourRow>;

// One lies in the other: under an earlier policy a source may have been more than it is now.
inline bool overlap(const Network& one, const Network& other) {
  return one.prefix_bits >= other.prefix_bits ? other.contains(one.address)
                                              : one.contains(other.address);
}

}  // namespace dam::control
