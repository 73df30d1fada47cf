// SPDX-License-Identifier: BSD-3-Clause
// What has happened between two looks at the dam. A pure function and a throttle: the looks are
// handed in, and nothing of it costs the packet path anything.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controlplane/bans/ban_counts.h"
#include "controlplane/events/event_log.h"
#include "dataplane/core/counters.h"

namespace dam::control {

// One look.
struct Scene {
  bool connected = false;  // to the dataplane
  std::string trouble;
  int64_t version = 0;  // of the policy that runs; 0: none
  std::string author;
  std::string comment;
  bool unconfirmed = false;
  std::shared_ptr<const dam_counters> counters;  // null: there are none
  EndedByOrigin ended_bans;                      // whose time was over, so far
};

// Counts are differences of counters: of a dataplane that was started in between they are what it
// has counted since.
std::vector<Event> events_between(const Scene& before, const Scene& now);

// Of what strangers can cause at most one event for a kind, subject and reason in `pause_s`; what
// was held back is in the count of the next. Bounded by the names there are: zones and drop
// reasons.
class Throttle {
 public:
  explicit Throttle(int64_t pause_s) : pause_s_(pause_s) {}

  // Those of `events` that are due at `now_s`, a clock that only counts up, and those that were
  // held back and are due by now.
  std::vector<Event> pass(std::vector<Event> events, int64_t now_s);

 private:
  struct Held {
    Event event;
    uint64_t count = 0;  // held back since the last one
    int64_t due_s = 0;
  };
  using Key = std::pair<EventKind, std::pair<std::string, std::string>>;

  const int64_t pause_s_;
  std::map<Key, Held> held_;
};

}  // namespace dam::control
