// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/xdp/frame_area.h"

#include <sys/mman.h>
#include <sys/resource.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>

namespace dam {

namespace {

// The kernel locks this memory, and asks who may: root, or whose limit is high enough.
void raise_memlock() {
  const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
  if (setrlimit(RLIMIT_MEMLOCK, &unlimited) == 0) return;
  rlimit limit{};
  if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_MEMLOCK, &limit);
}

[[noreturn]] void refuse(int error, size_t bytes) {
  if (error != ENOBUFS)
    throw std::system_error(error, std::generic_category(), "An AF_XDP frame area");
  throw std::runtime_error("AF_XDP may not lock the " + std::to_string(bytes >> 20) +
                           " MiB of its frames: give dam-dataplane LimitMEMLOCK=infinity in its "
                           "systemd unit (ulimit -l unlimited), or CAP_IPC_LOCK.");
}

}  // namespace

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
  raise_memlock();
  xsk_umem* umem = nullptr;
  const int error = xsk_umem__create(&umem, area, bytes, &first_fill_, &first_completion_, &config);
  if (error != 0) refuse(-error, bytes);
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
