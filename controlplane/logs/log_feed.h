// SPDX-License-Identifier: BSD-3-Clause
// What the logs are made of: the control plane's events, as they come.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "controlplane/events/event_log.h"
#include "controlplane/logs/logs.h"
#include "controlplane/state/alarm_clock.h"

namespace dam::control {

class LogFeed {
 public:
  // `policy`: the one that runs, or null.
  LogFeed(Logs& logs, const EventLog& events,
          std::function<std::shared_ptr<const Policy>()> policy);
  ~LogFeed();
  LogFeed(const LogFeed&) = delete;
  LogFeed& operator=(const LogFeed&) = delete;

 private:
  void run();
  void take_events();
  void round();

  Logs& logs_;
  const EventLog& events_;
  const std::function<std::shared_ptr<const Policy>()> policy_;
  std::atomic<bool> stopping_{false};
  int64_t heard_ = 0;  // number of the last event
  std::thread thread_;
  AlarmClock alarm_;  // last: its thread uses the above
};

}  // namespace dam::control
