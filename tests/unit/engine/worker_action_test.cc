// SPDX-License-Identifier: BSD-3-Clause
// What a zone's `exceeded` and `mode` do to standing connections.
#include <gtest/gtest.h>

#include "tests/unit/engine/standing.h"

namespace dam::test {
namespace {

Connection stand_in(SmallSite& site, const std::function<void(Zone&)>& change) {
  Policy policy = site.draft();
  change(policy.zones[kServiceZone]);
  site.apply(policy);
  return stand(site).value();
}

size_t resets(const std::vector<Seen>& seen, uint8_t port) {
  return find_tcp(seen, port, DAM_TCP_RST) != nullptr ? 1 : 0;
}

// Sends until one segment is answered otherwise than by its passing on.
std::vector<Seen> send_until_refused(SmallSite& site, const Connection& c, dam_drop_reason reason) {
  for (int i = 0; i < 100; ++i) {
    auto seen = site.send(kFrontPort, c.client.segment(kAck, "x"));
    if (site.drops(reason) > 0) return seen;
  }
  return {};
}

TEST(Action, ResetEndsAConnectionThatIsOverItsPacketsAtBothEnds) {
  SmallSite site;
  const Connection c = stand_in(site, [](Zone& zone) {
    zone.exceeded = Exceeded::reset;
    zone.per_source[DAM_DIM_packets] = dam_gcra_rate_of(1'000, 10);
  });
  const auto seen = send_until_refused(site, c, DAM_DROP_source_packets);
  EXPECT_EQ(resets(seen, kFrontPort), 1u);
  EXPECT_EQ(resets(seen, kServicePort), 1u);
  EXPECT_EQ(site.flows(), 0u);
}

TEST(Action, ASegmentThatEndsItsConnectionIsChargedOnce) {
  SmallSite site;
  const Connection c = stand_in(site, [](Zone& zone) {
    zone.exceeded = Exceeded::reset;
    zone.per_source[DAM_DIM_packets] = dam_gcra_rate_of(1'000, 10);
    zone.per_source[DAM_DIM_bytes_up] = dam_gcra_rate_of(1'000, 200);
  });
  site.send(kFrontPort, c.client.segment(kAck, std::string(300, 'x')));
  ASSERT_EQ(site.drops(DAM_DROP_source_bytes_up), 1u);
  SourceTable& sources = site.engine().sources;
  const uint32_t entry = sources.find(sources.key(kClient, kServiceZone, 32, 64));
  ASSERT_NE(entry, SourceTable::kNone);
  EXPECT_EQ(sources[entry].tat_ns[DAM_DIM_packets] - site.now_ns(), kSecond);
}

TEST(Action, AnAckThatNoConnectionWouldComeOfIsNoViolation) {
  SmallSite site;
  Policy policy = site.draft();
  policy.zones[0].per_source[DAM_DIM_connections] = dam_gcra_rate_of(1'000, 1);
  let_ban(policy.zones[0], 1);
  site.apply(policy);
  ASSERT_TRUE(stand(site));
  ClientSide again;
  again.port = 40001;
  ASSERT_TRUE(prove(site, again));
  Segment ack = again.segment(kAck, "x");
  std::vector<uint8_t> bytes(2048);
  Frame frame;
  frame.data = bytes.data();
  ASSERT_TRUE(write_segment(frame, ack));
  bytes.resize(frame.bytes);
  bytes.back() ^= 1;
  site.send_raw(kFrontPort, bytes);
  EXPECT_EQ(site.drops(DAM_DROP_bad_checksum), 1u);
  EXPECT_EQ(site.bans(0), 0u);
}

TEST(Action, ResetEndsNobodysConnectionForTheZonesTotal) {
  SmallSite site;
  const Connection c = stand_in(site, [](Zone& zone) {
    zone.exceeded = Exceeded::reset;
    zone.total[DAM_DIM_packets] = dam_gcra_rate_of(1'000, 10);
  });
  EXPECT_TRUE(send_until_refused(site, c, DAM_DROP_zone_packets).empty());
  EXPECT_EQ(site.flows(), 1u);
}

TEST(Action, DropLeavesTheConnection) {
  SmallSite site;
  const Connection c = stand_in(
      site, [](Zone& zone) { zone.per_source[DAM_DIM_packets] = dam_gcra_rate_of(1'000, 10); });
  EXPECT_TRUE(send_until_refused(site, c, DAM_DROP_source_packets).empty());
  EXPECT_EQ(site.flows(), 1u);
}

TEST(Action, ABanCutsItsSourcesLiveConnections) {
  SmallSite site;
  const Connection c = stand_in(site, [](Zone& zone) {
    let_ban(zone, 3);
    zone.per_source[DAM_DIM_packets] = dam_gcra_rate_of(1'000, 10);
  });
  const auto seen = send_until_refused(site, c, DAM_DROP_zone_banned);
  EXPECT_EQ(site.bans(kServiceZone), 1u);
  EXPECT_EQ(resets(seen, kFrontPort), 1u);
  EXPECT_EQ(resets(seen, kServicePort), 1u);
  EXPECT_EQ(site.flows(), 0u);
}

TEST(Action, ShadowCountsConnectionsAtOnceAndLetsThemBe) {
  SmallSite site;
  Policy policy = site.draft();
  Zone& zone = policy.zones[kServiceZone];
  zone.mode = Mode::shadow;
  zone.per_source_concurrent = 2;
  zone.total_concurrent = 3;
  site.apply(policy);
  EXPECT_EQ(stand_many(site, 6).size(), 6u);
  const dam_zone_counters& counters = site.zone(kServiceZone);
  EXPECT_EQ(counters.shadow_exceeded[0][DAM_SHADOW_CONCURRENT], 4u);
  EXPECT_EQ(counters.shadow_exceeded[1][DAM_SHADOW_CONCURRENT], 3u);
}

TEST(Action, ABanIsNotServedInShadowMode) {
  SmallSite site;
  const auto change = [](Zone& zone) {
    let_ban(zone, 1);
    zone.per_source[DAM_DIM_packets] = dam_gcra_rate_of(1'000, 5);
  };
  const Connection c = stand_in(site, change);
  send_until_refused(site, c, DAM_DROP_source_packets);
  ASSERT_EQ(site.bans(kServiceZone), 1u);
  Policy policy = site.draft();
  change(policy.zones[kServiceZone]);
  policy.zones[kServiceZone].mode = Mode::shadow;
  site.apply(policy);
  EXPECT_EQ(site.send(kFrontPort, c.client.segment(kAck, "x")).size(), 1u);
}

TEST(Action, ABanStopsNoNewConnectionInShadowMode) {
  SmallSite site;
  const auto change = [](Zone& zone) {
    let_ban(zone, 1);
    zone.per_source[DAM_DIM_packets] = dam_gcra_rate_of(1'000, 5);
  };
  const Connection c = stand_in(site, change);
  send_until_refused(site, c, DAM_DROP_source_packets);
  ClientSide again;
  again.port = 40002;
  again.to_port = kPortRouted;
  EXPECT_FALSE(prove(site, again)) << "banned wherever this listener leads to";
  Policy policy = site.draft();
  change(policy.zones[kServiceZone]);
  policy.zones[kServiceZone].mode = Mode::shadow;
  site.apply(policy);
  EXPECT_TRUE(prove(site, again));
}

}  // namespace
}  // namespace dam::test
