// SPDX-License-Identifier: BSD-3-Clause
// One capture at a time, bounded in packets, bytes and time: what both planes tell of it waits here
// until the control plane reads it. Packets for which there is no room are counted. Lives in the
// control thread; knows no clock.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "dataplane/core/sight.h"
#include "dataplane/engine/policy.h"
#include "dataplane/ipc/dam.pb.h"

namespace dam {

inline constexpr size_t kCaptureBufferBytes = 16u << 20;
inline constexpr size_t kCaptureReplyBytes = 1u << 20;
inline constexpr uint64_t kCaptureUnreadNs = 10'000'000'000;

class Capture {
 public:
  struct Now {
    uint64_t monotonic_ns;
    uint64_t unix_ns;
    uint64_t sights_lost;  // so far, on their way to take()
  };

  // To StartCapture, ReadCapture and StopCapture. `policy` null: none is in force yet.
  v1::Reply answer(const v1::Request& request, const Policy* policy,
                   const std::vector<Interface>& interfaces, Now now);
  // What the planes should tell of, now.
  const dam_capture& wanted() const { return wanted_; }
  void take(const dam_sight& sight, std::span<const uint8_t> frame);
  void tick(const Now& now, const Policy* policy);

 private:
  // They say what is wrong; empty: nothing is.
  std::string start(const v1::StartCapture& asked, const Policy* policy,
                    const std::vector<Interface>& interfaces, Now now);
  std::string read(const v1::ReadCapture& request, const Policy* policy, uint64_t now_ns,
                   v1::Capture& to);
  std::string stop(const v1::StopCapture& request);

  bool is_on() const { return wanted_.snap_bytes != 0; }
  // One goes on, or somebody fetches the rest of one that has ended.
  bool under_way() const { return is_on() || !frames_.empty(); }
  void describe(v1::Capture& to) const;
  void end(const char* why);
  void discard();
  void give_frames(const Policy* policy, v1::Capture& to);
  std::string occupied(uint64_t now_ns) const;

  struct Frame {
    dam_sight sight;
    std::string octets;
  };

  dam_capture wanted_{};
  v1::Capture about_;  // without frames; id 0: there was none yet
  std::deque<Frame> frames_;
  size_t bytes_ = 0;          // of frames_
  uint64_t no_room_ = 0;      // packets
  bool uncounted_ = false;    // what was lost before its end
  uint64_t lost_before_ = 0;  // Now::sights_lost when it began
  uint64_t unix_less_monotonic_ns_ = 0;
  uint64_t ends_ns_ = 0;
  uint64_t read_ns_ = 0;
};

}  // namespace dam
