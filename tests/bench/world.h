// SPDX-License-Identifier: BSD-3-Clause
// The real engine with one worker, its peer, and the memory between them: what a driver does,
// without the driver. Time is simulated: each burst takes what 32 frames of 64 bytes take on a 10
// GbE line.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/engine/engine.h"
#include "dataplane/engine/frame.h"
#include "dataplane/engine/worker.h"
#include "tests/bench/peer.h"
#include "tests/bench/site.h"

namespace dam::bench {

inline constexpr uint64_t kHashKey[2] = {0x0123456789abcdef, 0xfedcba9876543210};

// Frames as far apart as DPDK's buffers of 2 KiB are (headers included), so that they meet the
// caches as those do.
class FrameArena {
 public:
  explicit FrameArena(uint32_t frames);
  void add_to(std::vector<Frame>& list);

 private:
  static constexpr uint32_t kStride = 2368;  // 37 cache lines: an odd number spreads over the sets
  static constexpr uint32_t kDataOffset = 256;
  uint32_t frames_;
  BigArray<uint8_t> memory_;  // like a DPDK pool's, in huge pages
};

// What became of the frames since the last settle().
struct Tally {
  uint64_t sent = 0;
  uint64_t dropped = 0;
  uint64_t to_host = 0;
};

class World {
 public:
  // Raises `sizes.flows` connections through the whole handshake; throws when one is missing. On
  // `shared` tables time begins early, so that it stays behind the clock that the kernel reads.
  World(const Sizes& sizes, uint32_t extra_flows, const SharedTables& shared = {});
  // Another worker of the same engine, with as many connections of its own. `first` outlives it.
  World(World& first, uint32_t worker);

  void apply(const std::shared_ptr<const Policy>& policy);
  std::shared_ptr<const Policy> policy_with(const SiteOptions& options) const;

  // The timed part: one burst, or a tick where one is due, with what a driver does around it.
  void burst(std::span<Frame> frames);

  // All below is not timed.
  std::vector<Frame> take_frames(uint32_t count);
  Tally settle(bool deliver);  // hands what was sent to the peer (or to nobody), and goes on
  void pump();                 // until neither side has anything to say
  void advance(uint64_t duration_ns);  // in steps of a millisecond, pumping
  void catch_up(const World& other) { now_ns_ = std::max(now_ns_, other.now_ns_); }
  void open(uint32_t first, uint32_t count, Goal goal);
  uint64_t drops(dam_drop_reason reason) const;  // all zones
  void report_drops() const;

  Peer& peer() { return peer_; }
  Outbox& outbox() { return outbox_; }
  Engine& engine() { return *engine_; }
  Worker& worker() { return engine_->worker(worker_); }
  uint32_t first_flow() const { return worker_ * sizes_.flows; }
  uint64_t now_ns() const { return now_ns_; }
  const Sizes& sizes() const { return sizes_; }
  uint32_t live_flows() const { return sizes_.flows; }

 private:
  void top_up();
  void collect();
  void tick();

  Sizes sizes_;
  uint32_t worker_ = 0;
  FrameArena arena_;
  Peer peer_;
  Outbox outbox_;  // its spare list holds every frame that nobody uses
  Output output_;
  std::vector<Frame> sent_;
  std::vector<Frame> unsent_;  // dropped, or for the host
  Tally tally_;
  std::unique_ptr<dam_counters> counters_;
  std::shared_ptr<Engine> engine_;
  uint64_t now_ns_;
  uint64_t tick_at_ns_ = 0;
  std::shared_ptr<const Policy> applied_;
};

}  // namespace dam::bench
