// SPDX-License-Identifier: BSD-3-Clause
// What systemd asks of a service of Type=notify (sd_notify(3), sd_watchdog_enabled(3)). Where
// nobody asks, nothing happens.
#pragma once

#include <time.h>

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
  // How long until the watchdog wants to hear; a long time where nobody asks.
  timespec until_asked() const;
  void answer_when_asked();

 private:
  std::string api_socket_;
  std::chrono::nanoseconds interval_ = std::chrono::hours(24);
  std::chrono::steady_clock::time_point next_;
};

}  // namespace dam::control
