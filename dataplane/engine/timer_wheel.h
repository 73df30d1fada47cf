// SPDX-License-Identifier: BSD-3-Clause
// A hashed timing wheel (G. Varghese, T. Lauck, "Hashed and hierarchical timing wheels", 1987) of
// ids, 8 bytes each, for one worker. An id never fires before its deadline unless that lies beyond
// the horizon: then it fires at the horizon, and its owner looks and schedules it again.
#pragma once

#include <bit>
#include <cstdint>

#include "dataplane/engine/big_array.h"

namespace dam {

class TimerWheel {
 public:
  // The tick is rounded down to a power of two; slots are added so that the horizon is kept.
  TimerWheel(uint32_t ids, uint64_t tick_ns, uint32_t slots, uint64_t now_ns = 0);

  // Moves the id if it is scheduled already. A deadline in the past fires with the next tick.
  void schedule(uint32_t id, uint64_t deadline_ns);
  void cancel(uint32_t id);
  bool scheduled(uint32_t id) const;

  // Fires at most `budget` ids that are due, the oldest slots first; the others wait for the next
  // call. fire(id) may schedule and cancel any id, its own too. Returns how many were fired.
  template <class F>
  uint32_t advance(uint64_t now_ns, uint32_t budget, F&& fire);

  uint64_t now() const { return tick_ << shift_; }  // start of the last tick reached
  uint64_t tick_ns() const { return uint64_t{1} << shift_; }
  uint64_t horizon_ns() const { return uint64_t{slots_ - 1} << shift_; }
  std::size_t bytes() const { return links_.bytes(); }

 private:
  struct Link {
    uint32_t next;
    uint32_t prev;
  };
  static_assert(sizeof(Link) == 8);

  uint32_t ids_;
  uint32_t shift_;
  uint32_t slots_;
  uint64_t tick_;
  BigArray<Link> links_;  // the ids, then a list head for each slot, then the head of what is due
};

}  // namespace dam
