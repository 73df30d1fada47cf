// SPDX-License-Identifier: BSD-3-Clause
// Which worker a frame belongs to, when there are several.
#include <gtest/gtest.h>

#include <cstring>

#include "tests/unit/engine/small_site.h"

namespace dam::test {
namespace {

constexpr uint32_t kWorkers = 2;

struct TwoWorkers {
  explicit TwoWorkers(ReplyWorker reply_worker) : counters(new dam_counters()) {
    EngineConfig config;
    config.limits = SmallSite::small_limits();
    config.workers = kWorkers;
    Interface link;
    link.name = "service";
    link.mac = {2, 0, 0, 0, 0, 0};
    link.subnets = {{v4(198, 18, 10, 2), 120}};
    config.interfaces = {link};
    config.counters = counters.get();
    config.reply_worker = std::move(reply_worker);
    engine = std::make_unique<Engine>(config);
    policy = SmallSite().draft();
    policy.derive();
    engine->apply(std::make_shared<const Policy>(policy));
  }

  // Which worker would get this reply of a server, if it came to `arrived_at`.
  uint32_t owner(uint32_t arrived_at, uint16_t to_port) {
    Segment reply;
    reply.src = kServiceServer;
    reply.dst = v4(198, 18, 10, 2);
    reply.src_port = dam_hton16(443);
    reply.dst_port = dam_hton16(to_port);
    reply.flags = DAM_TCP_SYN | DAM_TCP_ACK;
    std::vector<uint8_t> memory(2048);
    Frame frame;
    frame.data = memory.data();
    write_segment(frame, reply);
    return engine->worker(arrived_at).owner_of(frame);
  }

  std::unique_ptr<dam_counters> counters;
  std::unique_ptr<Engine> engine;
  Policy policy;
};

TEST(WorkerOwner, a_reply_stays_where_the_nics_own_hash_has_put_it) {
  TwoWorkers two([](const dam_address&, dam_be16, const dam_address&, uint16_t port) {
    return uint32_t{port >> 1 & 1u};
  });
  for (uint16_t port = 2000; port < 2100; ++port) {
    const uint32_t queue = two.engine->port_owner(two.policy.servers[0], 4, 0, port);
    EXPECT_EQ(two.owner(queue, port), queue) << port;
  }
}

TEST(WorkerOwner, without_such_a_hash_the_port_tells_the_worker) {
  TwoWorkers two({});
  for (uint16_t port = 2000; port < 2100; ++port) {
    const uint32_t chosen = two.engine->port_owner(two.policy.servers[0], 4, 0, port);
    EXPECT_EQ(two.owner(0, port), chosen);
    EXPECT_EQ(two.owner(1, port), chosen);
  }
}

}  // namespace
}  // namespace dam::test
