// SPDX-License-Identifier: BSD-3-Clause
// Mean and spread of numbers, and of the gaps between moments, without keeping them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "controlplane/lookalikes/features.h"

namespace dam::control {

// Welford's (1962).
class Moments {
 public:
  void add(double value) {
    ++count_;
    const double before = value - mean_;
    mean_ += before / static_cast<double>(count_);
    squares_ += before * (value - mean_);
  }
  uint64_t count() const { return count_; }
  double mean() const { return count_ == 0 ? kNoValue : mean_; }
  double deviation() const {
    return count_ < 2 ? kNoValue : std::sqrt(squares_ / static_cast<double>(count_));
  }

 private:
  uint64_t count_ = 0;
  double mean_ = 0;
  double squares_ = 0;
};

// Moments as they come: what comes late (a connection is told of when it ends) is as far from the
// last one as if it had come in time.
class Pulse {
 public:
  static constexpr int64_t kBurst_ms = 300;

  void add(int64_t at_ms) {
    if (count_++ > 0) {
      const int64_t gap_ms = std::abs(at_ms - last_ms_);
      gaps_.add(static_cast<double>(gap_ms));
      bursts_ += gap_ms <= kBurst_ms ? 1 : 0;
    }
    last_ms_ = at_ms;
  }
  // Where there was no second one the gap is at least the time that was looked at.
  double gap_ms(int64_t looked_at_ms) const {
    return gaps_.count() == 0 ? static_cast<double>(looked_at_ms) : gaps_.mean();
  }
  double jitter() const {
    return gaps_.count() < 2 ? kNoValue : gaps_.deviation() / std::max(gaps_.mean(), 1.0);
  }
  double bursts() const {
    return gaps_.count() == 0 ? kNoValue
                              : static_cast<double>(bursts_) / static_cast<double>(gaps_.count());
  }

 private:
  uint64_t count_ = 0;
  uint64_t bursts_ = 0;
  int64_t last_ms_ = 0;
  Moments gaps_;
};

}  // namespace dam::control
