// SPDX-License-Identifier: BSD-3-Clause
// The engine as it is between the links: frames in bursts as a driver brings them, to the worker
// whose they are; ticks, the control thread's round, and the engine's clock, which may jump.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "dataplane/core/counters.h"
#include "dataplane/engine/engine.h"
#include "dataplane/engine/worker.h"
#include "tests/simulation/environment.h"
#include "tests/simulation/frame_pool.h"
#include "tests/simulation/ip_packet.h"
#include "tests/simulation/site.h"
#include "tests/unit/engine/as_the_kernel.h"

namespace dam::simulation {

const char* reason_name(dam_drop_reason reason);

class Dam {
 public:
  // What one call of the engine did with one frame; for who keeps books (bucket_audit.h).
  struct Step {
    uint64_t now_ns;  // the engine's
    uint8_t port;
    const Bytes& packet;
    uint16_t frame_bytes;
  };
  using Deliver = std::function<void(Bytes)>;  // by its destination
  using Watch = std::function<void(const Step&)>;

  Dam(Environment& environment, const Site& site, Deliver deliver);

  void receive(uint8_t port, Bytes packet);
  void apply(const Policy& policy);
  void restart();  // as after kill -9: only what the tables hold stays; site.restarts
  void jump(uint64_t ns) { ahead_ns_ += ns; }
  void set_tick(uint64_t ns) { tick_ns_ = ns; }
  uint64_t now_ns() const { return base_ns_ + ahead_ns_ + environment_.now_ns(); }

  Engine& engine() { return *engine_; }
  uint32_t workers() const { return config_.workers; }
  const dam_counters& counters() const { return *counters_; }
  uint64_t drops(dam_drop_reason reason) const;
  uint64_t front_drops(dam_drop_reason reason) const;  // of connections without a route
  // Of all connections that have ended, as the log is told.
  const std::vector<ConnectionRecord>& records() const { return records_; }
  bool has_all_frames() const;

  uint32_t burst_most = kBurst;
  uint64_t poll_delay_ns = 100'000;
  Watch before_step;  // with bursts of one frame
  Watch after_step;

 private:
  struct Arrival {
    uint8_t port;
    Bytes packet;
    bool handed = false;  // by another worker
  };
  // One worker's share: what its queue of the NIC and the other workers bring.
  struct Lane {
    uint32_t index;
    std::deque<Arrival> arrivals;
    Output output;
    bool poll_due = false;
  };

  void begin_engine();
  void bring(Lane& lane, Arrival arrival);
  void ask_to_poll(Lane& lane);
  void poll(Lane& lane);
  std::vector<Arrival> take_burst(Lane& lane);
  bool hand_off(const Lane& lane, Arrival& arrival, const Frame& frame);
  void tick(Lane& lane);
  void control();
  void take_records();
  void transmit(Lane& lane);
  bool tell_refusals();
  void resolve_next_hops();

  Environment& environment_;
  Random random_;
  Deliver deliver_;
  std::unique_ptr<dam_counters> counters_;
  std::unique_ptr<test::OwnTables> tables_;
  EngineConfig config_;
  std::shared_ptr<const Policy> applied_;
  std::unique_ptr<Engine> engine_;
  FramePool frames_;
  std::deque<Lane> lanes_;
  uint64_t base_ns_;
  uint64_t ahead_ns_ = 0;
  uint64_t tick_ns_ = 2 * kMs;
  uint64_t version_ = 0;
  std::vector<ConnectionRecord> records_;
  std::array<uint64_t, DAM_DROP_COUNT> told_{};
  std::array<uint64_t, DAM_DROP_COUNT> dropped_before_{};  // by engines before this one
};

}  // namespace dam::simulation
