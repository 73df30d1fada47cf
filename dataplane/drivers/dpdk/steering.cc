// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/dpdk/steering.h"

#include <rte_errno.h>

#include <stdexcept>
#include <string>

namespace dam {

Steering::Steering(uint32_t workers)
    : workers_(workers), rings_(workers * workers, nullptr), turns_(workers) {
  for (uint32_t from = 0; from < workers; ++from) {
    for (uint32_t to = 0; to < workers; ++to) {
      if (from == to) continue;
      const std::string name = "dam_steer_" + std::to_string(from) + "_" + std::to_string(to);
      rte_ring* fresh = rte_ring_create(name.c_str(), kRingFrames, SOCKET_ID_ANY,
                                        RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
      if (fresh == nullptr) {
        throw std::runtime_error(
            "A ring between two workers: " + std::string(rte_strerror(rte_errno)) + ".");
      }
      rings_[from * workers + to] = fresh;
    }
  }
}

Steering::~Steering() {
  for (rte_ring* each : rings_) {
    if (each == nullptr) continue;
    void* left = nullptr;
    while (rte_ring_dequeue(each, &left) == 0) rte_pktmbuf_free(static_cast<rte_mbuf*>(left));
    rte_ring_free(each);
  }
}

uint32_t Steering::give(uint32_t from, uint32_t to, std::span<rte_mbuf*> mbufs) {
  return rte_ring_enqueue_burst(ring(from, to), reinterpret_cast<void**>(mbufs.data()),
                                static_cast<uint32_t>(mbufs.size()), nullptr);
}

uint32_t Steering::take(uint32_t to, std::span<rte_mbuf*> mbufs) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < workers_ && count < mbufs.size(); ++i) {
    const uint32_t from = (turns_[to].next + i) % workers_;
    if (from == to) continue;
    count += rte_ring_dequeue_burst(ring(from, to), reinterpret_cast<void**>(&mbufs[count]),
                                    static_cast<uint32_t>(mbufs.size()) - count, nullptr);
  }
  turns_[to].next = (turns_[to].next + 1) % workers_;
  return count;
}

}  // namespace dam
