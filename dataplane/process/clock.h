// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>

namespace dam {

// What the kernel's plane reads, too. By the vDSO: the time stamp counter, held to the true pace by
// the kernel; no system call.
inline uint64_t monotonic_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<uint64_t>(std::chrono::nanoseconds(now).count());
}

// Ends that outlast this machine's run.
inline uint64_t unix_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<uint64_t>(
      std::chrono::milliseconds(std::chrono::duration_cast<std::chrono::milliseconds>(now))
          .count());
}

}  // namespace dam
