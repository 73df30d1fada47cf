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

}  // namespace dam::control
