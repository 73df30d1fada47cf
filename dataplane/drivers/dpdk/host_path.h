// SPDX-License-Identifier: BSD-3-Clause
// The way of what is not the dam's into the host's own stack, and back: a TAP device beside each
// port, and rings between the workers and one thread that reads and writes it. Workers touch rings
// alone, never the kernel; what finds no room is dropped, and counted. The thread touches rings
// alone, too, and never the pool: each ring has one producer and one consumer, who wait for
// nobody, while a pool's ring makes a worker wait for a thread that is preempted inside it. So
// workers take back the buffers that were written, and lay out empty ones to be read into.
#pragma once

#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_ring.h>

#include <atomic>
#include <cstdint>
#include <span>
#include <thread>
#include <vector>

namespace dam {

class HostPath {
 public:
  static constexpr uint32_t kRingFrames = 1024;
  static constexpr uint32_t kMostAtOnce = 32;

  // taps: by port; -1: none. Takes them. Throws std::runtime_error with a sentence.
  HostPath(std::vector<int> taps, uint32_t workers, rte_mempool* pool);
  ~HostPath();
  HostPath(const HostPath&) = delete;
  HostPath& operator=(const HostPath&) = delete;

  // The thread, whose capabilities are those of the caller: after they were dropped.
  void start();
  void stop();

  bool has(uint32_t port) const { return taps_[port] >= 0; }
  // Hands over what came in by mbuf->port; gives how many were taken, the first ones. `first`:
  // before all others.
  uint32_t give(uint32_t worker, bool first, std::span<rte_mbuf*> mbufs);
  // What the host sends by mbuf->port, at most kMostAtOnce; lays out as many empty buffers again.
  // Worker 0 alone.
  uint32_t take(std::span<rte_mbuf*> mbufs);
  // Frees what was written; gives how many the host's interfaces did not take. Each worker, with
  // every round.
  uint32_t take_back(uint32_t worker);
  void set_link(uint32_t port, bool up);  // as the kernel is to see it

  // Buffers that the rings can hold, and the thread's hands.
  static uint32_t buffers(uint32_t workers) {
    return (3 * workers + 2) * kRingFrames + 2 * kMostAtOnce;
  }

 private:
  void run();
  uint32_t write_all(rte_ring* from, rte_ring* done);
  uint32_t read_all(uint32_t port);
  bool read_one(uint32_t port);
  bool lay_out(uint32_t count);  // false: the pool is empty
  void wait(int ms);

  std::vector<int> taps_;
  rte_mempool* pool_;
  std::vector<rte_ring*> first_;  // by worker: one producer, one consumer
  std::vector<rte_ring*> others_;
  std::vector<rte_ring*> done_;  // back to the worker
  rte_ring* empty_ = nullptr;    // from worker 0
  rte_ring* from_host_ = nullptr;
  rte_mbuf* in_hand_ = nullptr;  // the thread's: empty, to be read into next
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace dam
