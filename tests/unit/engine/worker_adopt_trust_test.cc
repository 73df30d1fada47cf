// SPDX-License-Identifier: BSD-3-Clause
// What an engine believes of the tables that it adopts, which anybody may have written: the flows'
// addresses and numbers, and nothing that can be found out anew.
#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/engine/small_site.h"
#include "tests/unit/engine/standing.h"

namespace dam::test {
namespace {

dam_flow* flow_of(SmallSite& site, const dam_address& client) {
  for (dam_flow& flow : site.tables().flows) {
    if (flow.state != DAM_FLOW_free && dam_address_equal(&flow.client, &client)) return &flow;
  }
  return nullptr;
}

ClientSide on_the_link(uint8_t host) {
  ClientSide client;
  client.address = v4(198, 18, 0, host);
  client.port = static_cast<uint16_t>(41000 + host);
  return client;
}

TEST(AdoptTrust, NextHopsOfNobodyAreForgotten) {
  SmallSite site(SmallSite::small_limits(), kOutlive);
  Policy policy = site.draft();
  policy.timeouts.closing_ns = kSecond;
  site.apply(policy);
  const uint32_t of_the_policy = site.engine().neighbours.used();
  std::vector<Connection> all;
  for (uint8_t host = 50; host < 60; ++host) {
    const auto c = stand(site, on_the_link(host));
    ASSERT_TRUE(c);
    all.push_back(*c);
  }
  EXPECT_EQ(site.engine().neighbours.used(), of_the_policy + 10);
  for (size_t i = 1; i < all.size(); ++i) {
    site.send(kFrontPort, all[i].client.segment(kAck | DAM_TCP_RST));
  }
  site.advance(2 * kSecond);
  ASSERT_EQ(site.flows(), 1u);
  restart(site);
  EXPECT_EQ(site.flows(), 1u);
  EXPECT_EQ(site.engine().neighbours.used(), of_the_policy + 1);
  EXPECT_EQ(site.send(kFrontPort, all[0].client.segment(kAck, "more")).size(), 1u);
  EXPECT_EQ(count_tcp(site.send(kServicePort, all[0].from_server(kAck, "down", server_next(all[0]),
                                                                 server_ack(all[0]))),
                      kFrontPort, kAck),
            1u);
}

TEST(AdoptTrust, FlagsAreThoseOfThePolicyNow) {
  SmallSite site(SmallSite::small_limits(), kOutlive);
  ASSERT_TRUE(stand(site));
  constexpr uint8_t kForged = DAM_FLOW_ADMIN | DAM_FLOW_MANAGEMENT;
  flow_of(site, kClient)->flags |= kForged;
  restart(site);
  ASSERT_NE(flow_of(site, kClient), nullptr);
  EXPECT_EQ(flow_of(site, kClient)->flags & kForged, 0);
}

TEST(AdoptTrust, AnAllowedSourceOfAManagementRouteKeepsItsFlags) {
  SmallSite site(SmallSite::small_limits(), kOutlive);
  ASSERT_TRUE(stand(site, {}, "manage.example.org"));
  site.restart();
  Policy policy = site.draft();
  const SourcePrefix allowed{kClient, 128};
  policy.allow = PrefixSet({&allowed, 1});
  site.apply(policy);
  site.advance(5 * kMillisecond);
  ASSERT_NE(flow_of(site, kClient), nullptr);
  constexpr uint8_t kBoth = DAM_FLOW_ADMIN | DAM_FLOW_MANAGEMENT;
  EXPECT_EQ(flow_of(site, kClient)->flags & kBoth, kBoth);
}

// Else its packets would be another's to pay for, and its ban another's.
TEST(AdoptTrust, AFlowPaysForItsOwnSource) {
  SmallSite site(SmallSite::small_limits(), kOutlive);
  ClientSide stranger;
  stranger.address = kStranger;
  ASSERT_TRUE(stand(site) && stand(site, stranger));
  const uint32_t own = flow_of(site, kClient)->source, others = flow_of(site, kStranger)->source;
  ASSERT_NE(own, others);
  flow_of(site, kClient)->source = others;
  restart(site);
  ASSERT_EQ(site.flows(), 2u);
  EXPECT_EQ(flow_of(site, kClient)->source, own);
  EXPECT_EQ(SourceTable::references(site.tables().sources[own]), 1u);
  EXPECT_EQ(SourceTable::references(site.tables().sources[others]), 1u);
  EXPECT_EQ(SourceTable::concurrent(site.tables().sources[own]), 1u);
}

TEST(AdoptTrust, AKindOfClientsPaysForItsOwnInAZoneByFingerprints) {
  SmallSite site(SmallSite::small_limits(), kOutlive);
  Policy policy = site.draft();
  policy.zones[kServiceZone].key = ZoneKey::ja4;
  site.apply(policy);
  ClientSide stranger, other;
  stranger.address = kStranger;
  other.port = 40001;
  other.cipher = 2;
  ASSERT_TRUE(stand(site) && stand(site, stranger) && stand(site, other));
  const uint32_t kind = flow_of(site, kStranger)->source;
  EXPECT_EQ(SourceTable::concurrent(site.tables().sources[kind]), 2u);
  site.restart();
  site.apply(policy);
  site.advance(5 * kMillisecond);
  ASSERT_EQ(site.flows(), 3u);
  EXPECT_EQ(flow_of(site, kStranger)->source, kind);
  EXPECT_EQ(SourceTable::concurrent(site.tables().sources[kind]), 2u);
}

// Its server would keep it for as long as it has nothing to say itself.
TEST(AdoptTrust, AServerThatStillWaitedForHeldBytesIsTold) {
  SmallSite site(SmallSite::small_limits(), kOutlive);
  const auto c = establish(site, {}, "www.example.org");
  ASSERT_TRUE(c);
  ASSERT_EQ(flow_of(site, kClient)->state, DAM_FLOW_deliver);
  site.restart();
  site.apply(site.draft());
  const auto seen = site.advance(50 * kMillisecond);
  EXPECT_EQ(site.flows(), 0u);
  ASSERT_EQ(count_tcp(seen, kServicePort, DAM_TCP_RST), 1u);
  const Seen& rst = *find_tcp(seen, kServicePort, DAM_TCP_RST);
  EXPECT_EQ(rst.packet.seq.value, server_ack(*c));
  EXPECT_EQ(rst.packet.src_port.raw, c->server_syn.packet.src_port.raw);
  EXPECT_TRUE(dam_address_equal(&rst.packet.dst, &kServiceServer));
}

// Its bytes are acknowledged, so nothing would move it before its own patience ends. Who has but a
// cookie comes again by it.
TEST(AdoptTrust, AClientWhoseHelloWasUnderWayIsTold) {
  SmallSite site(SmallSite::small_limits(), kOutlive);
  ClientSide begun, proven;
  proven.port = 40002;
  proven.isn = 3'000'000'000;
  proven.next = proven.isn + 1;
  ASSERT_TRUE(prove(site, begun) && prove(site, proven));
  site.send(kFrontPort, begun.segment(kAck, client_hello("www.example.org").substr(0, 50)));
  site.restart();
  site.apply(site.draft());
  const auto seen = site.advance(50 * kMillisecond);
  EXPECT_EQ(site.flows(), 0u);
  ASSERT_EQ(count_tcp(seen, kFrontPort, DAM_TCP_RST), 1u);
  const Seen& rst = *find_tcp(seen, kFrontPort, DAM_TCP_RST);
  EXPECT_EQ(rst.packet.seq.value, begun.ack);
  EXPECT_EQ(rst.packet.ack.value, begun.next + 50);
  EXPECT_EQ(dam_ntoh16(rst.packet.dst_port), begun.port);
  EXPECT_TRUE(dam_address_equal(&rst.packet.dst, &kClient));
}

TEST(AdoptTrust, AClientWhoseServerStillWaitedForHeldBytesIsTold) {
  SmallSite site(SmallSite::small_limits(), kOutlive);
  const auto c = establish(site, {}, "www.example.org");
  ASSERT_TRUE(c);
  site.restart();
  site.apply(site.draft());
  const auto seen = site.advance(50 * kMillisecond);
  ASSERT_EQ(count_tcp(seen, kFrontPort, DAM_TCP_RST), 1u);
  EXPECT_EQ(find_tcp(seen, kFrontPort, DAM_TCP_RST)->packet.seq.value, c->client.ack);
}

}  // namespace
}  // namespace dam::test
