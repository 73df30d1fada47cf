// SPDX-License-Identifier: BSD-3-Clause
// A token bucket (GCRA) for each name or address, in a table of bounded size.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <unordered_map>

namespace dam::control {

class RateLimiter {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr size_t kMostKeys = 4096;  // beyond them, those that are new share one bucket

  RateLimiter(double a_second, double burst)
      : interval_(std::chrono::duration_cast<Clock::duration>(
            std::chrono::duration<double>(1 / a_second))),
        tolerance_(std::chrono::duration_cast<Clock::duration>(
            std::chrono::duration<double>((burst - 1) / a_second))) {}

  // Takes one. Zero: go on; otherwise nothing was taken, and in so long there will be one.
  Clock::duration wait(const std::string& key, Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    Clock::time_point& arrival = bucket_of(key, now);
    const Clock::time_point base = std::max(arrival, now);
    if (base - now > tolerance_) return base - now - tolerance_;
    arrival = base + interval_;
    return Clock::duration::zero();
  }

 private:
  Clock::time_point& bucket_of(const std::string& key, Clock::time_point now) {
    const auto found = arrivals_.find(key);
    if (found != arrivals_.end()) return found->second;
    if (arrivals_.size() >= kMostKeys) {
      std::erase_if(arrivals_, [now](const auto& entry) { return entry.second <= now; });
    }
    if (arrivals_.size() >= kMostKeys) return shared_;
    return arrivals_[key];
  }

  const Clock::duration interval_;
  const Clock::duration tolerance_;
  std::mutex mutex_;
  std::unordered_map<std::string, Clock::time_point> arrivals_;
  Clock::time_point shared_;
};

}  // namespace dam::control
