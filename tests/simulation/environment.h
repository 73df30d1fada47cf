// SPDX-License-Identifier: BSD-3-Clause
// What every part of a run works with: virtual time, the seed's chance, the trace, and where a
// broken promise is told.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulation/random.h"
#include "tests/simulation/trace.h"

namespace dam::simulation {

inline constexpr uint64_t kMs = 1'000'000;
inline constexpr uint64_t kSecond = 1'000 * kMs;

// Virtual time: it stands still while something happens, and then is what the next thing wants.
// Things of one moment happen in the order in which they were asked for.
class EventQueue {
 public:
  using Action = std::function<void()>;

  uint64_t now_ns() const { return now_ns_; }
  void after(uint64_t delay_ns, Action action) {
    events_.push({now_ns_ + delay_ns, ++asked_, std::move(action)});
  }
  // False: nothing is left to happen.
  bool run_next() {
    if (events_.empty()) return false;
    Action action = std::move(const_cast<Event&>(events_.top()).action);
    now_ns_ = events_.top().at_ns;
    events_.pop();
    action();
    return true;
  }

 private:
  struct Event {
    uint64_t at_ns;
    uint64_t order;
    Action action;
    bool operator<(const Event& other) const {
      return at_ns != other.at_ns ? at_ns > other.at_ns : order > other.order;
    }
  };
  std::priority_queue<Event> events_;
  uint64_t now_ns_ = 0;
  uint64_t asked_ = 0;
};

struct Environment {
  Environment(uint64_t seed, bool prints) : random(seed), trace(prints) {}

  EventQueue queue;
  Random random;
  Trace trace;

  uint64_t now_ns() const { return queue.now_ns(); }
  // A promise is broken. The first one counts: what follows may come from it.
  void broken(const std::string& what) {
    trace.say(now_ns(), "BROKEN: " + what);
    if (finding_.empty()) finding_ = what;
  }
  const std::string& finding() const { return finding_; }

 private:
  std::string finding_;
};

}  // namespace dam::simulation
