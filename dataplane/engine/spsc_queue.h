// SPDX-License-Identifier: BSD-3-Clause
// From one thread to another: one writer, one reader, bounded, without locks.
#pragma once

#include <atomic>
#include <cstdint>

#include "dataplane/engine/big_array.h"

namespace dam {

template <class T, uint32_t kCapacity>
class SpscQueue {
  static_assert((kCapacity & (kCapacity - 1)) == 0, "positions wrap");

 public:
  bool push(const T& item) {  // false: full
    const uint32_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_.load(std::memory_order_acquire) == kCapacity) return false;
    items_[tail % kCapacity] = item;
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }
  bool pop(T& item) {  // false: empty
    const uint32_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_acquire)) return false;
    item = items_[head % kCapacity];
    head_.store(head + 1, std::memory_order_release);
    return true;
  }
  bool empty() const {
    return head_.load(std::memory_order_relaxed) == tail_.load(std::memory_order_acquire);
  }

 private:
  BigArray<T> items_{kCapacity};
  alignas(64) std::atomic<uint32_t> head_{0};
  alignas(64) std::atomic<uint32_t> tail_{0};
};

}  // namespace dam
