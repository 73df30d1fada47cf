// SPDX-License-Identifier: BSD-3-Clause
// The contract between the engine and a driver: bursts of frames in, ordered lists of frames out.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <span>

#include "dataplane/core/drop_reason.h"

namespace dam {

inline constexpr uint32_t kBurst = 32;
// Most frames that one poll or tick can originate: a burst of SYN-ACKs asks for three each (the
// PROXY header and a ClientHello in two segments), and an eighth is kept for management.
inline constexpr uint32_t kSpares = 112;
inline constexpr uint16_t kFrameBytes = 1600;  // writable bytes behind `data`, in every frame
inline constexpr uint16_t kHeadroom = 64;      // writable bytes before `data`, in every frame

enum class RxChecksum : uint8_t { unknown, good, bad };

// One packet. The driver owns the memory; a frame handed to the engine is the engine's until it
// comes back in exactly one list of Output (spares that were not used stay in `spare`).
struct Frame {
  uint8_t* data = nullptr;  // first byte of the Ethernet header
  uint16_t bytes = 0;
  uint8_t port = 0;  // where it came in; in Output: where it goes out (index of Policy interfaces)
  RxChecksum checksum = RxChecksum::unknown;
  uint32_t reserved = 0;
  void* buffer = nullptr;  // the driver's handle, e.g. an rte_mbuf
};
static_assert(sizeof(Frame) == 24);

// A list of frames with a fixed bound; full() is checked by the one who appends.
template <uint32_t N>
struct FrameList {
  std::array<Frame, N> frame;
  uint32_t count = 0;
  bool full() const { return count == N; }
  void add(const Frame& f) { frame[count++] = f; }
  Frame& append() { return frame[count++]; }  // for the caller to fill, field by field
  std::span<Frame> all() { return {frame.data(), count}; }
};

struct Output {
  FrameList<kSpares> spare;             // empty frames; the driver tops them up before each call
  FrameList<kBurst + kSpares> urgent;   // management traffic: transmit first, in order
  FrameList<kBurst + kSpares> normal;   // everything else, in order
  FrameList<kBurst + kSpares> dropped;  // to be freed; the engine has counted the reason
  FrameList<kBurst> host;               // not the dam's: to the host's own network stack
  FrameList<kBurst> host_first;         // of administrators, and ARP: before the others
};

// Who gets the packets of a flow: with one worker, everything is 0.
// A driver whose NIC spreads by a known hash answers with it; the software spreading of
// engine/steer.h serves the others.
template <typename D>
concept Driver = requires(D driver, uint32_t queue, Output& output, std::span<Frame> frames) {
  {
    driver.receive(queue, frames)
    } -> std::same_as<uint32_t>;  // fills at most kBurst, gives the count
  {driver.refill(output)};        // tops up output.spare
  {
    driver.transmit(queue, output)
    } -> std::same_as<uint32_t>;  // empties urgent, normal, dropped, host
                                  // and host_first; gives how many tx_full drops there were
};

}  // namespace dam
