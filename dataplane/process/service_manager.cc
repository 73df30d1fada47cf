// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/process/service_manager.h"

#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cstdint>

namespace dam {

ServiceManager::ServiceManager() {
  uint64_t within_us = 0;
  if (sd_watchdog_enabled(0, &within_us) > 0) watchdog_ = std::chrono::microseconds(within_us);
}

void ServiceManager::waits(const std::string& status) {
  if (status == waits_for_) return;
  waits_for_ = status;
  std::string line = status;  // a line is a field of the message
  std::replace(line.begin(), line.end(), '\n', ' ');
  sd_notify(0, ("STATUS=" + line).c_str());
}

void ServiceManager::ready(const std::string& status) {
  sd_notify(0, ("READY=1\nSTATUS=" + status).c_str());
  ready_ = true;
}

void ServiceManager::opening() { sd_notify(0, "EXTEND_TIMEOUT_USEC=180000000"); }

void ServiceManager::stopping() { sd_notify(0, "STOPPING=1"); }

bool ServiceManager::wants_to_hear(std::chrono::steady_clock::time_point now) const {
  return watchdog_.count() > 0 && now - heard_ >= watchdog_ / 2;
}

void ServiceManager::alive(std::chrono::steady_clock::time_point now) {
  sd_notify(0, "WATCHDOG=1");
  heard_ = now;
}

}  // namespace dam
