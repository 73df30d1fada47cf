// SPDX-License-Identifier: BSD-3-Clause
// What systemd asks of a service of Type=notify (sd_notify(3), sd_watchdog_enabled(3)). Where
// nobody asks, nothing happens.
#pragma once

#include <chrono>
#include <string>

namespace dam {

class ServiceManager {
 public:
  // Before any fork: the watchdog is asked of the first process, and its child answers.
  ServiceManager();

  // Until it is ready: what it waits for. Said again only where it has changed.
  void waits(const std::string& status);
  void ready(const std::string& status);
  bool is_ready() const { return ready_; }
  // Ports are being opened, which may take its time: the time to become ready begins anew.
  static void opening();
  static void stopping();
  // Half of the watchdog's time is over since the last alive().
  bool wants_to_hear(std::chrono::steady_clock::time_point now) const;
  void alive(std::chrono::steady_clock::time_point now);

 private:
  std::chrono::microseconds watchdog_{0};  // 0: not asked for
  std::chrono::steady_clock::time_point heard_;
  bool ready_ = false;
  std::string waits_for_;
};

}  // namespace dam
