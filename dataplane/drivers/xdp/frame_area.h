// SPDX-License-Identifier: BSD-3-Clause
// The memory that AF_XDP sockets receive into and send from (UMEM), in chunks of 2 KiB, and which
// of them are free. For one thread.
#pragma once

#include <xdp/xsk.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/engine/frame.h"

namespace dam {

class FrameArea {
 public:
  static constexpr uint32_t kChunkBytes = 2048;
  static_assert(kHeadroom + kFrameBytes + 256 <= kChunkBytes);  // 256: XDP's own headroom

  explicit FrameArea(uint32_t chunks);  // throws std::system_error

  // A chunk's offset in the area; kNone: all are in use.
  static constexpr uint64_t kNone = ~uint64_t{0};
  uint64_t take();
  void give(uint64_t offset) { free_.push_back(offset & ~uint64_t{kChunkBytes - 1}); }
  size_t free() const { return free_.size(); }
  // What the engine needs for its own, whatever sockets there are.
  static constexpr size_t kReserved = 2048;
  size_t free_for_sockets() const { return free() > kReserved ? free() - kReserved : 0; }

  Frame empty(uint64_t offset) const;  // to be written by the engine
  Frame received(const xdp_desc& descriptor, uint8_t port) const;
  uint64_t offset_of(const Frame& frame) const {
    return static_cast<uint64_t>(frame.data - area_.get());
  }
  xsk_umem* umem() const { return umem_.get(); }

 private:
  struct FreePages {
    size_t bytes = 0;
    void operator()(uint8_t* area) const;
  };
  struct DeleteUmem {
    void operator()(xsk_umem* umem) const { xsk_umem__delete(umem); }
  };
  std::unique_ptr<uint8_t, FreePages> area_;
  // The first socket's; libxdp wants them here.
  xsk_ring_prod first_fill_{};
  xsk_ring_cons first_completion_{};
  std::unique_ptr<xsk_umem, DeleteUmem> umem_;
  std::vector<uint64_t> free_;
};

}  // namespace dam
