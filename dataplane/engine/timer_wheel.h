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

  uint32_t slot_head(uint64_t tick) const {
    return ids_ + (static_cast<uint32_t>(tick) & (slots_ - 1));
  }
  uint32_t due_head() const { return ids_ + slots_; }
  void append(uint32_t head, uint32_t id);
  void unlink(uint32_t id);
  void move_all(uint32_t from, uint32_t to);

  uint32_t ids_;
  uint32_t shift_;
  uint32_t slots_;
  uint64_t tick_;         // all slots up to this one are in the due list or empty
  BigArray<Link> links_;  // the ids, then a list head for each slot, then the head of what is due
};

inline TimerWheel::TimerWheel(uint32_t ids, uint64_t tick_ns, uint32_t slots, uint64_t now_ns)
    : ids_(ids),
      shift_(static_cast<uint32_t>(std::bit_width(tick_ns | 1)) - 1),
      slots_(static_cast<uint32_t>(
          std::bit_ceil((static_cast<uint64_t>(slots) * tick_ns >> shift_) + 2))),
      tick_(now_ns >> shift_),
      links_(std::size_t{ids} + slots_ + 1) {
  for (uint32_t i = 0; i < links_.size(); ++i) links_[i] = {i, i};
}

inline bool TimerWheel::scheduled(uint32_t id) const { return links_[id].next != id; }

inline void TimerWheel::append(uint32_t head, uint32_t id) {
  const uint32_t last = links_[head].prev;
  links_[id] = {head, last};
  links_[last].next = id;
  links_[head].prev = id;
}

inline void TimerWheel::unlink(uint32_t id) {
  const Link link = links_[id];
  links_[link.prev].next = link.next;
  links_[link.next].prev = link.prev;
  links_[id] = {id, id};
}

inline void TimerWheel::move_all(uint32_t from, uint32_t to) {
  const Link chain = links_[from];
  if (chain.next == from) return;
  const uint32_t last = links_[to].prev;
  links_[last].next = chain.next;
  links_[chain.next].prev = last;
  links_[chain.prev].next = to;
  links_[to].prev = chain.prev;
  links_[from] = {from, from};
}

inline void TimerWheel::schedule(uint32_t id, uint64_t deadline_ns) {
  const uint64_t last = tick_ + slots_ - 1;
  uint64_t tick = deadline_ns >> shift_;
  if (tick << shift_ != deadline_ns) ++tick;  // up: never early
  if (tick <= tick_) tick = tick_ + 1;
  if (tick > last) tick = last;
  unlink(id);
  append(slot_head(tick), id);
}

inline void TimerWheel::cancel(uint32_t id) { unlink(id); }

template <class F>
uint32_t TimerWheel::advance(uint64_t now_ns, uint32_t budget, F&& fire) {
  const uint64_t target = now_ns >> shift_;
  if (target > tick_) {
    // After a jump over the whole wheel every slot is due; the order among them still holds.
    const uint64_t steps = target - tick_ < slots_ ? target - tick_ : slots_;
    for (uint64_t step = 1; step <= steps; ++step) move_all(slot_head(tick_ + step), due_head());
    tick_ = target;
  }
  uint32_t fired = 0;
  for (; fired < budget; ++fired) {
    const uint32_t id = links_[due_head()].next;
    if (id == due_head()) break;
    unlink(id);
    fire(id);
  }
  return fired;
}

}  // namespace dam
