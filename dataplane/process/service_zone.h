// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "dataplane/engine/policy.h"

namespace dam {

// Whoever asks: what is told of sources holds not in the way to management, nor before it is known
// which way a client takes.
inline bool is_service_zone(const Zone& zone, size_t slot) {
  constexpr size_t kFrontSlot = 0;
  return slot != kFrontSlot && !zone.management;
}

}  // namespace dam
