// SPDX-License-Identifier: BSD-3-Clause
// A token bucket as the textbooks have it: tokens that fill up with time, in floating point. What
// the engine's GCRA is held against.
#pragma once

#include <algorithm>
#include <cstdint>

namespace dam::simulation {

class ReferenceBucket {
 public:
  ReferenceBucket(double per_second, double burst)
      : per_second_(per_second), burst_(burst), tokens_(burst) {}

  double tokens(uint64_t now_ns) {
    const double seconds = static_cast<double>(now_ns - last_ns_) / 1e9;
    tokens_ = last_ns_ == 0 ? burst_ : std::min(burst_, tokens_ + seconds * per_second_);
    last_ns_ = now_ns;
    return tokens_;
  }
  void take(uint64_t now_ns, double units) { tokens_ = tokens(now_ns) - units; }
  // The engine counts in whole nanoseconds and rounds up, by at most 0.03 %.
  double slack() const { return 0.01 + burst_ * 0.001; }

 private:
  double per_second_;
  double burst_;
  double tokens_;
  uint64_t last_ns_ = 0;
};

}  // namespace dam::simulation
