// SPDX-License-Identifier: BSD-3-Clause
// Between the opening of the ports and the first policy.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include "dataplane/engine/engine.h"
#include "dataplane/engine/worker.h"
#include "tests/unit/durations.h"
#include "tests/unit/engine/link_fixture.h"
#include "tests/unit/engine/small_site.h"

namespace dam::test {
namespace {

const std::string kOwn = "020000000000", kPeer = "0200000000aa";

struct Fresh {
  Fresh() {
    std::memset(static_cast<void*>(counters.get()), 0, sizeof(dam_counters));
    Interface front;
    front.mac = {2, 0, 0, 0, 0, 0};
    front.subnets = {subnet_of("198.18.0.2", 24)};
    front.gateways = {address_of("198.18.0.1")};
    EngineConfig config;
    config.limits = SmallSite::small_limits();
    config.interfaces = {front};
    config.counters = counters.get();
    engine = std::make_unique<Engine>(config);
  }
  std::vector<Bytes> tick() {
    link.refill(kSpares);
    engine->worker(0).tick(link.output, kSecond);
    return link.sent();
  }
  std::vector<Bytes> receive(const Bytes& bytes) {
    Frame frame = link.frame_of(bytes);
    engine->worker(0).poll({&frame, 1}, link.output, kSecond);
    return link.sent();
  }
  uint64_t drops(dam_drop_reason reason) const {
    return counters->worker[0].zones[0].drops[reason];
  }
  std::unique_ptr<dam_counters> counters = std::make_unique<dam_counters>();
  std::unique_ptr<Engine> engine;
  Link link;
};

TEST(NoPolicy, WhatNextHopsAnswerIsHeard) {
  Fresh fresh;
  const std::vector<Bytes> asked = fresh.tick();
  const Bytes question = arp(1, kOwn, "198.18.0.2", "000000000000", "198.18.0.1");
  EXPECT_EQ(std::count(asked.begin(), asked.end(), question), 1);
  fresh.receive(arp(2, kPeer, "198.18.0.1", kOwn, "198.18.0.2", kOwn));
  EXPECT_EQ(fresh.drops(DAM_DROP_consumed), 1u);
  const NextHop way = fresh.engine->neighbours.next_hop(kClient);
  EXPECT_NE(fresh.engine->neighbours.mac_word(way.neighbour) & Neighbours::kKnown, 0u);
}

TEST(NoPolicy, WhoAsksForTheDamIsAnsweredAtOnce) {
  Fresh fresh;
  const Bytes answer = arp(2, kOwn, "198.18.0.2", kPeer, "198.18.0.1", kPeer);
  EXPECT_EQ(fresh.receive(arp(1, kPeer, "198.18.0.1", "000000000000", "198.18.0.2")),
            std::vector<Bytes>{answer});
}

TEST(NoPolicy, ConnectionsAreRefusedSilentlyAndCounted) {
  Fresh fresh;
  std::vector<uint8_t> memory(2048);
  Frame syn;
  syn.data = memory.data();
  Segment segment = ClientSide().segment(DAM_TCP_SYN);
  ASSERT_TRUE(write_segment(syn, segment));
  std::memcpy(syn.data, from_hex(kOwn).data(), 6);
  EXPECT_TRUE(fresh.receive({syn.data, syn.data + syn.bytes}).empty());
  EXPECT_EQ(fresh.drops(DAM_DROP_no_policy), 1u);
  EXPECT_TRUE(fresh.receive({0xff, 0xff}).empty()) << "nor does rubbish hurt";
  EXPECT_EQ(fresh.drops(DAM_DROP_no_policy), 2u);
  EXPECT_EQ(fresh.link.dropped, 1u) << "its memory goes back";
}

}  // namespace
}  // namespace dam::test
