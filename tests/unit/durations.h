// SPDX-License-Identifier: BSD-3-Clause
// What tests of time count in: nanoseconds.
#pragma once

#include <cstdint>

namespace dam {

inline constexpr uint64_t kMillisecond = 1'000'000;
inline constexpr uint64_t kSecond = 1'000 * kMillisecond;

}  // namespace dam
