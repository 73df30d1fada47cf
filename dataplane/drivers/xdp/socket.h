// SPDX-License-Identifier: BSD-3-Clause
// One AF_XDP socket: one queue of one device.
#pragma once

#include <xdp/xsk.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "dataplane/drivers/xdp/frame_area.h"

namespace dam {

class XdpSocket {
 public:
  static constexpr uint32_t kRingFrames = 2048;

  // `generic`: the device's driver knows no XDP. `frames`: how many it receives into at once.
  // Throws std::system_error.
  XdpSocket(FrameArea& area, const std::string& device, uint32_t queue, uint8_t port, bool generic,
            uint32_t frames);
  XdpSocket(const XdpSocket&) = delete;
  XdpSocket& operator=(const XdpSocket&) = delete;

  static constexpr uint32_t kMostFrames = kRingFrames / 2;

  uint32_t receive(std::span<Frame> frames);  // gives the count
  // False: the ring is full, and the frame is given back to the area.
  bool queue_send(const Frame& frame);
  // Wakes the kernel where it asked for it, takes back what was sent, and refills.
  void settle();

  int fd() const { return xsk_socket__fd(socket_.get()); }
  bool zero_copy() const { return zero_copy_; }

 private:
  void refill();
  void reclaim();
  struct Delete {
    void operator()(xsk_socket* socket) const { xsk_socket__delete(socket); }
  };

  FrameArea& area_;
  uint8_t port_;
  xsk_ring_cons rx_{};
  xsk_ring_prod tx_{};
  xsk_ring_prod fill_{};
  xsk_ring_cons completion_{};
  std::unique_ptr<xsk_socket, Delete> socket_;
  bool zero_copy_ = false;
  bool queued_ = false;     // something to send that the kernel was not told of
  uint32_t in_flight_ = 0;  // sent, not yet completed
  uint32_t fill_debt_ = 0;  // frames that the fill ring lacks
};

}  // namespace dam
