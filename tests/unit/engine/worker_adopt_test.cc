// SPDX-License-Identifier: BSD-3-Clause
// An engine on the tables of one that has ended, anywhere between two of its stores.
#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "tests/unit/engine/small_site.h"
#include "tests/unit/engine/standing.h"

namespace dam::test {
namespace {

dam_flow* standing_flow(SmallSite& site) {
  for (dam_flow& flow : site.tables().flows) {
    if (flow.state == DAM_FLOW_established) return &flow;
  }
  return nullptr;
}

void expect_goes_on(SmallSite& site, const Connection& c) {
  const auto up = site.send(kFrontPort, c.client.segment(kAck, "up"));
  const Seen* data = find_tcp(up, c.server_port, kAck);
  ASSERT_NE(data, nullptr);
  EXPECT_EQ(data->payload(), "up");
  EXPECT_EQ(data->packet.src_port.raw, c.server_syn.packet.src_port.raw);
  const auto down =
      site.send(c.server_port, c.from_server(kAck, "down", server_next(c), server_ack(c)));
  data = find_tcp(down, kFrontPort, kAck);
  ASSERT_NE(data, nullptr);
  EXPECT_EQ(data->payload(), "down");
}

TEST(Adopt, AStandingConnectionGoesOnAndNothingElseIsLeft) {
  SmallSite site(SmallSite::small_limits(), kOutlive);
  const auto c = stand(site);
  ClientSide waiting;
  waiting.port = 40002;
  ASSERT_TRUE(c && prove(site, waiting));
  site.send(kFrontPort, waiting.segment(kAck, client_hello("www.example.org").substr(0, 50)));
  ASSERT_EQ(site.flows(), 2u);
  restart(site);
  EXPECT_EQ(site.flows(), 1u) << "who was amid his hello is forgotten";
  EXPECT_EQ(site.engine().worker(0).half_open_used(), 0u);
  expect_goes_on(site, *c);
}

TEST(Adopt, BeforeItsFirstPolicyItTakesNothing) {
  SmallSite site(SmallSite::small_limits(), kOutlive);
  const auto c = stand(site);
  ASSERT_TRUE(c);
  site.restart();
  EXPECT_EQ(site.engine().worker(0).policy_seen(), nullptr);
  EXPECT_FALSE(site.engine().applied_everywhere());
  site.advance(5 * kMillisecond);
  EXPECT_EQ(site.flows(), 1u);
  site.apply(site.draft());
  expect_goes_on(site, *c);
}

// A cookie that was sent before is good after it: the secrets are the same.
TEST(Adopt, ACookieFromBeforeOpensAConnection) {
  SmallSite site(SmallSite::small_limits(), kOutlive);
  ClientSide client;
  ASSERT_TRUE(prove(site, client));
  restart(site);
  const auto seen = site.send(kFrontPort, client.segment(kAck, client_hello("www.example.org")));
  EXPECT_NE(find_tcp(seen, kServicePort, DAM_TCP_SYN), nullptr);
}

TEST(Adopt, PlacesAreCountedAnewAndGivenBack) {
  SmallSite site(SmallSite::small_limits(), kOutlive);
  Policy policy = site.draft();
  policy.zones[kServiceZone].per_source_concurrent = 1;
  site.apply(policy);
  const auto c = stand(site);
  ASSERT_TRUE(c);
  site.restart();
  site.apply(policy);
  ClientSide second;
  second.port = 40002;
  EXPECT_FALSE(stand(site, second)) << "its source has its one connection";
  site.send(kFrontPort, c->client.segment(kAck | DAM_TCP_RST));
  site.advance(11 * kSecond);
  EXPECT_EQ(site.flows(), 0u);
  EXPECT_EQ(site.engine().zone_concurrent[kServiceZone].load(), 0u);
  for (const dam_source_entry& entry : site.tables().sources) {
    EXPECT_EQ(SourceTable::references(entry), 0u);
    EXPECT_EQ(SourceTable::concurrent(entry), 0u);
  }
  second.port = 40003;
  EXPECT_TRUE(stand(site, second));
}

TEST(Adopt, ItsSourcePortIsNobodyElses) {
  SmallSite site(SmallSite::small_limits(), kOutlive);
  Policy policy = site.draft();
  policy.timeouts.port_rest_ns = 0;
  policy.source_ports = {30000, static_cast<uint16_t>(30000 + kProbePorts + 1)};  // for two
  site.apply(policy);
  const auto c = stand(site);
  ASSERT_TRUE(c);
  site.restart();
  site.apply(policy);
  site.advance(50 * kMillisecond);
  ClientSide client;
  client.port = 40002;
  const auto second = stand(site, client);
  ASSERT_TRUE(second);
  EXPECT_NE(second->server_syn.packet.src_port.raw, c->server_syn.packet.src_port.raw);
  client.port = 40003;
  EXPECT_FALSE(stand(site, client));
  expect_goes_on(site, *c);
}

// The server may still remember it (TIME-WAIT).
TEST(Adopt, ItsSourcePortRestsWhenItHasEnded) {
  SmallSite site(SmallSite::small_limits(), kOutlive);
  Policy policy = site.draft();
  policy.timeouts.closing_ns = kSecond;
  policy.timeouts.port_rest_ns = 60 * kSecond;
  policy.source_ports = {30000, static_cast<uint16_t>(30000 + kProbePorts)};  // for one
  site.apply(policy);
  const auto c = stand(site);
  ASSERT_TRUE(c);
  site.restart();
  site.apply(policy);
  site.send(kFrontPort, c->client.segment(kAck | DAM_TCP_RST));
  site.advance(2 * kSecond);
  ASSERT_EQ(site.flows(), 0u);
  ClientSide client;
  client.port = 40002;
  EXPECT_FALSE(call(site, client, "www.example.org"));
  site.advance(61 * kSecond);
  client.port = 40003;
  EXPECT_TRUE(call(site, client, "www.example.org"));
}

TEST(Adopt, SlotsOfThePolicyBeforeAreHeldAgainstTheFirstOneAfter) {
  SmallSite site(SmallSite::small_limits(), kOutlive);
  ASSERT_TRUE(stand(site));
  site.restart();
  Policy policy = site.draft();
  policy.servers[0].name = "another";
  policy.servers[0].address[0] = v4(198, 18, 10, 78);
  site.apply(policy);
  const auto seen = site.advance(5 * kMillisecond);
  EXPECT_EQ(count_tcp(seen, kFrontPort, DAM_TCP_RST), 1u);
  EXPECT_EQ(site.flows(), 0u);
}

TEST(Adopt, BansAndBucketsStay) {
  SmallSite site(SmallSite::small_limits(), kOutlive);
  const auto c = stand(site);
  ASSERT_TRUE(c);
  dam_flow* flow = standing_flow(site);
  dam_source_entry& entry = site.tables().sources[flow->source];
  entry.tat_ns[DAM_DIM_packets] = 12345;
  SourceTable::ban(entry, site.now_ns() + 60 * kSecond);
  site.restart();
  EXPECT_EQ(entry.tat_ns[DAM_DIM_packets], 12345u);
  EXPECT_TRUE(SourceTable::banned(entry, site.now_ns()));
  EXPECT_EQ(SourceTable::references(entry), 1u);
}

TEST(Adopt, AnEntryThatWasHalfMadeIsFree) {
  SmallSite site(SmallSite::small_limits(), kOutlive);
  dam_source_bucket& bucket = site.tables().source_buckets[0];
  const uint32_t used = site.engine().sources.used();
  bucket.word[3] = 0xabcd << DAM_SOURCE_TAG_SHIFT | 1;  // reserved
  bucket.word[4] = 0xabcd << DAM_SOURCE_TAG_SHIFT | DAM_SOURCE_MEMBER;
  site.tables().sources[3].state = DAM_SOURCE_LIVE | 1;
  site.tables().sources[4].state = 7;  // not live: it was being reclaimed
  bucket.control = uint64_t{5} << 32 | 4;
  site.restart();
  EXPECT_EQ(bucket.word[3], 0u);
  EXPECT_EQ(bucket.word[4], 0u);
  EXPECT_EQ(bucket.control, uint64_t{5} << 32);
  EXPECT_EQ(site.tables().sources[3].state & DAM_SOURCE_LIVE, 0u);
  EXPECT_EQ(site.engine().sources.used(), used);
}

TEST(Adopt, NextHopsKeepTheirIds) {
  SmallSite site(SmallSite::small_limits(), kOutlive);
  const NextHop before = site.engine().neighbours.next_hop(kServiceServer);
  const uint32_t used = site.engine().neighbours.used();
  ASSERT_TRUE(before);
  uint16_t broken = 0;
  while (site.tables().neighbours[broken].state != DAM_NEIGHBOUR_free) ++broken;
  site.tables().neighbours[broken].state = DAM_NEIGHBOUR_writing;
  site.restart();
  EXPECT_EQ(site.engine().neighbours.used(), used);
  EXPECT_EQ(site.engine().neighbours.next_hop(kServiceServer).neighbour, before.neighbour);
  EXPECT_NE(site.engine().neighbours.mac_word(before.neighbour), Neighbours::kUnknownMac);
}

// The memory was writable for a process that anybody may have taken over.
TEST(Adopt, AFlowThatMakesNoSenseIsNotTaken) {
  const std::function<void(dam_flow&)> ways[] = {
      [](dam_flow& f) { f.listener_slot = 999; },
      [](dam_flow& f) { f.server_slot = 999; },
      [](dam_flow& f) { f.zone_slot = 60; },
      [](dam_flow& f) { f.local = 200; },
      [](dam_flow& f) { f.local = 2; },  // on the link to the other server
      [](dam_flow& f) { f.out_interface[DAM_C2S] = 77; },
      [](dam_flow& f) { f.out_interface[DAM_S2C] = 77; },
      [](dam_flow& f) { f.neighbour[DAM_C2S] = 0xfffe; },
      [](dam_flow& f) { f.neighbour[DAM_S2C] ^= 1; },
      [](dam_flow& f) { f.family = 6; },
      [](dam_flow& f) { f.source_port = 0; },
      [](dam_flow& f) { f.flags = 0; },
      [](dam_flow& f) { f.state = DAM_FLOW_deliver; },
      [](dam_flow& f) { f.state = static_cast<dam_flow_state>(7); },
      [](dam_flow& f) { std::memset(&f.state, 200, sizeof f.state); },  // no value of its type
  };
  for (const auto& spoil : ways) {
    SmallSite site(SmallSite::small_limits(), kOutlive);
    ASSERT_TRUE(stand(site));
    spoil(*standing_flow(site));
    restart(site);
    EXPECT_EQ(site.flows(), 0u) << &spoil - ways;
    ClientSide client;
    client.port = 40009;
    EXPECT_TRUE(stand(site, client)) << "its place serves another";
  }
}

TEST(Adopt, OfTwoFlowsInOnePlaceOneIsTaken) {
  SmallSite site(SmallSite::small_limits(), kOutlive);
  const auto c = stand(site);
  ASSERT_TRUE(c);
  const auto flows = site.tables().flows;
  flows[flows.size() - 1] = *standing_flow(site);
  restart(site);
  EXPECT_EQ(site.flows(), 1u);
  expect_goes_on(site, *c);
}

TEST(Adopt, WhoWasSilentForTooLongMeanwhileEnds) {
  SmallSite site(SmallSite::small_limits(), kOutlive);
  ASSERT_TRUE(stand(site));
  standing_flow(site)->last_seen -= dam_coarse(3601 * kSecond);
  restart(site);
  EXPECT_EQ(site.flows(), 1u);
  const auto seen = site.advance(6 * kSecond);
  EXPECT_EQ(count_tcp(seen, kFrontPort, DAM_TCP_RST), 1u);
  EXPECT_EQ(site.flows(), 0u);
}

// Processes may end again and again, each before its time to look at all flows has come.
TEST(Adopt, WhatIsClosedIsGivenBackSoon) {
  SmallSite site(SmallSite::small_limits(), kOutlive);
  ASSERT_TRUE(stand(site));
  dam_flow* flow = standing_flow(site);
  flow->flags |= DAM_FLOW_CLOSING;
  flow->rst_direction = 0xff;
  flow->last_seen -= dam_coarse(60 * kSecond);
  restart(site);
  EXPECT_EQ(site.flows(), 1u);
  const auto seen = site.advance(kSecond);
  EXPECT_EQ(count_tcp(seen, kFrontPort, DAM_TCP_RST), 0u);
  EXPECT_EQ(site.flows(), 0u);
}

}  // namespace
}  // namespace dam::test
