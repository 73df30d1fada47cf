// SPDX-License-Identifier: BSD-3-Clause
#include "tests/simulation/frame_pool.h"

#include <cstring>

#include "tests/simulation/site.h"

namespace dam::simulation {

namespace {

constexpr size_t kBufferBytes = 2048;
constexpr size_t kBuffersEach = 2 * (kSpares + kBurst);
constexpr uint16_t kLeastFrame = 60;

}  // namespace

FramePool::FramePool(Environment& environment, uint32_t workers) : environment_(environment) {
  for (size_t i = 0; i < kBuffersEach * workers; ++i) {
    free_.push_back(buffers_.emplace_back(new uint8_t[kBufferBytes]).get());
  }
}

void FramePool::top_up(Output& output) {
  while (output.spare.count < kSpares && !free_.empty()) {
    Frame frame;
    frame.data = free_.back() + kHeadroom;
    frame.buffer = free_.back();
    free_.pop_back();
    output.spare.add(frame);
  }
}

Frame FramePool::make(uint8_t port, const Bytes& packet) {
  Frame frame;
  frame.buffer = free_.back();
  frame.data = free_.back() + kHeadroom;
  frame.port = port;
  free_.pop_back();
  const MacAddress own = own_mac(port);
  const MacAddress other = neighbour_mac(port);
  std::memcpy(frame.data, own.data(), 6);
  std::memcpy(frame.data + 6, other.data(), 6);
  size_t at = 12;
  if (port == kManagementPort) {
    store16(frame.data + 12, 0x8100);
    store16(frame.data + 14, kManagementVlan);
    at = 16;
  }
  store16(frame.data + at, packet[0] >> 4 == 6 ? 0x86dd : 0x0800);
  std::memcpy(frame.data + at + 2, packet.data(), packet.size());
  frame.bytes = static_cast<uint16_t>(at + 2 + packet.size());
  if (frame.bytes < kLeastFrame) {  // padded, as Ethernet does
    std::memset(frame.data + frame.bytes, 0xee, size_t{kLeastFrame} - frame.bytes);
    frame.bytes = kLeastFrame;
  }
  return frame;
}

Bytes FramePool::packet_of(const Frame& frame) {
  const uint8_t* at = frame.data + 12;
  const bool tagged = load16(at) == 0x8100;
  if (tagged != (frame.port == kManagementPort)) {
    environment_.broken("a frame left with the wrong VLAN");
    return {};
  }
  if (tagged) at += 4;
  if (std::memcmp(frame.data, neighbour_mac(frame.port).data(), 6) != 0) {
    environment_.broken("a frame left for nobody's link address");
    return {};
  }
  return Bytes(at + 2, static_cast<const uint8_t*>(frame.data) + frame.bytes);
}

}  // namespace dam::simulation
