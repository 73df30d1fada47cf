// SPDX-License-Identifier: BSD-3-Clause
// Hand-off between workers where the NIC cannot bring a packet to its flow's worker: one ring for
// each ordered pair of workers, one producer and one consumer each.
#pragma once

#include <rte_mbuf.h>
#include <rte_ring.h>

#include <cstdint>
#include <span>
#include <vector>

namespace dam {

class Steering {
 public:
  static constexpr uint32_t kRingFrames = 2048;

  // Throws std::runtime_error with a sentence.
  explicit Steering(uint32_t workers);
  ~Steering();
  Steering(const Steering&) = delete;
  Steering& operator=(const Steering&) = delete;

  uint32_t workers() const { return workers_; }
  // Hands `mbufs` over; gives how many the ring took, the first ones.
  uint32_t give(uint32_t from, uint32_t to, std::span<rte_mbuf*> mbufs);
  // Takes what other workers left for `to`, at most mbufs.size().
  uint32_t take(uint32_t to, std::span<rte_mbuf*> mbufs);

 private:
  rte_ring* ring(uint32_t from, uint32_t to) { return rings_[from * workers_ + to]; }

  uint32_t workers_;
  std::vector<rte_ring*> rings_;
  // Where `to` begins to look, so that no neighbour is always last. One writer each.
  struct alignas(64) Turn {
    uint32_t next = 0;
  };
  std::vector<Turn> turns_;
};

}  // namespace dam
