// SPDX-License-Identifier: BSD-3-Clause
// What systemd asks of a service of Type=notify (sd_notify(3), sd_watchdog_enabled(3)). Where
// nobody asks, nothing happens.
#pragma once

#include <chrono>
#include <string>

namespace dam::control {

class ServiceManager {
 public:
  // The watchdog hears from us as long as the API answers there.
  explicit ServiceManager(std::string api_socket);

  static void ready(const std::string& status);
  static void reloading();
  static void stopping();
  // How long to wait before answer_watchdog() is due; a long time where nobody asks.
  std::chrono::nanoseconds interval() const { return interval_; }
  void answer_watchdog() const;

 private:
  std::string api_socket_;
  std::chrono::nanoseconds interval_ = std::chrono::hours(24);
};

}  // namespace dam::control
