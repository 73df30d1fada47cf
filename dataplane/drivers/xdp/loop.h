// SPDX-License-Identifier: BSD-3-Clause
// What the engine's thread does all day in XDP mode: mostly sleep.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "dataplane/core/counters.h"
#include "dataplane/drivers/xdp/driver.h"
#include "dataplane/engine/engine.h"
#include "dataplane/engine/observe.h"
#include "dataplane/engine/worker.h"

namespace dam {

class XdpLoop {
 public:
  using Clock = uint64_t (*)();  // nanoseconds; the one that the kernel's plane reads

  XdpLoop(XdpDriver& driver, Engine& engine, Clock clock);

  void run(const std::atomic<bool>& stop);

 private:
  bool receive();
  void tick();
  int sleep_ms() const;

  XdpDriver& driver_;
  Worker& worker_;
  dam_worker_counters& counters_;
  Clock clock_;
  uint64_t now_ns_ = 0;
  uint64_t ticked_ns_ = 0;
  Output output_;
  std::array<Frame, kBurst> frames_;
};

}  // namespace dam
