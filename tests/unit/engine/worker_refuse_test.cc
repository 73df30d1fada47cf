// SPDX-License-Identifier: BSD-3-Clause
// What a client hears when its zone is full: `exceeded` of the policy.
#include <gtest/gtest.h>

#include "tests/unit/engine/small_site.h"
#include "tests/unit/engine/standing.h"

namespace dam::test {
namespace {

struct OneConnection : SmallSite {
  explicit OneConnection(Exceeded exceeded) {
    Policy policy = draft();
    Zone& zone = policy.zones[kServiceZone];
    let_ban(zone, 1);
    zone.exceeded = exceeded;
    zone.per_source[DAM_DIM_connections] = dam_gcra_rate_of(1000, 1);
    apply(policy);
    EXPECT_TRUE(stand(*this));
  }
};

TEST(Refuse, WithDropAClientWhoseHelloWasAcknowledgedIsReset) {
  OneConnection site(Exceeded::drop);
  ClientSide client;
  client.port = 40001;
  ASSERT_TRUE(prove(site, client));
  const auto seen = site.send(kFrontPort, client.segment(kAck, client_hello("www.example.org")));
  EXPECT_EQ(site.drops(DAM_DROP_source_connections), 1u);
  EXPECT_EQ(count_tcp(seen, kFrontPort, DAM_TCP_RST), 1u) << "it will never send the hello again";
}

TEST(Refuse, WithDropAClientThatOnlyHasTheSynAckHearsNothingAndMayTryAgain) {
  OneConnection site(Exceeded::drop);
  ClientSide client;
  client.port = 40001;
  client.to_port = kPortRouted;
  ASSERT_TRUE(prove(site, client));
  EXPECT_TRUE(site.send(kFrontPort, client.segment(kAck)).empty());
  EXPECT_EQ(site.drops(DAM_DROP_source_connections), 1u);
  site.advance(2'000'000'000);
  EXPECT_EQ(
      count_tcp(site.send(kFrontPort, client.segment(kAck, "EHLO")), kServicePort, DAM_TCP_SYN),
      1u);
}

TEST(Refuse, WhoIsBannedIsNotTold) {
  OneConnection site(Exceeded::ban);
  ClientSide client;
  client.port = 40001;
  ASSERT_TRUE(prove(site, client));
  const auto seen = site.send(kFrontPort, client.segment(kAck, client_hello("www.example.org")));
  EXPECT_EQ(site.bans(kServiceZone), 1u);
  EXPECT_EQ(count_tcp(seen, kFrontPort, DAM_TCP_RST), 0u);
}

TEST(Refuse, InAZoneThatBansAClientThatNobodyBannedIsTold) {
  SmallSite site;
  Policy policy = site.draft();
  Zone& zone = policy.zones[kServiceZone];
  let_ban(zone, 100);
  zone.total[DAM_DIM_connections] = dam_gcra_rate_of(1000, 1);
  site.apply(policy);
  ASSERT_TRUE(stand(site));
  ClientSide other;
  other.address = kStranger;
  ASSERT_TRUE(prove(site, other));
  const auto seen = site.send(kFrontPort, other.segment(kAck, client_hello("www.example.org")));
  EXPECT_EQ(site.drops(DAM_DROP_zone_connections), 1u);
  EXPECT_NE(find_tcp(seen, kFrontPort, DAM_TCP_RST), nullptr) << "its hello was acknowledged";
}

}  // namespace
}  // namespace dam::test
