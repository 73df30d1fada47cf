// SPDX-License-Identifier: BSD-3-Clause
// The flow of core/flow.h under the engine's names.
#pragma once

#include <cstdint>

#include "dataplane/core/flow.h"

namespace dam {

inline constexpr uint32_t kNone = DAM_NONE;

using Flow = dam_flow;

inline uint32_t coarse(uint64_t now_ns) { return dam_coarse(now_ns); }
inline constexpr uint64_t kCoarseNs = 1ull << 20;

// References in the flow index carry the direction in the lowest bit.
inline uint32_t flow_ref(uint32_t flow, dam_direction direction) { return flow << 1 | direction; }

}  // namespace dam
