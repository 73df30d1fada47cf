// SPDX-License-Identifier: BSD-3-Clause
// An engine whose workers each have a thread, as a driver with software steering runs them. A
// millisecond of virtual time passes when all of them have gone round, and none of them waits for
// longer than kRounds of these.
#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "dataplane/engine/engine.h"
#include "dataplane/engine/worker.h"
#include "tests/unit/threads/peers.h"
#include "tests/unit/threads/wires.h"

namespace dam::test {

// A counters' file, as a reader outside of the process sees it.
class SharedCounters {
 public:
  SharedCounters();
  ~SharedCounters();
  SharedCounters(const SharedCounters&) = delete;
  SharedCounters& operator=(const SharedCounters&) = delete;
  dam_counters* memory() const { return memory_; }
  std::unique_ptr<dam_counters> read() const;

 private:
  int fd_;
  dam_counters* memory_;
};

class Workers {
 public:
  static constexpr uint32_t kWorkers = 3;
  static constexpr uint64_t kRounds = 5000;
  static constexpr uint64_t kRoundNs = 1'000'000;

  // `policy` is in force, and its next hops are known, before the first thread begins.
  Workers(std::vector<Client> clients, const Policy& policy);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // Control thread, which is the test's own.
  void apply(Policy policy);
  void begin(size_t first, size_t count);  // SYNs of these clients
  void run();
  // Until `enough` of what all have seen holds, doing `meanwhile`; false: it never did.
  bool go_on_until(const std::function<bool(const Tally&)>& enough,
                   const std::function<void(uint64_t round)>& meanwhile);
  void fire() { fire_ = true; }  // see Script::blast
  void stop();
  uint64_t now_ns() const { return now_ns_.load(std::memory_order_relaxed); }
  Engine& engine() { return *engine_; }
  const dam_counters& counters() const { return *counters_.memory(); }  // once they have stopped
  const SharedCounters& counters_file() const { return counters_; }
  std::span<const Client> clients() const { return clients_; }  // likewise
  bool has_all_frames() const;
  uint64_t handed_off() const { return handed_off_.load(); }

 private:
  struct Lane {  // a thread's own
    explicit Lane(uint32_t number) : index(number), random(number * 7919 + 1) {}
    uint32_t index;
    uint32_t random;
    FrameMemory frames;
    Output output;
    std::unique_ptr<Peers> peers;
    // What the control thread reads of it.
    std::atomic<uint64_t> rounds{0};
    std::atomic<uint64_t> finished{0}, closed{0}, reset{0}, wrong{0}, blasted{0};
  };
  void go_round(Lane& lane);
  uint32_t take(Lane& lane, std::array<Frame, kBurst>& burst);
  void transmit(Lane& lane);
  void publish(Lane& lane);
  Tally tally() const;

  SharedCounters counters_;
  std::vector<Client> clients_;
  std::unique_ptr<Engine> engine_;
  Wires arrivals_{kWorkers}, handed_{kWorkers};
  std::deque<Lane> lanes_;
  std::atomic<uint64_t> now_ns_{1'000'000'000'000};
  std::atomic<uint64_t> may_go_{0};  // rounds
  std::atomic<uint64_t> handed_off_{0}, lost_{0};
  std::atomic<bool> fire_{false}, stop_{false};
  uint64_t version_ = 0;
  std::vector<std::jthread> threads_;
};

}  // namespace dam::test
