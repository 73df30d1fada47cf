// SPDX-License-Identifier: BSD-3-Clause
// What the logs are made of: the control plane's events, as they come, and what the dataplane tells
// of connections and refusals, each second.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "controlplane/events/event_log.h"
#include "controlplane/logs/logs.h"
#include "controlplane/state/alarm_clock.h"
#include "dataplane/ipc/dam.pb.h"

namespace dam::control {

class LogFeed {
 public:
  // `ask`: the dataplane; nothing where it does not answer. `policy`: the one that runs, or null.
  using Ask = std::function<std::optional<v1::Reply>(const v1::Request&)>;
  // Somebody else who hears what the dataplane tells; it is asked for him too, where no line is
  // written.
  struct Listener {
    std::function<bool()> wants;
    std::function<void(const v1::Log&)> take;
  };
  LogFeed(Logs& logs, const EventLog& events, Ask ask,
          std::function<std::shared_ptr<const Policy>()> policy, Listener listener = {});
  ~LogFeed();
  LogFeed(const LogFeed&) = delete;
  LogFeed& operator=(const LogFeed&) = delete;

 private:
  void run();
  void take_events();
  void round();
  void take_records(bool with_connections);

  Logs& logs_;
  const EventLog& events_;
  const Ask ask_;
  const std::function<std::shared_ptr<const Policy>()> policy_;
  const Listener listener_;
  std::atomic<bool> stopping_{false};
  int64_t heard_ = 0;  // number of the last event
  std::thread thread_;
  AlarmClock alarm_;  // last: its thread uses the above
};

}  // namespace dam::control
