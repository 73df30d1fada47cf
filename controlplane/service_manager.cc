// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/service_manager.h"

#include <httplib.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace dam::control {

namespace {

bool answers(const std::string& api_socket) {
  httplib::ClientImpl client(api_socket);
  client.set_address_family(AF_UNIX);
  client.set_connection_timeout(std::chrono::seconds(5));
  client.set_read_timeout(std::chrono::seconds(5));
  const auto answer = client.Get("/healthz");
  return answer && answer->status == 200;
}

}  // namespace

ServiceManager::ServiceManager(std::string api_socket) : api_socket_(std::move(api_socket)) {
  uint64_t within_us = 0;
  if (sd_watchdog_enabled(0, &within_us) > 0) interval_ = std::chrono::microseconds(within_us) / 3;
  next_ = std::chrono::steady_clock::now() + interval_;
}

void ServiceManager::ready(const std::string& status) {
  sd_notify(0, ("READY=1\nSTATUS=" + status).c_str());
}

void ServiceManager::reloading() { sd_notify(0, "RELOADING=1"); }

void ServiceManager::stopping() { sd_notify(0, "STOPPING=1"); }

timespec ServiceManager::until_asked() const {
  const std::chrono::nanoseconds left =
      std::max<std::chrono::nanoseconds>(next_ - std::chrono::steady_clock::now(), {});
  const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
  return {seconds.count(), (left - seconds).count()};
}

void ServiceManager::answer_when_asked() {
  if (std::chrono::steady_clock::now() < next_) return;
  if (answers(api_socket_)) sd_notify(0, "WATCHDOG=1");
  next_ = std::chrono::steady_clock::now() + interval_;
}

}  // namespace dam::control
