// SPDX-License-Identifier: BSD-3-Clause
// One function for each histogram of core/counters.h: observe_NAME(counters, value), times in
// microseconds.
#pragma once

#include <cstdint>

#include "dataplane/core/counters.h"

namespace dam {

inline constexpr uint64_t kNsOfMicrosecond = 1000;

#define X(name, first, bounds, unit, metric, text)                                 \
  inline void observe_##name(dam_worker_counters& counters, uint64_t value) {      \
    dam_observe(&counters.histograms[DAM_HISTOGRAM_##name], value, first, bounds); \
  }
DAM_HISTOGRAMS(X)
#undef X

}  // namespace dam
