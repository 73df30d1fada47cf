// SPDX-License-Identifier: BSD-3-Clause
// A source that a new policy denies, or that is banned: its packets go nowhere from that moment on,
// whatever stands or is under way, and whatever the list's length; the sweep then ends its
// connections.
#include <gtest/gtest.h>

#include "tests/unit/engine/small_site.h"
#include "tests/unit/engine/standing.h"

namespace dam::test {
namespace {

struct List {
  bool is_long;  // more than the view's few points: a table of its own
  bool of_bans = false;
  PrefixSet with(const dam_address& address) const {
    std::vector<SourcePrefix> all = {{address, 128}};
    for (uint32_t i = 0; is_long && i < 100; ++i) {
      all.push_back({v4(203, 0, static_cast<uint8_t>(i), 200), 128});
    }
    return PrefixSet(all);
  }
};

class Denied : public testing::TestWithParam<List> {
 protected:
  void deny(const dam_address& address) {
    Policy policy = site.draft();
    put_on(policy, address);
    site.apply(policy);
  }
  void put_on(Policy& policy, const dam_address& address) {
    (GetParam().of_bans ? policy.bans : policy.deny) = GetParam().with(address);
    if (GetParam().of_bans) policy.bans_grown = ++bans_;
  }
  uint64_t denied() { return site.drops(reason(), 0); }
  static dam_drop_reason reason() {
    return GetParam().of_bans ? DAM_DROP_source_banned : DAM_DROP_denied;
  }
  uint64_t bans_ = 0;
  SmallSite site;
};
INSTANTIATE_TEST_SUITE_P(Lists, Denied,
                         testing::Values(List{false}, List{true}, List{false, true},
                                         List{true, true}),
                         [](const auto& list) {
                           return std::string(list.param.is_long ? "long" : "short") +
                                  (list.param.of_bans ? "_bans" : "");
                         });

TEST_P(Denied, ASourcesPacketsAreDroppedAtOnceOnAStandingConnectionToo) {
  const auto c = stand(site);
  ASSERT_TRUE(c);
  ASSERT_EQ(site.send(kFrontPort, c->client.segment(kAck, "more")).size(), 1u);
  deny(kClient);
  for (uint64_t i = 1; i <= 3; ++i) {
    EXPECT_TRUE(site.send(kFrontPort, c->client.segment(kAck, "more")).empty());
    EXPECT_EQ(denied(), i);
  }
  EXPECT_EQ(site.flows(), 1u) << "until the sweep comes";
  const auto seen = site.advance(20 * kMillisecond);
  EXPECT_EQ(count_tcp(seen, kFrontPort, DAM_TCP_RST), 1u);
  EXPECT_EQ(count_tcp(seen, kServicePort, DAM_TCP_RST), 1u);
  EXPECT_EQ(site.flows(), 0u);
}

TEST_P(Denied, ItsControlBitsAndItsSynAreDroppedLikewise) {
  const auto c = stand(site);
  ASSERT_TRUE(c);
  deny(kClient);
  for (const uint8_t flags : {uint8_t{DAM_TCP_RST}, uint8_t{DAM_TCP_FIN | DAM_TCP_ACK}}) {
    EXPECT_TRUE(site.send(kFrontPort, c->client.segment(flags)).empty());
  }
  Segment syn = c->client.segment(DAM_TCP_SYN);
  EXPECT_TRUE(site.send(kFrontPort, syn).empty());
  EXPECT_EQ(denied(), 3u);
}

TEST_P(Denied, ItsHelloUnderWayGoesNowhere) {
  ClientSide client;
  ASSERT_TRUE(prove(site, client));
  const std::string hello = client_hello("www.example.org");
  site.send(kFrontPort, client.segment(kAck, hello.substr(0, 50)));
  client.next += 50;
  deny(kClient);
  EXPECT_TRUE(site.send(kFrontPort, client.segment(kAck, hello.substr(50))).empty());
  EXPECT_EQ(denied(), 1u);
}

TEST_P(Denied, OthersGoOnAndSoDoesWhoIsAllowedToo) {
  ClientSide allowed;
  allowed.address = kStranger;
  const auto other = stand(site), both = stand(site, allowed);
  ASSERT_TRUE(other && both);
  Policy policy = site.draft();
  put_on(policy, kStranger);
  policy.allow = List{false}.with(kStranger);
  site.apply(policy);
  EXPECT_EQ(site.send(kFrontPort, other->client.segment(kAck, "more")).size(), 1u);
  EXPECT_EQ(site.send(kFrontPort, both->client.segment(kAck, "more")).size(), 1u);
  site.advance(20 * kMillisecond);
  EXPECT_EQ(site.flows(), 2u);
  EXPECT_EQ(site.drops(reason()), 0u);
}

TEST_P(Denied, AMistakeThatIsTakenBackAtOnceCostsNoConnection) {
  const auto c = stand(site);
  ASSERT_TRUE(c);
  for (int i = 0; i < 2; ++i) {
    deny(kClient);
    EXPECT_TRUE(site.send(kFrontPort, c->client.segment(kAck, "more")).empty());
    site.apply(site.draft());
    EXPECT_EQ(site.send(kFrontPort, c->client.segment(kAck, "more")).size(), 1u);
  }
}

// The list is the same as once before, but not the flows that were let pass in between.
TEST(Bans, AnAddressThatIsBannedAgainIsCutAgain) {
  SmallSite site;
  const auto c = stand(site);
  ASSERT_TRUE(c);
  Policy banned = site.draft(), lifted = site.draft();
  banned.bans = List{false}.with(kClient);
  banned.bans_grown = lifted.bans_grown = 1;
  site.apply(banned);
  EXPECT_TRUE(site.send(kFrontPort, c->client.segment(kAck, "more")).empty());
  site.apply(lifted);
  EXPECT_EQ(site.send(kFrontPort, c->client.segment(kAck, "more")).size(), 1u);
  banned.bans_grown = 2;
  site.apply(banned);
  EXPECT_TRUE(site.send(kFrontPort, c->client.segment(kAck, "more")).empty());
  EXPECT_EQ(site.drops(DAM_DROP_source_banned, 0), 2u);
}

TEST(Bans, TheDenyListNamesTheReasonOfWhoIsOnBoth) {
  SmallSite site;
  Policy policy = site.draft();
  policy.bans = policy.deny = List{false}.with(kClient);
  policy.bans_grown = 1;
  site.apply(policy);
  ClientSide client;
  EXPECT_TRUE(site.send(kFrontPort, client.segment(DAM_TCP_SYN)).empty());
  EXPECT_EQ(site.drops(DAM_DROP_denied, 0), 1u);
}

}  // namespace
}  // namespace dam::test
