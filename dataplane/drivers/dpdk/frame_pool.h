// SPDX-License-Identifier: BSD-3-Clause
// The one pool of packet buffers, and the way between mbufs and the engine's frames.
#pragma once

#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <cstdint>

#include "dataplane/engine/frame.h"

namespace dam {

inline constexpr uint16_t kFrameHeadroom =
    RTE_PKTMBUF_HEADROOM;  // before what the dam writes itself
static_assert(kFrameHeadroom >= kHeadroom);
// AF_XDP takes another 256 bytes of headroom from what it receives; the chunk, mbuf and headers
// included, must stay within a page.
inline constexpr uint16_t kBufferBytes = 2176;
static_assert(kBufferBytes >= kFrameHeadroom + 256 + 1518 + 4 && kBufferBytes >= 128 + kFrameBytes);

// Buffers that one AF_XDP queue pair can hold at once: 2,048 filled or received, 2,048 to be sent
// and 2,048 sent but not yet taken back. Other drivers hold fewer.
inline constexpr uint32_t kBuffersPerQueue = 6144;
inline constexpr uint32_t kBuffersPerWorker = 2048;  // bursts, spares, the pool's cache

uint32_t buffers_needed(uint32_t queue_pairs, uint32_t workers, uint32_t ring_frames);
uint32_t mib_needed(uint32_t buffers);

class FramePool {
 public:
  // Throws std::runtime_error with a sentence.
  explicit FramePool(uint32_t buffers);
  ~FramePool();
  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;

  rte_mempool* mempool() { return pool_; }
  uint32_t available() const { return rte_mempool_avail_count(pool_); }
  void refill(Output& output);  // tops up the spares, as far as there are buffers

 private:
  rte_mempool* pool_;
};

inline Frame frame_of(rte_mbuf* mbuf, uint8_t port) {
  const uint64_t l4 = mbuf->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;
  const uint64_t ip = mbuf->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;
  Frame frame;
  frame.data = rte_pktmbuf_mtod(mbuf, uint8_t*);
  frame.bytes = mbuf->data_len;
  frame.port = port;
  frame.buffer = mbuf;
  if (l4 == RTE_MBUF_F_RX_L4_CKSUM_BAD || ip == RTE_MBUF_F_RX_IP_CKSUM_BAD) {
    frame.checksum = RxChecksum::bad;
  } else if (l4 == RTE_MBUF_F_RX_L4_CKSUM_GOOD) {
    frame.checksum = RxChecksum::good;
  }
  return frame;
}

inline rte_mbuf* mbuf_of(const Frame& frame) { return static_cast<rte_mbuf*>(frame.buffer); }

// The mbuf again, with the frame's bytes; flags of its reception are gone.
inline rte_mbuf* sendable(const Frame& frame) {
  rte_mbuf* mbuf = mbuf_of(frame);
  mbuf->data_off = static_cast<uint16_t>(frame.data - static_cast<uint8_t*>(mbuf->buf_addr));
  mbuf->data_len = frame.bytes;
  mbuf->pkt_len = frame.bytes;
  mbuf->ol_flags = 0;
  return mbuf;
}

template <uint32_t N>
void free_all(FrameList<N>& list) {
  for (const Frame& frame : list.all()) rte_pktmbuf_free(mbuf_of(frame));
  list.count = 0;
}

}  // namespace dam
