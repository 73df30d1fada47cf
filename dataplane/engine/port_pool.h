// SPDX-License-Identifier: BSD-3-Clause
// Source ports towards one server from one of the dam's addresses, for one worker: first in, first
// out, so that every port rests as long as possible, and at least rest_ns (RFC 9293 3.4.1: a port
// that the server still remembers in TIME-WAIT). The first order is random (RFC 6056).
#pragma once

#include <algorithm>
#include <bitset>
#include <cstdint>
#include <random>
#include <span>

#include "dataplane/engine/big_array.h"
#include "dataplane/engine/policy.h"

namespace dam {

class PortPool {
 public:
  // `range` is what the ports were chosen from. `before` is the pool whose place this one takes.
  PortPool(std::span<const uint16_t> ports, uint64_t seed, PortRange range = {},
           PortPool* before = nullptr);

  // Before the first use, by the worker that uses both: what lives or rests in the pool before this
  // one lives or rests here. Ports outside the range drain. Copies 64 Ki entries, once.
  void settle();
  // Before the first use, in a pool that has none before it: these are in use. Then settle once.
  void adopt(uint16_t port) { taken_.set(port); }
  void settle_adopted() { keep_others(taken_); }
  bool has_range(PortRange range) const {
    return range.first == range_.first && range.last == range_.last;
  }

  // The port that has rested longest; 0 when every port is in use or resting.
  uint16_t take(uint64_t now_ns, uint64_t rest_ns);
  // False: it was not taken from here, and is ignored.
  bool give(uint16_t port, uint64_t now_ns);

  // Any thread may ask.
  uint32_t free() const { return __atomic_load_n(&count_, __ATOMIC_RELAXED); }  // and resting ones
  uint32_t in_use() const { return capacity_ - free(); }

 private:
  // When a port was given back, in ticks of 67 ms: 32 bits last for nine years.
  static constexpr uint32_t kTickShift = 26;
  uint32_t wrapped(uint32_t index) const { return index < capacity_ ? index : index - capacity_; }
  void set_free(uint32_t count) { __atomic_store_n(&count_, count, __ATOMIC_RELAXED); }
  void append(uint16_t port, uint32_t tick);
  void keep_others(const std::bitset<65536>& busy);

  PortRange range_;
  PortPool* before_;  // until settle()
  uint32_t capacity_;
  uint32_t head_ = 0;
  uint32_t count_;
  uint32_t fresh_;  // of these, the first ones were never used
  BigArray<uint16_t> port_;
  BigArray<uint32_t> given_tick_;
  std::bitset<65536> taken_;  // of the pool before this one, too
  std::bitset<65536> members_;
};

inline PortPool::PortPool(std::span<const uint16_t> ports, uint64_t seed, PortRange range,
                          PortPool* before)
    : range_(range),
      before_(before),
      capacity_(static_cast<uint32_t>(ports.size())),
      count_(capacity_),
      fresh_(capacity_),
      port_(capacity_),
      given_tick_(capacity_) {
  std::copy(ports.begin(), ports.end(), port_.data());
  std::shuffle(port_.all().begin(), port_.all().end(), std::mt19937_64(seed));
  for (const uint16_t port : ports) members_.set(port);
}

inline void PortPool::append(uint16_t port, uint32_t tick) {
  const uint32_t tail = wrapped(head_ + count_);
  port_[tail] = port;
  given_tick_[tail] = tick;
  set_free(count_ + 1);
}

inline void PortPool::keep_others(const std::bitset<65536>& busy) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < capacity_; ++i) {
    if (!busy.test(port_[i])) port_[kept++] = port_[i];
  }
  fresh_ = kept;
  set_free(kept);
}

inline void PortPool::settle() {
  if (before_ == nullptr) [[likely]]
    return;
  PortPool& before = *before_;
  before_ = nullptr;
  before.settle();
  taken_ = before.taken_;
  std::bitset<65536> busy = taken_;
  const auto resting = [&](auto&& each) {  // the oldest first
    for (uint32_t i = before.fresh_; i < before.count_; ++i) {
      const uint32_t at = before.wrapped(before.head_ + i);
      each(before.port_[at], before.given_tick_[at]);
    }
  };
  resting([&](uint16_t port, uint32_t) { busy.set(port); });
  keep_others(busy);
  resting([&](uint16_t port, uint32_t tick) {
    if (members_.test(port)) append(port, tick);
  });
}

inline uint16_t PortPool::take(uint64_t now_ns, uint64_t rest_ns) {
  if (count_ == 0) return 0;
  if (fresh_ == 0) {
    // Both ends were rounded down: only two ticks more than the whole ones of rest_ns hold it.
    const uint32_t rested = static_cast<uint32_t>(now_ns >> kTickShift) - given_tick_[head_];
    if (rest_ns != 0 && rested < (rest_ns >> kTickShift) + 2) return 0;
  } else {
    --fresh_;
  }
  const uint16_t port = port_[head_];
  head_ = wrapped(head_ + 1);
  set_free(count_ - 1);
  taken_.set(port);
  return port;
}

inline bool PortPool::give(uint16_t port, uint64_t now_ns) {
  if (!taken_.test(port)) return false;
  taken_.reset(port);
  if (members_.test(port)) append(port, static_cast<uint32_t>(now_ns >> kTickShift));
  return true;
}

}  // namespace dam
