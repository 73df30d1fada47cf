// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/xdp/frame_area.h"

#include <sys/mman.h>

#include <system_error>

namespace dam {

void FrameArea::FreePages::operator()(uint8_t* area) const { munmap(area, bytes); }

FrameArea::FrameArea(uint32_t chunks) : area_(nullptr, FreePages{}) {
  const size_t bytes = size_t{chunks} * kChunkBytes;
  void* area = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (area == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "Frame memory");
  area_ = {static_cast<uint8_t*>(area), FreePages{bytes}};
  xsk_umem_config config{};
  config.fill_size = XSK_RING_PROD__DEFAULT_NUM_DESCS;
  config.comp_size = XSK_RING_CONS__DEFAULT_NUM_DESCS;
  config.frame_size = kChunkBytes;
  config.frame_headroom = kHeadroom;
  xsk_umem* umem = nullptr;
  const int error = xsk_umem__create(&umem, area, bytes, &first_fill_, &first_completion_, &config);
  if (error != 0) throw std::system_error(-error, std::generic_category(), "An AF_XDP frame area");
  umem_.reset(umem);
  free_.reserve(chunks);
  for (uint32_t i = 0; i < chunks; ++i) free_.push_back(uint64_t{i} * kChunkBytes);
}

uint64_t FrameArea::take() {
  if (free_.empty()) return kNone;
  const uint64_t offset = free_.back();
  free_.pop_back();
  return offset;
}

Frame FrameArea::empty(uint64_t offset) const {
  Frame frame;
  frame.data = area_.get() + offset + kHeadroom;
  return frame;
}

Frame FrameArea::received(const xdp_desc& descriptor, uint8_t port) const {
  Frame frame;
  frame.data = area_.get() + descriptor.addr;
  frame.bytes = static_cast<uint16_t>(descriptor.len);
  frame.port = port;
  return frame;
}

}  // namespace dam
