// SPDX-License-Identifier: BSD-3-Clause
// Connections that an operator ends: from the control thread to the worker that has them. One
// writer, one reader, bounded, without locks.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "dataplane/engine/flow_id.h"

namespace dam {

class EndQueue {
 public:
  static constexpr uint32_t kCapacity = 4096;

  bool push(const FlowId& id) {  // false: full
    const uint32_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_.load(std::memory_order_acquire) == kCapacity) return false;
    ids_[tail % kCapacity] = id;
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }
  bool pop(FlowId& id) {  // false: empty
    const uint32_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_acquire)) return false;
    id = ids_[head % kCapacity];
    head_.store(head + 1, std::memory_order_release);
    return true;
  }
  bool empty() const {
    return head_.load(std::memory_order_relaxed) == tail_.load(std::memory_order_acquire);
  }

 private:
  std::array<FlowId, kCapacity> ids_{};
  alignas(64) std::atomic<uint32_t> head_{0};
  alignas(64) std::atomic<uint32_t> tail_{0};
};

}  // namespace dam
