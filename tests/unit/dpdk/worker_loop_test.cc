// SPDX-License-Identifier: BSD-3-Clause
// The worker's loop with the real engine between two ring ports.
#include "dataplane/drivers/dpdk/worker_loop.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include "dataplane/ipc/policy_builder.h"
#include "tests/unit/dpdk/dpdk_test_environment.h"
#include "tests/unit/dpdk/wire_port.h"
#include "tests/unit/ipc/example_policy.h"

namespace dam {
namespace {

constexpr MacAddress kClientMac = {2, 0, 0, 0, 0, 9};

std::string arp_request(const std::string& from, const std::string& to) {
  std::string frame = "\xff\xff\xff\xff\xff\xff";
  const std::string mac(kClientMac.begin(), kClientMac.end());
  frame += mac + std::string("\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01", 10);
  frame += mac + wire(from) + std::string(6, '\0') + wire(to);
  return frame + std::string(18, '\0');
}

std::string syn(const std::string& from, uint16_t port, const std::string& to, uint16_t to_port) {
  std::string frame(60, '\0');
  auto* p = reinterpret_cast<uint8_t*>(frame.data());
  std::memcpy(p + 6, kClientMac.data(), 6);
  dam_store_be16(p + 12, 0x0800);
  p[14] = 0x45;
  dam_store_be16(p + 16, 40);
  p[22] = 64;
  p[23] = 6;
  std::memcpy(p + 26, wire(from).data(), 4);
  std::memcpy(p + 30, wire(to).data(), 4);
  dam_store_be16(p + 34, port);
  dam_store_be16(p + 36, to_port);
  p[46] = 5 << 4;
  p[47] = DAM_TCP_SYN;
  return frame;
}

class WorkerLoopTest : public ::testing::Test {
 protected:
  void SetUp() override { need_dpdk(); }

  void open(uint32_t workers) {
    StartConfig config;
    config.workers = workers;
    for (uint8_t i = 0; i < 2; ++i) {
      wires_.push_back(std::make_unique<WirePort>(workers));
      config.devices.push_back({wires_.back()->device, workers, 1500});
      Interface interface;
      interface.name = i == 0 ? "front" : "back";
      interface.port = i;
      interface.mac = {2, 0, 0, 0, 1, i};
      interface.subnets.push_back({address(i == 0 ? "198.51.100.10" : "198.18.1.1"), 120});
      config.interfaces.push_back(interface);
    }
    driver_ = std::make_unique<DpdkDriver>(config, RssKey{});
    EngineConfig engine;
    engine.limits.flows = 1024;
    engine.limits.half_open = 256;
    engine.limits.sources = 1024;
    engine.limits.hold_bytes = 1 << 20;
    engine.workers = workers;
    engine.interfaces = config.interfaces;
    engine.counters = counters_.get();
    engine.hash_key[0] = 42;
    const Limits limits = engine.limits;
    engine_ = std::make_unique<Engine>(std::move(engine));
    engine_->apply(build_policy(example_policy(), limits, nullptr).policy);
    for (uint32_t i = 0; i < workers; ++i) {
      loops_.push_back(std::make_unique<WorkerLoop>(*driver_, *engine_, i, Rest::busy, clock));
    }
  }
  void TearDown() override {
    watched = nullptr;
    waiting = 0;
    loops_.clear();
    engine_.reset();
    driver_.reset();
  }

  static uint64_t clock() {
    if (watched != nullptr) waiting = std::max(waiting, rte_ring_count(watched));
    return now_ns;
  }
  static bool later(WorkerLoop& loop) {
    now_ns += 1000;
    return loop.round();
  }
  void arrive(const std::string& bytes, uint32_t queue = 0) {
    rte_mbuf* mbuf = rte_pktmbuf_alloc(driver_->pool().mempool());
    ASSERT_NE(mbuf, nullptr);
    std::memcpy(rte_pktmbuf_append(mbuf, static_cast<uint16_t>(bytes.size())), bytes.data(),
                bytes.size());
    ASSERT_EQ(rte_ring_enqueue(wires_[0]->rx[queue], mbuf), 0);
  }
  std::vector<std::string> left(uint32_t queue = 0) {
    std::vector<std::string> frames;
    void* out = nullptr;
    while (rte_ring_dequeue(wires_[0]->tx[queue], &out) == 0) {
      auto* mbuf = static_cast<rte_mbuf*>(out);
      frames.emplace_back(rte_pktmbuf_mtod(mbuf, char*), mbuf->pkt_len);
      rte_pktmbuf_free(mbuf);
    }
    return frames;
  }

  std::unique_ptr<dam_counters> counters_ = std::make_unique<dam_counters>();
  std::vector<std::unique_ptr<WirePort>> wires_;
  std::unique_ptr<DpdkDriver> driver_;
  std::unique_ptr<Engine> engine_;
  std::vector<std::unique_ptr<WorkerLoop>> loops_;

  static inline uint64_t now_ns = 1'000'000'000;
  static inline const rte_ring* watched = nullptr;  // when the clock is asked
  static inline unsigned waiting = 0;               // so many frames there, at most
};

TEST_F(WorkerLoopTest, what_comes_in_is_answered_by_the_engine) {
  open(1);
  loops_[0]->round();
  left();  // announcements of the dam's own addresses
  arrive(arp_request("198.51.100.20", "198.51.100.10"));
  EXPECT_TRUE(later(*loops_[0]));
  const auto frames = left();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].substr(0, 6), std::string(kClientMac.begin(), kClientMac.end()));
  EXPECT_EQ(frames[0].substr(20, 2), std::string("\x00\x02", 2));  // an ARP reply
  EXPECT_EQ(frames[0].substr(28, 4), wire("198.51.100.10"));
  EXPECT_EQ(counters_->worker[0].bursts, 1u);
}

// This thread may not run for a while between the two: time that was asked for before would be
// older than the frames that came meanwhile.
TEST_F(WorkerLoopTest, the_time_is_asked_for_when_frames_are_here) {
  open(1);
  arrive(arp_request("198.51.100.20", "198.51.100.10"));
  watched = wires_[0]->rx[0];
  EXPECT_TRUE(later(*loops_[0]));
  EXPECT_EQ(waiting, 0u);
}

TEST_F(WorkerLoopTest, an_empty_round_did_no_work) {
  open(1);
  loops_[0]->round();
  EXPECT_FALSE(later(*loops_[0]));
}

TEST_F(WorkerLoopTest, frames_of_other_workers_flows_are_handed_over) {
  open(2);
  for (int i = 0; i < 60; ++i) {  // all by the queue of worker 0
    arrive(syn("203.0.113.5", static_cast<uint16_t>(2000 + i), "198.51.100.10", 443));
  }
  for (int i = 0; i < 4; ++i) {
    for (auto& loop : loops_) later(*loop);
  }
  const dam_worker_counters* worker = counters_->worker;
  EXPECT_EQ(worker[0].rx_packets + worker[1].rx_packets, 60u);
  EXPECT_EQ(worker[0].handed_off, worker[1].rx_packets);
  EXPECT_GT(worker[0].handed_off, 10u);
  EXPECT_LT(worker[0].handed_off, 50u);
  EXPECT_EQ(worker[1].handed_off, 0u);
}

TEST_F(WorkerLoopTest, a_full_ring_between_workers_is_counted) {
  open(2);
  uint32_t sent = 0;
  while (counters_->worker[0].zones[0].drops[DAM_DROP_handoff_full] == 0 && sent < 20'000) {
    for (int i = 0; i < 32; ++i, ++sent) {  // worker 1 never comes
      arrive(syn("203.0.113.5", static_cast<uint16_t>(sent), "198.51.100.10", 443));
    }
    later(*loops_[0]);
    later(*loops_[0]);
    left();
  }
  EXPECT_EQ(counters_->worker[0].handed_off, Steering::kRingFrames);
  EXPECT_GT(counters_->worker[0].zones[0].drops[DAM_DROP_handoff_full], 0u);
}

}  // namespace
}  // namespace dam
