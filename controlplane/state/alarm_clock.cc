// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/state/alarm_clock.h"

namespace dam::control {

AlarmClock::AlarmClock(std::function<void()> ring)
    : ring_(std::move(ring)), thread_([this] { run(); }) {}

AlarmClock::~AlarmClock() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void AlarmClock::set(Clock::time_point when) {
  const std::lock_guard lock(mutex_);
  when_ = when;
  changed_.notify_all();
}

void AlarmClock::clear() {
  const std::lock_guard lock(mutex_);
  when_.reset();
}

void AlarmClock::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (!when_) {
      changed_.wait(lock);
    } else if (changed_.wait_until(lock, *when_) == std::cv_status::timeout && when_ &&
               Clock::now() >= *when_) {
      when_.reset();
      lock.unlock();
      ring_();
      lock.lock();
    }
  }
}

}  // namespace dam::control
