// SPDX-License-Identifier: BSD-3-Clause
// Calls a function, in a thread of its own, when its time has come.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

namespace dam::control {

class AlarmClock {
 public:
  using Clock = std::chrono::steady_clock;

  explicit AlarmClock(std::function<void()> ring);
  ~AlarmClock();
  AlarmClock(const AlarmClock&) = delete;
  AlarmClock& operator=(const AlarmClock&) = delete;

  void set(Clock::time_point when);
  void clear();  // ring() may be running already

 private:
  void run();

  const std::function<void()> ring_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Clock::time_point> when_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace dam::control
