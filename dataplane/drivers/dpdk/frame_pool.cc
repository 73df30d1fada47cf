// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/dpdk/frame_pool.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf_pool_ops.h>

#include <stdexcept>
#include <string>

namespace dam {
namespace {

constexpr uint32_t kCache = 256;  // buffers that an lcore keeps at hand
constexpr uint32_t kElementBytes = sizeof(rte_mbuf) + kBufferBytes;
constexpr uint32_t kOverheadMib = 48;  // DPDK's own tables, rings and lists

[[noreturn]] void fail(const std::string& why) {
  throw std::runtime_error("The pool of packet buffers: " + why + ".");
}

bool physical_addresses() { return rte_eal_iova_mode() == RTE_IOVA_PA; }

// A pool in one piece is told no addresses for devices (NO_IOVA_CONTIG). Where these are the
// process's own, as everywhere but without an IOMMU, each buffer's is known all the same.
void tell_address(rte_mempool* /*pool*/, void* /*unused*/, void* object, unsigned /*index*/) {
  auto* mbuf = static_cast<rte_mbuf*>(object);
  rte_mbuf_iova_set(mbuf, reinterpret_cast<rte_iova_t>(mbuf->buf_addr));
}

}  // namespace

uint32_t buffers_needed(uint32_t queue_pairs, uint32_t workers, uint32_t ring_frames) {
  return queue_pairs * kBuffersPerQueue + workers * kBuffersPerWorker + ring_frames;
}

uint32_t mib_needed(uint32_t buffers) {
  const uint64_t each = rte_mempool_calc_obj_size(kElementBytes, 0, nullptr);
  return static_cast<uint32_t>((buffers * each >> 20) + kOverheadMib);
}

// AF_XDP's memory is the pool itself, and its PMD takes it for one run of equal chunks. So the pool
// must be one piece, without gaps at page ends: that is what NO_IOVA_CONTIG gives, and what
// rte_pktmbuf_pool_create() does not give with ordinary pages.
FramePool::FramePool(uint32_t buffers)
    : pool_(rte_mempool_create_empty("dam_frames", buffers, kElementBytes, kCache,
                                     sizeof(rte_pktmbuf_pool_private), SOCKET_ID_ANY,
                                     physical_addresses() ? 0 : RTE_MEMPOOL_F_NO_IOVA_CONTIG)) {
  if (pool_ == nullptr) fail(rte_strerror(rte_errno));
  rte_pktmbuf_pool_private room{};
  room.mbuf_data_room_size = kBufferBytes;
  const int ops = rte_mempool_set_ops_byname(pool_, rte_mbuf_best_mempool_ops(), nullptr);
  if (ops != 0) fail(rte_strerror(-ops));
  rte_pktmbuf_pool_init(pool_, &room);
  const int populated = rte_mempool_populate_default(pool_);
  if (populated < 0) fail(rte_strerror(-populated));
  if (!physical_addresses() && pool_->nb_mem_chunks != 1)
    fail("no single piece of memory is large enough");
  rte_mempool_obj_iter(pool_, rte_pktmbuf_init, nullptr);
  if (!physical_addresses()) rte_mempool_obj_iter(pool_, tell_address, nullptr);
}

FramePool::~FramePool() { rte_mempool_free(pool_); }

void FramePool::refill(Output& output) {
  const uint32_t missing = kSpares - output.spare.count;
  if (missing == 0) return;
  rte_mbuf* fresh[kSpares];
  if (rte_pktmbuf_alloc_bulk(pool_, fresh, missing) != 0) return;
  for (uint32_t i = 0; i < missing; ++i) {
    Frame frame = frame_of(fresh[i], 0);
    frame.bytes = 0;
    output.spare.add(frame);
  }
}

}  // namespace dam
