// SPDX-License-Identifier: BSD-3-Clause
// Random policies of the wide small site, by number; number 0 limits nothing.
#pragma once

#include <cstdint>

#include "tests/unit/engine/small_site.h"

namespace dam::test {

inline constexpr uint8_t kHeavyZone = 3;
inline const dam_address kAllowed = v4(198, 51, 100, 70);
inline const dam_address kAllowedV6 = v6(0x53, 1);
inline const dam_address kDenied = v4(203, 0, 113, 9);
inline const dam_address kDeniedV6 = v6(0x52, 9);
inline const dam_address kDeniedAndAllowed = v4(203, 0, 113, 10);

Policy policy_of(const Policy& draft, uint32_t number);

}  // namespace dam::test
