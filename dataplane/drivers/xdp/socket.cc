// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/xdp/socket.h"

#include <linux/if_link.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <system_error>

namespace dam {
namespace {

constexpr uint32_t kBatch = 64;

bool is_zero_copy(int fd) {
  xdp_options options{};
  socklen_t bytes = sizeof options;
  return getsockopt(fd, SOL_XDP, XDP_OPTIONS, &options, &bytes) == 0 &&
         (options.flags & XDP_OPTIONS_ZEROCOPY) != 0;
}

}  // namespace

XdpSocket::XdpSocket(FrameArea& area, const std::string& device, uint32_t queue, uint8_t port,
                     bool generic, uint32_t frames)
    : area_(area), port_(port), fill_debt_(frames) {
  xsk_socket_config config{};
  config.rx_size = kRingFrames;
  config.tx_size = kRingFrames;
  config.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD;  // ours is attached already
  config.xdp_flags = generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
  config.bind_flags = XDP_USE_NEED_WAKEUP;  // zero copy where it can be, else copies
  if (generic) config.bind_flags |= XDP_COPY;
  xsk_socket* made = nullptr;
  const int error = xsk_socket__create_shared(&made, device.c_str(), queue, area.umem(), &rx_, &tx_,
                                              &fill_, &completion_, &config);
  if (error != 0) {
    throw std::system_error(-error, std::generic_category(),
                            "An AF_XDP socket on " + device + ", queue " + std::to_string(queue));
  }
  socket_.reset(made);
  zero_copy_ = is_zero_copy(fd());
  refill();
}

uint32_t XdpSocket::receive(std::span<Frame> frames) {
  uint32_t first = 0;
  const uint32_t got = xsk_ring_cons__peek(&rx_, static_cast<uint32_t>(frames.size()), &first);
  for (uint32_t i = 0; i < got; ++i) {
    frames[i] = area_.received(*xsk_ring_cons__rx_desc(&rx_, first + i), port_);
  }
  if (got > 0) xsk_ring_cons__release(&rx_, got);
  fill_debt_ += got;
  return got;
}

bool XdpSocket::queue_send(const Frame& frame) {
  uint32_t slot = 0;
  if (xsk_ring_prod__reserve(&tx_, 1, &slot) != 1) {
    area_.give(area_.offset_of(frame));
    return false;
  }
  xdp_desc& descriptor = *xsk_ring_prod__tx_desc(&tx_, slot);
  descriptor.addr = area_.offset_of(frame);
  descriptor.len = frame.bytes;
  descriptor.options = 0;
  xsk_ring_prod__submit(&tx_, 1);
  ++in_flight_;
  queued_ = true;
  return true;
}

void XdpSocket::settle() {
  if (queued_ && xsk_ring_prod__needs_wakeup(&tx_) != 0) {
    sendto(fd(), nullptr, 0, MSG_DONTWAIT, nullptr, 0);
  }
  queued_ = false;
  reclaim();
  refill();
}

void XdpSocket::reclaim() {
  while (in_flight_ > 0) {
    uint32_t first = 0;
    const uint32_t done = xsk_ring_cons__peek(&completion_, kBatch, &first);
    if (done == 0) return;
    for (uint32_t i = 0; i < done; ++i) {
      area_.give(*xsk_ring_cons__comp_addr(&completion_, first + i));
    }
    xsk_ring_cons__release(&completion_, done);
    in_flight_ -= done;
  }
}

void XdpSocket::refill() {
  const auto wanted = static_cast<uint32_t>(std::min<size_t>(fill_debt_, area_.free_for_sockets()));
  uint32_t first = 0;
  if (wanted == 0 || xsk_ring_prod__reserve(&fill_, wanted, &first) != wanted) return;
  for (uint32_t i = 0; i < wanted; ++i) {
    *xsk_ring_prod__fill_addr(&fill_, first + i) = area_.take();
  }
  xsk_ring_prod__submit(&fill_, wanted);
  fill_debt_ -= wanted;
  if (xsk_ring_prod__needs_wakeup(&fill_) != 0) {
    recvfrom(fd(), nullptr, 0, MSG_DONTWAIT, nullptr, nullptr);
  }
}

}  // namespace dam
