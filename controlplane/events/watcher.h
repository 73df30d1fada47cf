// SPDX-License-Identifier: BSD-3-Clause
// Looks at the dam twice a second, and writes down what has changed.
#pragma once

#include <functional>

#include "controlplane/events/changes.h"
#include "controlplane/state/alarm_clock.h"

namespace dam::control {

class Watcher {
 public:
  // `look` is called in a thread of the watcher.
  Watcher(EventLog& log, std::function<Scene()> look);

 private:
  void round();

  EventLog& log_;
  const std::function<Scene()> look_;
  Throttle throttle_;
  Scene before_;
  AlarmClock alarm_;  // last: its thread uses all of the above
};

}  // namespace dam::control
