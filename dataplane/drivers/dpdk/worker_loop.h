// SPDX-License-Identifier: BSD-3-Clause
// What a worker's lcore does all day: receive, steer, poll the engine, transmit, and rest.
#pragma once

#include <atomic>
#include <cstdint>

#include "dataplane/core/counters.h"
#include "dataplane/drivers/dpdk/driver.h"
#include "dataplane/engine/engine.h"
#include "dataplane/engine/observe.h"
#include "dataplane/engine/worker.h"

namespace dam {

// How a worker passes the time when nothing comes: `busy` never sleeps and answers at once;
// `adaptive` sleeps 20 µs after 64 empty rounds, and by and by up to 200 µs, so that a machine with
// few CPUs has some left for others.
enum class Rest : uint8_t { busy, adaptive };

class Idler {
 public:
  static constexpr uint32_t kRoundsAwake = 64;
  static constexpr uint32_t kShortestUs = 20;
  static constexpr uint32_t kLongestUs = 200;

  explicit Idler(Rest rest) : rest_(rest) {}
  void worked() { empty_rounds_ = 0; }
  // Called after each empty round; gives how long to sleep, in µs. Sleeps grow by 20 µs every
  // eighth.
  uint32_t next_sleep_us();

 private:
  Rest rest_;
  uint32_t empty_rounds_ = 0;
};

class WorkerLoop {
 public:
  using Clock = uint64_t (*)();  // nanoseconds; never goes back

  WorkerLoop(DpdkDriver& driver, Engine& engine, uint32_t index, Rest rest, Clock clock);

  void run(const std::atomic<bool>& stop);
  bool round();  // one turn over all ports; true when there was something to do

 private:
  bool receive();
  bool take_handed();
  bool tick();
  bool serve_host();
  uint32_t steer(uint32_t count);
  void hand_over();
  void process(uint32_t count);
  bool flush();

  static constexpr uint64_t kTickNs = 200'000;

  DpdkDriver& driver_;
  Worker& worker_;
  dam_worker_counters& counters_;
  Clock clock_;
  uint32_t index_;
  Idler idler_;
  uint64_t next_tick_ns_ = 0;
  Output output_;
  std::array<Frame, kBurst> frames_;
  // Frames of this burst for other workers.
  struct Handed {
    uint32_t count = 0;
    std::array<rte_mbuf*, kBurst> mbuf;
  };
  std::array<Handed, DAM_MAX_WORKERS> handed_;
};

}  // namespace dam
