// SPDX-License-Identifier: BSD-3-Clause
// Refusals as the planes tell them.
#pragma once

#include "dataplane/core/sight.h"

namespace dam {

inline constexpr uint64_t kSecond = 1'000'000'000;
inline constexpr uint8_t kRefusingZone = 3;

inline dam_sight refused(uint32_t source, uint8_t reason, uint64_t at_ns, bool proven = true,
                         uint32_t weight = 1) {
  dam_sight sight{};
  sight.client = dam_address_v4(source);
  sight.reason = reason;
  sight.at_ns = at_ns;
  sight.weight = weight;
  sight.zone = kRefusingZone;
  sight.flags = proven ? DAM_SIGHT_PROVEN : 0;
  return sight;
}

}  // namespace dam
