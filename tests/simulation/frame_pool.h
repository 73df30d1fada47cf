// SPDX-License-Identifier: BSD-3-Clause
// The driver's memory: every frame that the engine is given comes back here, in exactly one list of
// its output.
#pragma once

#include <memory>
#include <vector>

#include "dataplane/engine/frame.h"
#include "tests/simulation/environment.h"
#include "tests/simulation/ip_packet.h"

namespace dam::simulation {

class FramePool {
 public:
  FramePool(Environment& environment, uint32_t workers);

  Frame make(uint8_t port, const Bytes& packet);  // an Ethernet frame, as it comes in
  void give(const Frame& frame) { free_.push_back(static_cast<uint8_t*>(frame.buffer)); }
  void top_up(Output& output);
  // Nothing where a frame left for nobody, which is told.
  Bytes packet_of(const Frame& frame);
  // `spares`: those that workers keep.
  bool has_all(size_t spares) const { return free_.size() + spares == buffers_.size(); }

 private:
  Environment& environment_;
  std::vector<std::unique_ptr<uint8_t[]>> buffers_;
  std::vector<uint8_t*> free_;
};

}  // namespace dam::simulation
