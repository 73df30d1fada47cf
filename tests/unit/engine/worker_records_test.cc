// SPDX-License-Identifier: BSD-3-Clause
// Connections that are over are told, as the policy wants: who, how much, how long, and why; and
// handshakes are measured.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "tests/unit/engine/standing.h"

namespace dam::test {
namespace {

std::vector<ConnectionRecord> ended(SmallSite& site) {
  std::vector<ConnectionRecord> all;
  ConnectionRecord record;
  while (site.engine().worker(0).take_record(record)) all.push_back(record);
  return all;
}

struct Records : testing::Test {
  Records() { tell(1); }
  void tell(uint32_t every) {
    Policy policy = site.draft();
    policy.log_connections_every = every;
    policy.timeouts.closing_ns = kSecond;
    policy.timeouts.idle_ns = 60 * kSecond;
    site.apply(policy);
  }
  SmallSite site;
};

TEST_F(Records, of_a_connection_that_both_ends_close) {
  const auto c = stand(site);
  ASSERT_TRUE(c);
  const uint32_t hello = static_cast<uint32_t>(c->held.size());
  const std::string down(1000, 'd');
  site.send(c->server_port, c->from_server(kAck, down, server_next(*c), server_ack(*c)));
  site.advance(2 * kSecond);
  Segment fin = c->client.segment(kAck | DAM_TCP_FIN, "up");
  fin.ack = dam_seq_add(fin.ack, 1000);
  site.send(kFrontPort, fin);
  site.send(c->server_port,
            c->from_server(kAck | DAM_TCP_FIN, {}, server_next(*c) + 1000, server_ack(*c) + 3));
  Segment last = c->client.segment(kAck);
  last.seq = dam_seq_add(last.seq, 3);
  last.ack = dam_seq_add(last.ack, 1001);
  site.send(kFrontPort, last);
  EXPECT_TRUE(ended(site).empty());
  site.advance(3 * kSecond);
  const auto told = ended(site);
  ASSERT_EQ(told.size(), 1u);
  const ConnectionRecord& one = told[0];
  EXPECT_TRUE(dam_address_equal(&one.client, &kClient));
  EXPECT_EQ(one.client_port.raw, dam_hton16(c->client.port).raw);
  EXPECT_EQ(one.zone_slot, kServiceZone);
  EXPECT_TRUE(one.has_server);
  EXPECT_EQ(one.bytes_up, hello + 2);
  EXPECT_EQ(one.bytes_down, 1000u);
  EXPECT_EQ(one.end, DAM_END_closed);
  EXPECT_NEAR(static_cast<double>(one.lasted_ns), 2.0 * kSecond, 0.1 * kSecond);
  EXPECT_NEAR(static_cast<double>(site.now_ns() - one.ended_ns), 3.0 * kSecond, 0.1 * kSecond);
  EXPECT_EQ(one.stands_for, 1u);
  EXPECT_TRUE(one.ja4.text().starts_with("t12d010100_")) << one.ja4.text();
}

TEST_F(Records, of_resets_and_silence_and_of_who_ended_them) {
  const auto reset = [&](bool by_client) {
    const auto c = stand(site);
    ASSERT_TRUE(c);
    if (by_client) {
      site.send(kFrontPort, c->client.segment(DAM_TCP_RST));
    } else {
      site.send(c->server_port, c->from_server(DAM_TCP_RST, {}, server_next(*c), 0));
    }
    site.advance(2 * kSecond);
    const auto told = ended(site);
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0].end, by_client ? DAM_END_client_reset : DAM_END_server_reset);
  };
  reset(true);
  reset(false);
  ASSERT_TRUE(stand(site));
  site.advance(70 * kSecond);
  const auto told = ended(site);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].end, DAM_END_idle);
}

TEST_F(Records, of_one_that_the_dam_ends_with_its_reason) {
  const auto c = call(site, {}, "www.example.org");
  ASSERT_TRUE(c);
  site.advance(20 * kSecond);
  const auto told = ended(site);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].end, DAM_END_refused);
  EXPECT_EQ(told[0].reason, DAM_DROP_server_timeout);
  EXPECT_EQ(told[0].bytes_up, 0u);
  EXPECT_TRUE(told[0].has_server);
}

TEST_F(Records, none_where_the_policy_wants_none_nor_without_a_route) {
  tell(0);
  ASSERT_TRUE(stand(site));
  site.advance(70 * kSecond);
  EXPECT_TRUE(ended(site).empty());
  tell(1);
  ClientSide client;
  ASSERT_TRUE(prove(site, client));
  site.advance(70 * kSecond);
  EXPECT_TRUE(ended(site).empty());
}

TEST_F(Records, of_one_in_so_many_that_stands_for_them) {
  tell(4);
  constexpr int kCount = 400;
  int made = 0;
  for (int round = 0; round < kCount / 50; ++round) {
    made += static_cast<int>(stand_many(site, 50).size());
    site.advance(70 * kSecond);
  }
  ASSERT_EQ(made, kCount);
  const auto told = ended(site);
  EXPECT_GT(told.size(), 60u);  // 100 in the mean, 8.7 the standard deviation
  EXPECT_LT(told.size(), 140u);
  for (const ConnectionRecord& one : told) EXPECT_EQ(one.stands_for, 4u);
}

// The kernel's clock may be ahead of the one that the worker's round began with.
TEST(KernelsClock, what_was_seen_after_the_workers_time_is_not_silent) {
  SmallSite site(SmallSite::small_limits(), kOutlive);
  Policy policy = site.draft();
  policy.log_connections_every = 1;
  policy.timeouts.idle_ns = 60 * kSecond;
  site.apply(policy);
  ASSERT_TRUE(stand(site));
  site.advance(59 * kSecond);
  BigArray flows(site.tables().flows);
  for (Flow& flow : flows.all()) {
    if (flow.state == DAM_FLOW_established) flow.last_seen = coarse(site.now_ns() + 5 * kSecond);
  }
  site.advance(3 * kSecond);
  EXPECT_EQ(site.flows(), 1u);
  EXPECT_TRUE(ended(site).empty());
  site.advance(70 * kSecond);
  EXPECT_EQ(site.flows(), 0u);
  ASSERT_EQ(ended(site).size(), 1u);
}

uint64_t observed(const SmallSite& site, dam_histogram_kind kind) {
  const dam_histogram& one = site.worker().histograms[kind];
  return std::accumulate(std::begin(one.counts), std::end(one.counts), uint64_t{0});
}

TEST_F(Records, handshakes_are_measured) {
  Connection c;
  ASSERT_TRUE(prove(site, c.client));
  site.send(kFrontPort, c.client.segment(kAck));
  site.advance(300 * kMillisecond);
  const auto seen = site.send(kFrontPort, c.client.segment(kAck, client_hello("www.example.org")));
  ASSERT_NE(find_tcp(seen, kServicePort, DAM_TCP_SYN), nullptr);
  EXPECT_EQ(observed(site, DAM_HISTOGRAM_hello_time), 1u);
  EXPECT_NEAR(static_cast<double>(site.worker().histograms[DAM_HISTOGRAM_hello_time].sum), 300'000,
              20'000);
  EXPECT_EQ(observed(site, DAM_HISTOGRAM_hello_size), 1u);
  EXPECT_EQ(site.worker().histograms[DAM_HISTOGRAM_hello_size].sum,
            client_hello("www.example.org").size());
  EXPECT_EQ(observed(site, DAM_HISTOGRAM_connect_time), 0u);
  ClientSide other;
  other.port = 40'001;
  ASSERT_TRUE(stand(site, other));
  EXPECT_EQ(observed(site, DAM_HISTOGRAM_connect_time), 1u);
  EXPECT_EQ(observed(site, DAM_HISTOGRAM_handshake_time), 1u);
}

TEST(Histogram, a_value_lies_in_the_first_bucket_whose_bound_it_does_not_exceed) {
  const std::pair<uint64_t, size_t> rows[] = {
      {0, 0},          {1, 0},   {64, 0},          {65, 1},
      {128, 1},        {129, 2}, {1ull << 23, 17}, {(1ull << 23) + 1, 18},
      {UINT64_MAX, 18}};
  for (const auto& [value, bucket] : rows) {
    dam_histogram histogram{};
    dam_observe(&histogram, value, 6, 18);
    EXPECT_EQ(histogram.counts[bucket], 1u) << value;
  }
}

}  // namespace
}  // namespace dam::test
