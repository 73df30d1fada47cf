// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "dataplane/core/connection_end.h"
#include "tests/unit/threads/limited_site.h"
#include "tests/unit/threads/workers.h"

namespace dam::test {

// What a control thread may do at any time: policies, orders, secrets, captures, looks.
class ControlThread {
 public:
  explicit ControlThread(Workers& workers) : workers_(workers), policy_(policy_of()) {}
  ~ControlThread() = default;
  ControlThread(const ControlThread&) = delete;
  ControlThread& operator=(const ControlThread&) = delete;

  void meddle(uint64_t round) {
    if (round == round_) return;
    round_ = round;
    Engine& engine = workers_.engine();
    if (round % 3 == 0) {
      policy_.timeouts.idle_ns = (3600 + round % 7) * kSecond;
      policy_.servers[0].weight = static_cast<uint16_t>(1 + round % 5);
      const SourcePrefix stranger{v4(203, 0, 113, static_cast<uint8_t>(round)), 128};
      policy_.deny = PrefixSet({&stranger, 1});
      workers_.apply(policy_);
    }
    engine.order(0, {false, static_cast<uint16_t>(round % 9)});
    if (round % 300 == 0) {
      const uint64_t fresh[2] = {round, round * 3};
      engine.rotate_secret(fresh);
    }
    dam_capture wanted{};
    wanted.snap_bytes = round % 20 < 10 ? 128 : 0;
    wanted.zone = wanted.reason = DAM_SIGHT_ANY;
    wanted.passed = wanted.dropped = 1;
    if (round % 10 == 0) engine.set_capture(wanted);
    engine.control_tick(workers_.now_ns());
    look();
    hear();
  }

  void ban(const std::vector<SourcePrefix>& sources) {
    policy_.bans = PrefixSet(sources);
    ++policy_.bans_grown;
    workers_.apply(policy_);
  }
  // As an operator ends them.
  void end_flows_of(const dam_address& client) {
    for (uint32_t w = 0; w < Workers::kWorkers; ++w) {
      Worker& worker = workers_.engine().worker(w);
      for (uint32_t i = 0; i < worker.flow_capacity(); ++i) {
        const auto flow = worker.glance(i);
        if (flow && dam_address_equal(&flow->client, &client)) worker.end(flow->id);
      }
    }
  }
  uint64_t records() const { return records_; }
  uint64_t sights() const { return sights_; }

  void hear() {
    for (uint32_t w = 0; w < Workers::kWorkers; ++w) {
      Worker& worker = workers_.engine().worker(w);
      dam_sight sight;
      SightRing::FrameBytes frame;
      while (worker.take_sight(sight, frame)) ++sights_;
      ConnectionRecord record;
      while (worker.take_record(record)) ++records_;
    }
  }

 private:
  void look() {
    Engine& engine = workers_.engine();
    for (uint32_t slot = round_ % 16; slot < engine.sources.slots(); slot += 16) {
      engine.sources.glance(slot);
      SourceTable::banned(engine.sources[slot], workers_.now_ns());
    }
    for (uint32_t w = 0; w < Workers::kWorkers; ++w) {
      for (uint32_t i = 0; i < 200; ++i) engine.worker(w).glance(i);
    }
    for (uint32_t w = 0; w < Workers::kWorkers; ++w) {  // as it looks for new bans
      const dam_worker_counters& counters = workers_.counters().worker[w];
      for (const dam_zone_counters& zone : counters.zones) {
        for (const uint64_t& bans : zone.bans) dam_load_shared64(&bans);
      }
    }
    EXPECT_NE(workers_.counters_file().read(), nullptr);
  }
  Workers& workers_;
  Policy policy_;
  uint64_t round_ = UINT64_MAX, records_ = 0, sights_ = 0;
};

}  // namespace dam::test
