// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "dataplane/core/sight.h"

namespace dam {

// Who hears what became of packets (control thread). `frame` lives as long as the call.
using SightSink = std::function<void(const dam_sight& sight, std::span<const uint8_t> frame)>;

// Packets may come faster than they are heard: who takes sights takes so many at once of a ring.
inline constexpr uint32_t kMostSightsAtOnce = 32768;

}  // namespace dam
