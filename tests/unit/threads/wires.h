// SPDX-License-Identifier: BSD-3-Clause
// Frames between threads. Each ring has one writer and one reader, as the rings have by which the
// DPDK driver's workers hand frames over.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/engine/frame.h"
#include "dataplane/engine/spsc_queue.h"

namespace dam::test {

struct Packet {
  uint8_t port = 0;
  uint16_t bytes = 0;
  std::array<uint8_t, 900> data{};
};

// One from each thread to each worker; the last writer is the control thread.
class Wires {
 public:
  explicit Wires(uint32_t workers) : workers_(workers) {
    for (uint32_t i = 0; i < (workers + 1) * workers; ++i) {
      rings_.push_back(std::make_unique<Ring>());
    }
  }
  bool push(uint32_t from, uint32_t to, const Packet& packet) {
    return rings_[from * workers_ + to]->push(packet);
  }
  // From each of the others in turn; false: nothing came.
  bool pop(uint32_t to, Packet& packet) {
    for (uint32_t from = 0; from <= workers_; ++from) {
      if (rings_[from * workers_ + to]->pop(packet)) return true;
    }
    return false;
  }

 private:
  using Ring = SpscQueue<Packet, 2048>;
  uint32_t workers_;
  std::vector<std::unique_ptr<Ring>> rings_;
};

// A thread's own memory for frames.
class FrameMemory {
 public:
  FrameMemory() : memory_(size_t{kCount} * kBytes) {
    for (uint32_t i = 0; i < kCount; ++i) free_.push_back(memory_.data() + size_t{i} * kBytes);
  }
  Frame make(std::span<const uint8_t> bytes = {}, uint8_t port = 0) {
    Frame frame;
    frame.buffer = free_.back();
    free_.pop_back();
    frame.data = static_cast<uint8_t*>(frame.buffer) + kHeadroom;
    frame.bytes = static_cast<uint16_t>(bytes.size());
    frame.port = port;
    if (!bytes.empty()) std::memcpy(frame.data, bytes.data(), bytes.size());
    return frame;
  }
  void give(const Frame& frame) { free_.push_back(static_cast<uint8_t*>(frame.buffer)); }
  void top_up(Output& output) {
    while (!output.spare.full()) output.spare.add(make());
  }
  bool has_all(const Output& output) const { return free_.size() + output.spare.count == kCount; }

 private:
  static constexpr uint32_t kCount = kBurst + kSpares;
  static constexpr uint32_t kBytes = kHeadroom + kFrameBytes;
  std::vector<uint8_t> memory_;
  std::vector<uint8_t*> free_;
};

}  // namespace dam::test
