// SPDX-License-Identifier: BSD-3-Clause
// Sights on their way from a worker to the control thread. One writer, one reader, bounded, without
// locks; who finds it full loses the sight, never time.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <span>

#include "dataplane/core/sight.h"
#include "dataplane/engine/big_array.h"

namespace dam {

class SightRing {
 public:
  static constexpr uint32_t kBytes = 1u << 20;
  static constexpr uint32_t kHeadBytes = sizeof(dam_sight);

  // False: it is full. The first sight.captured_bytes of `frame` go along.
  bool push(const dam_sight& sight, const uint8_t* frame) {
    const uint32_t tail = tail_.load(std::memory_order_relaxed);
    const uint32_t bytes = kHeadBytes + sight.captured_bytes;
    if (kBytes - (tail - head_.load(std::memory_order_acquire)) < bytes) return false;
    put(tail, &sight, kHeadBytes);
    put(tail + kHeadBytes, frame, sight.captured_bytes);
    tail_.store(tail + bytes, std::memory_order_release);
    return true;
  }

  using FrameBytes = std::array<uint8_t, DAM_SIGHT_FRAME_BYTES>;
  bool pop(dam_sight& sight, FrameBytes& frame) {  // false: empty
    const uint32_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_acquire)) return false;
    get(head, &sight, kHeadBytes);
    get(head + kHeadBytes, frame.data(), sight.captured_bytes);
    head_.store(head + kHeadBytes + sight.captured_bytes, std::memory_order_release);
    return true;
  }

 private:
  // In two pieces where the ring's end lies between.
  static uint32_t before_end(uint32_t at, uint32_t bytes) {
    return std::min(bytes, kBytes - at % kBytes);
  }
  void put(uint32_t at, const void* from, uint32_t bytes) {
    const uint32_t first = before_end(at, bytes);
    std::memcpy(memory_.data() + at % kBytes, from, first);
    std::memcpy(memory_.data(), static_cast<const uint8_t*>(from) + first, bytes - first);
  }
  void get(uint32_t at, void* to, uint32_t bytes) const {
    const uint32_t first = before_end(at, bytes);
    std::memcpy(to, memory_.data() + at % kBytes, first);
    std::memcpy(static_cast<uint8_t*>(to) + first, memory_.data(), bytes - first);
  }

  BigArray<uint8_t> memory_{kBytes};
  alignas(64) std::atomic<uint32_t> head_{0};
  alignas(64) std::atomic<uint32_t> tail_{0};
};

}  // namespace dam
