// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/dpdk/standing_tables.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <functional>
#include <stdexcept>
#include <string>

#include "dataplane/engine/standing_control.h"

namespace dam {
namespace {

StartConfig small_start() {
  StartConfig config;
  config.driver = "dpdk";
  config.limits.flows = 1000;
  config.limits.half_open = 24;
  config.limits.sources = 1000;
  config.devices = {{.device = "front"}, {.device = "back"}};
  config.interfaces.resize(2);
  config.interfaces[0].subnets = {{dam_address_v4(0xc6120002), 120}};
  config.interfaces[1].port = 1;
  config.interfaces[1].subnets = {{dam_address_v4(0xc6120a02), 120}};
  return config;
}

Policy small_policy() {
  Policy policy;
  policy.version = 7;
  policy.source_ports = {20000, 30000};
  policy.zones.resize(2);
  policy.zones[0].name = "front";
  policy.zones[1].name = "management";
  policy.zones[1].management = true;
  policy.servers.resize(1);
  policy.servers[0].name = "web";
  policy.servers[0].address[0] = dam_address_v4(0xc6120a64);
  policy.servers[0].port = dam_hton16(443);
  policy.listeners.resize(1);
  policy.listeners[0].port = dam_hton16(8443);
  return policy;
}

class StandingTablesTest : public ::testing::Test {
 protected:
  StandingTablesTest() {
    if (mkdtemp(parent_.data()) == nullptr) throw std::runtime_error("no /dev/shm");
  }
  ~StandingTablesTest() override { std::filesystem::remove_all(parent_); }
  std::string folder() const { return parent_ + "/dam"; }

  // As a dataplane that had a policy, secrets and a flow, and ended at kEndedNs.
  void leave(const StartConfig& config, const Policy& policy = small_policy()) const {
    EngineConfig engine;
    engine.hash_key[0] = 11;
    StandingTables tables(folder(), config, 1, RssKey{5});
    tables.complete(engine, 1);
    set_secrets(tables.control(), secrets_of(99));
    tables.announce(policy);
    tables.settle(policy);
    tables.beat(kEndedNs);
    engine.shared.flows.back().client_port = dam_hton16(4711);
    engine.shared.sources.back().tat_ns[0] = 17;
    engine.shared.index.front().tag[0] = 3;
  }
  static dam_cookie_secrets secrets_of(uint64_t word) {
    dam_cookie_secrets secrets{};
    const uint64_t fresh[2] = {word, word};
    dam_cookie_rotate(&secrets, fresh);
    return secrets;
  }
  StandingTables next(const StartConfig& config, uint64_t after_ns = 1'000'000'000) const {
    return {folder(), config, kEndedNs + after_ns, RssKey{6}};
  }
  std::string why_ended(const std::function<void(StartConfig&)>& change) const {
    leave(small_start());
    StartConfig config = small_start();
    change(config);
    StandingTables tables = next(config);
    EXPECT_FALSE(tables.adopted());
    EXPECT_EQ(tables.rss_key(), RssKey{6});
    EngineConfig engine;
    tables.complete(engine, kEndedNs);
    EXPECT_FALSE(engine.standing);
    EXPECT_EQ(engine.shared.flows.back().client_port.raw, 0);
    return tables.ended();
  }

  static constexpr uint64_t kEndedNs = 500'000'000'000;

 private:
  std::string parent_ = "/dev/shm/dam-test-XXXXXX";
};

TEST_F(StandingTablesTest, the_next_one_finds_what_was_left_and_an_empty_index) {
  leave(small_start());
  StandingTables tables = next(small_start());
  ASSERT_TRUE(tables.adopted()) << tables.ended();
  EXPECT_EQ(tables.ended(), "");
  EngineConfig engine;
  tables.complete(engine, 1234);
  EXPECT_EQ(engine.hash_key[0], 11u);
  EXPECT_EQ(engine.shared.flows.back().client_port.raw, dam_hton16(4711).raw);
  EXPECT_EQ(engine.shared.index.front().tag[0], 0);
  ASSERT_TRUE(engine.standing);
  EXPECT_EQ(engine.standing->now_ns, 1234u);
  const dam_cookie_secrets secrets = secrets_of(99);
  EXPECT_EQ(std::memcmp(&engine.standing->secrets, &secrets, sizeof secrets), 0);
  const Policy& slots = *engine.standing->policy;
  ASSERT_EQ(slots.zones.size(), 2u);
  EXPECT_TRUE(slots.zones[1].management);
  ASSERT_EQ(slots.servers.size(), 1u);
  EXPECT_EQ(slots.servers[0].name, "web");
  ASSERT_EQ(slots.listeners.size(), 1u);
  EXPECT_EQ(slots.listeners[0].port.raw, dam_hton16(8443).raw);
}

TEST_F(StandingTablesTest, a_start_that_fails_ends_nothing) {
  leave(small_start());
  StartConfig other = small_start();
  other.limits.flows = 2'000'000;
  EXPECT_FALSE(next(other).adopted());
  EXPECT_TRUE(next(small_start()).adopted());
}

TEST_F(StandingTablesTest, without_a_policy_nothing_stands) {
  EngineConfig engine;
  StandingTables(folder(), small_start(), 1, RssKey{5}).complete(engine, 1);
  EXPECT_FALSE(next(small_start()).adopted());
  EXPECT_EQ(next(small_start()).ended(), "");
}

TEST_F(StandingTablesTest, workers_find_their_packets_by_the_key_of_before) {
  StartConfig two = small_start();
  two.workers = 2;
  leave(two);
  EXPECT_EQ(next(two).rss_key(), RssKey{5});
  leave(small_start());
  EXPECT_EQ(next(small_start()).rss_key(), RssKey{6}) << "one needs none";
}

TEST_F(StandingTablesTest, after_a_minute_buckets_go_on_and_connections_do_not) {
  leave(small_start());
  StandingTables tables = next(small_start(), 61'000'000'000);
  EXPECT_TRUE(tables.adopted());
  EXPECT_EQ(tables.ended(), "nobody forwarded them for 61 seconds");
  EngineConfig engine;
  tables.complete(engine, kEndedNs + 61'000'000'000);
  EXPECT_TRUE(engine.standing);
  EXPECT_EQ(engine.shared.flows.back().client_port.raw, 0);
  EXPECT_EQ(engine.shared.sources.back().tat_ns[0], 17u);
}

TEST_F(StandingTablesTest, what_flows_name_by_its_place_must_be_the_same) {
  const auto flows = "limits.flows or half_open is another";
  EXPECT_EQ(why_ended([](StartConfig& c) { c.limits.flows = 2'000'000; }), flows);
  EXPECT_EQ(why_ended([](StartConfig& c) { c.limits.flows += 4; }), flows);
  EXPECT_EQ(why_ended([](StartConfig& c) { c.workers = 2; }), "the number of workers is another");
  const auto site = "the interfaces or their addresses are others";
  EXPECT_EQ(why_ended([](StartConfig& c) { c.devices[1].device = "other"; }), site);
  EXPECT_EQ(why_ended([](StartConfig& c) { c.interfaces[0].vlan = 7; }), site);
  EXPECT_EQ(why_ended([](StartConfig& c) { c.interfaces[0].subnets[0].address.word[3] ^= 1; }),
            site);
  EXPECT_EQ(why_ended([](StartConfig& c) { std::swap(c.interfaces[0], c.interfaces[1]); }), site);
}

TEST_F(StandingTablesTest, a_slot_that_was_anothers_is_nobodys_until_every_worker_has_the_policy) {
  leave(small_start());
  Policy other = small_policy();
  other.zones[1].name = "another";
  other.servers[0].address[0] = dam_address_v4(0xc6120a65);
  const auto after = [&](bool settled) {
    StandingTables tables = next(small_start());
    EngineConfig engine;
    tables.complete(engine, kEndedNs);
    tables.announce(other);
    if (settled) tables.settle(other);
    EngineConfig later;
    tables.complete(later, kEndedNs);
    return later.standing->policy;
  };
  const auto before = after(false);
  EXPECT_EQ(before->zones.size(), 1u) << "the last one is nobody's";
  EXPECT_TRUE(before->servers.empty());
  const auto settled = after(true);
  EXPECT_EQ(settled->zones[1].name, "another");
  EXPECT_EQ(settled->servers.size(), 1u);
}

TEST_F(StandingTablesTest, each_worker_has_an_equal_part) {
  StartConfig config = small_start();
  config.workers = 3;
  StandingTables tables(folder(), config, 1, RssKey{5});
  EngineConfig engine;
  tables.complete(engine, 1);
  EXPECT_EQ(engine.shared.flows.size(), 3u * 342);
  EXPECT_EQ(engine.shared.index.size() % 3, 0u);
  EXPECT_TRUE(std::has_single_bit(engine.shared.index.size() / 3));
  EXPECT_EQ(engine.shared.strays.size(), 3u * DAM_STRAYS);
}

}  // namespace
}  // namespace dam
