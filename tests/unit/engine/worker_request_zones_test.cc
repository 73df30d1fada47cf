// SPDX-License-Identifier: BSD-3-Clause
// Plain HTTP: each request of a connection is held to the zone that its own route names.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/engine/request_zones.h"

namespace dam::test {
namespace {

TEST_F(RequestZones, NoPathIsDodgedByBeginningWithAnotherOne) {
  ASSERT_TRUE(begin(policy(), get("/page")));
  EXPECT_EQ(passing(get("/page")), 50);
  EXPECT_EQ(passing(get("/api/a")), 5);
  EXPECT_EQ(site_.drops(DAM_DROP_source_requests, kApiZone), 1u);
  EXPECT_EQ(passing(get("/page")), 50) << "the others pass at once";
  EXPECT_EQ(counted(kApiZone), 5u);
  EXPECT_EQ(counted(kServiceZone), 0u) << "it limits none";
  site_.advance(2 * kSecond);
  EXPECT_EQ(passing(get("/%61pi/../api//a?b=c")), 2) << "however it is spelt";
}

TEST_F(RequestZones, WhoBeganInTheStrictZoneIsNotHeldElsewhere) {
  ASSERT_TRUE(begin(policy(), get("/api/a")));
  EXPECT_EQ(passing(get("/page")), 50);
  EXPECT_EQ(passing(get("/api/a")), 4);
  EXPECT_EQ(counted(kApiZone), 5u);
}

TEST_F(RequestZones, EachRequestsOwnHostCounts) {
  ASSERT_TRUE(begin(policy(), get("/page")));
  EXPECT_EQ(passing(get("/api/a", "OTHER.example.org")), 50);
  EXPECT_EQ(counted(kOtherZone), 50u);
  EXPECT_EQ(counted(kApiZone), 0u);
}

TEST_F(RequestZones, AHeadMayBeCutAnywhere) {
  ASSERT_TRUE(begin(policy(), get("/page")));
  const std::string request = get("/a", "other.example.org");
  for (size_t at = 1; at < request.size(); ++at) {
    ASSERT_TRUE(say(request.substr(0, at))) << at;
    EXPECT_EQ(counted(kOtherZone), at - 1) << "not before it is whole";
    ASSERT_TRUE(say(request.substr(at))) << at;
    site_.advance(kSecond);
  }
  EXPECT_EQ(counted(kOtherZone), request.size() - 1);
  EXPECT_EQ(counted(kApiZone), 0u);
}

TEST_F(RequestZones, TheEndOfAHeadIsRefusedAndReadAgain) {
  ASSERT_TRUE(begin(policy(), get("/page")));
  ASSERT_EQ(passing(get("/api/a")), 5);
  ASSERT_TRUE(say("GET /ap"));
  const std::string rest = get("/api/a").substr(7);
  EXPECT_FALSE(say(rest));
  EXPECT_FALSE(say(rest + get("/page")));
  site_.advance(kSecond);
  EXPECT_TRUE(say(rest + get("/page")));
  EXPECT_EQ(counted(kApiZone), 6u);
}

TEST_F(RequestZones, ThoseInOneSegmentAreHeldToTheirOwn) {
  ASSERT_TRUE(begin(policy(), get("/page")));
  const std::string other = get("/", "other.example.org");
  const std::string mixed = get("/api/a") + other + get("/page") + get("/api/b") + other;
  EXPECT_EQ(passing(mixed), 2);
  EXPECT_EQ(counted(kApiZone), 4u);
  EXPECT_EQ(counted(kOtherZone), 4u) << "of a refused segment nothing counts";
  EXPECT_EQ(site_.drops(DAM_DROP_source_requests, kApiZone), 1u);
  EXPECT_EQ(site_.drops(DAM_DROP_source_requests, kOtherZone), 0u);
}

TEST_F(RequestZones, TheFirstOneTooManyNamesItsZone) {
  Policy both = policy();
  both.zones[kOtherZone] = limited("other", 1);
  ASSERT_TRUE(begin(both, get("/page")));
  ASSERT_TRUE(say(get("/", "other.example.org")));
  ASSERT_EQ(passing(get("/api/a")), 5);
  EXPECT_FALSE(say(get("/", "other.example.org") + get("/api/a")));
  EXPECT_EQ(site_.drops(DAM_DROP_source_requests, kOtherZone), 1u);
  EXPECT_FALSE(say(get("/page") + get("/api/a") + get("/", "other.example.org")));
  EXPECT_EQ(site_.drops(DAM_DROP_source_requests, kApiZone), 2u) << "one of them above";
}

TEST_F(RequestZones, WhatIsHeldForTheServerCountsToo) {
  std::string burst = get("/page");
  for (int i = 0; i < 5; ++i) burst += get("/api/a");
  ASSERT_TRUE(begin(policy(), burst));
  EXPECT_EQ(counted(kApiZone), 5u);
  ClientSide second;
  second.port = 41000;
  EXPECT_FALSE(begin(policy(), burst, second));
  EXPECT_EQ(site_.drops(DAM_DROP_source_requests, kApiZone), 1u);
}

TEST_F(RequestZones, AHeadThatIsHeldInPartGoesOnBehindTheServersAnswer) {
  ASSERT_TRUE(begin(policy(), get("/page") + "GET /api"));
  ASSERT_TRUE(say("/a HTTP/1.1\r\nHost: www.example.org\r\n\r\n"));
  EXPECT_EQ(counted(kApiZone), 1u);
}

TEST_F(RequestZones, ShadowCountsThereAndLetsBy) {
  Policy shadow = policy();
  shadow.zones[kApiZone].mode = Mode::shadow;
  shadow.zones[kOtherZone].mode = Mode::shadow;
  ASSERT_TRUE(begin(shadow, get("/page")));
  EXPECT_EQ(passing(get("/api/a")), 50);
  EXPECT_EQ(site_.zone(kApiZone).shadow_exceeded[0][DAM_DIM_requests], 45u);
  EXPECT_EQ(site_.zone(kServiceZone).shadow_exceeded[0][DAM_DIM_requests], 0u);
  connection_.client.next += 10;
  EXPECT_TRUE(say("is missing")) << "nor is a segment held up";
}

TEST_F(RequestZones, ASegmentAheadIsHeldUpForTheSakeOfOtherZones) {
  ASSERT_TRUE(begin(policy(), get("/page")));
  connection_.client.next += 10;
  EXPECT_FALSE(say("is missing"));
  EXPECT_EQ(site_.drops(DAM_DROP_overtaken), 1u);
}

TEST_F(RequestZones, ResetEndsTheConnection) {
  Policy resets = policy();
  resets.zones[kApiZone].exceeded = Exceeded::reset;
  ASSERT_TRUE(begin(resets, get("/page")));
  EXPECT_EQ(passing(get("/api/a")), 5);
  EXPECT_EQ(site_.flows(), 0u);
  EXPECT_EQ(site_.drops(DAM_DROP_source_requests, kApiZone), 1u);
}

TEST_F(RequestZones, ABanHoldsInTheZoneOfThePathAlone) {
  Policy bans = policy();
  let_ban(bans.zones[kApiZone], 1);
  ASSERT_TRUE(begin(bans, get("/page")));
  EXPECT_EQ(passing(get("/api/a")), 5);
  EXPECT_EQ(site_.bans(kApiZone), 1u);
  EXPECT_EQ(passing(get("/page")), 50);
  EXPECT_EQ(passing(get("/api/a")), 0);
  EXPECT_EQ(site_.drops(DAM_DROP_zone_banned, kApiZone), 1u);
  EXPECT_EQ(site_.flows(), 0u) << "a ban ends the connection";
  ClientSide again;
  again.port = 41000;
  EXPECT_TRUE(begin(bans, get("/page"), again)) << "it may come again, for the rest";
}

TEST_F(RequestZones, SourcesHaveTheirOwnBucketsThereAndShareTheTotal) {
  Policy shared = policy();
  shared.zones[kApiZone].total[DAM_DIM_requests] = dam_gcra_rate_of(1'000, 8);
  shared.zones[kApiZone].key = ZoneKey::ja4;  // which no plain client has: by address
  ASSERT_TRUE(begin(shared, get("/page")));
  EXPECT_EQ(passing(get("/api/a")), 5);
  ClientSide other;
  other.address = kStranger;
  ASSERT_TRUE(begin(shared, get("/page"), other));
  EXPECT_EQ(passing(get("/api/a")), 3);
  EXPECT_EQ(site_.drops(DAM_DROP_zone_requests, kApiZone), 1u);
}

TEST_F(RequestZones, NoEntryIsKeptBusy) {
  ASSERT_TRUE(begin(policy(), get("/page")));
  ASSERT_EQ(passing(get("/api/a")), 5);
  SourceTable& sources = site_.engine().sources;
  const uint32_t entry = sources.find(sources.key(kClient, kApiZone, 32, 64));
  ASSERT_NE(entry, SourceTable::kNone);
  EXPECT_EQ(SourceTable::references(sources[entry]), 0u);
}

TEST_F(RequestZones, ManagementsZoneIsNeitherGainedByAPathNorLost) {
  Policy admins = policy();
  admins.zones[kManagementZone].per_source[DAM_DIM_requests] = dam_gcra_rate_of(1'000, 100);
  ASSERT_TRUE(begin(admins, get("/api/a")));
  EXPECT_EQ(passing(get("/admin/a")), 4) << "it stays under its own";
  EXPECT_EQ(counted(kManagementZone), 0u);
  ClientSide admin;
  admin.port = 41000;
  head_ = get("/admin/a");
  admin.head = head_;
  auto c = establish(site_, admin, "");
  ASSERT_TRUE(c);
  ASSERT_EQ(c->server_port, kManagementPort);
  site_.send(kManagementPort, c->from_server(kAck, {}, server_next(*c), server_ack(*c)));
  connection_ = *c;
  EXPECT_EQ(passing(get("/api/a"), 10), 10)
      << "an administrator's connection is not held by others";
  EXPECT_EQ(counted(kApiZone), 5u);
  EXPECT_EQ(counted(kManagementZone), 11u);
}

TEST_F(RequestZones, AFreeZoneLeadsToNothingOfManagements) {
  ASSERT_TRUE(begin(policy(), get("/page")));
  EXPECT_EQ(passing(get("/admin/a")), 50) << "as free as its own zone";
  EXPECT_EQ(counted(kManagementZone) + counted(kApiZone), 0u);
}

TEST_F(RequestZones, WhoDoesNotSayWhereHisBelongIsHeldWhereItIsStrictest) {
  Policy made = policy();
  made.zones[kOtherZone].per_source[DAM_DIM_requests] = dam_gcra_rate_of(100'000, 100);
  const std::string unclear[] = {
      get("/page", "nobody.example.org"),
      "GET /page HTTP/1.1\r\nHost: www.example.org\r\nHost: other.example.org\r\n\r\n",
      "GET /page HTTP/1.1\r\n\r\n",
      "GET  /page HTTP/1.1\r\nHost: www.example.org\r\n\r\n",
      "GET /page\r\n",  // HTTP/0.9
      get("/" + std::string(1200, 'a') + "%"),
  };
  ASSERT_TRUE(begin(made, get("/page")));
  for (const std::string& request : unclear) {
    const uint64_t before = counted(kApiZone);
    EXPECT_TRUE(say(request)) << request;
    EXPECT_EQ(counted(kApiZone), before + 1) << request;
    if (request.ends_with("page\r\n")) {
      EXPECT_TRUE(say("\r\n")) << "to others it goes on";
    }
    site_.advance(kSecond);
  }
  EXPECT_EQ(passing(unclear[0]), 5);
}

TEST_F(RequestZones, OfTooManyCutHeadsTheOldCountWhereItIsStrictest) {
  Limits many = SmallSite::small_limits();
  many.flows = 600;
  many.hold_bytes = many.half_open * (16384 + 2048);
  SmallSite large(many);
  large.apply(policy());
  std::vector<Connection> all;
  head_ = get("/page");
  for (uint16_t i = 0; i < 513; ++i) {
    ClientSide client;
    client.port = static_cast<uint16_t>(20000 + i);
    client.head = head_;
    auto c = stand(large, client);
    ASSERT_TRUE(c) << i;
    const std::string cut = "GET /page HTTP/1.1\r\nHost: www.example.org";
    large.send(kFrontPort, c->client.segment(kAck, cut));
    c->client.next += static_cast<uint32_t>(cut.size());
    all.push_back(*c);
  }
  for (const Connection& c : all) large.send(kFrontPort, c.client.segment(kAck, "\r\n\r\n"));
  EXPECT_EQ(large.zone(kApiZone).requests, 1u);
}

TEST_F(RequestZones, ANewPolicyHoldsFromTheNextHeadOn) {
  ASSERT_TRUE(begin(policy(), get("/page")));
  ASSERT_EQ(passing(get("/api/a")), 5);
  ASSERT_TRUE(say("GET /api/a HTTP/1.1\r\n"));
  Policy moved = policy();
  moved.routes[2].zone_slot = kOtherZone;
  site_.apply(moved);
  EXPECT_TRUE(say("Host: www.example.org\r\n\r\n"));
  EXPECT_EQ(counted(kOtherZone), 1u);
  EXPECT_EQ(passing(get("/api/a")), 50);
  site_.apply(policy());
  EXPECT_FALSE(say(get("/api/a"))) << "what it has used up is used up";
}

TEST_F(RequestZones, AHeadCutByARestartCountsWhereItIsStrictest) {
  ASSERT_TRUE(begin(policy(), get("/page")));
  ASSERT_TRUE(say("GET /page HTTP/1.1\r\n"));
  site_.restart();
  site_.apply(policy());
  site_.advance(50 * kMillisecond);
  EXPECT_TRUE(say("Host: www.example.org\r\n\r\n"));
  EXPECT_EQ(counted(kApiZone), 1u);
  EXPECT_EQ(passing(get("/page")), 50);
  EXPECT_EQ(passing(get("/api/a")), 4);
}

TEST_F(RequestZones, AConnectionWhoseZoneHasNoRouteAnyMoreIsStillRead) {
  ASSERT_TRUE(begin(policy(), get("/page")));
  Policy moved = policy();
  moved.zones.push_back(limited("pages", 3));
  moved.routes[0].zone_slot = 5;
  moved.routes.push_back({"raw", 1, kServiceZone, {0}, -1});  // others go on there
  site_.apply(moved);
  EXPECT_EQ(passing(get("/api/a")), 5);
  EXPECT_EQ(passing(get("/page")), 3);
}

TEST_F(RequestZones, NobodyIsReadWhereNoneIsLimited) {
  Policy none = policy();
  none.zones[kApiZone] = limited("api", 0);
  none.zones[kApiZone].per_source[DAM_DIM_requests] = {};
  none.zones[kOtherZone].per_source[DAM_DIM_requests] = {};
  ASSERT_TRUE(begin(none, get("/page")));
  const auto glance = site_.engine().worker(0).glance(0);
  ASSERT_TRUE(glance);
  EXPECT_FALSE(glance->requests.followed);
  ASSERT_TRUE(begin(policy(), get("/page"), {.port = 41000}));
  EXPECT_EQ(passing(get("/api/a")), 5);
  site_.apply(none);
  EXPECT_EQ(passing(get("/api/a")), 50) << "nor is who was";
}

TEST_F(RequestZones, WhoeverWatchesIsToldOfThatZone) {
  ASSERT_TRUE(begin(policy(), get("/page")));
  ASSERT_EQ(passing(get("/api/a")), 5);
  int told = 0;
  dam_sight sight;
  SightRing::FrameBytes frame;
  while (site_.engine().worker(0).take_sight(sight, frame)) {
    if (sight.reason != DAM_DROP_source_requests) continue;
    EXPECT_EQ(sight.zone, kApiZone);
    ++told;
  }
  EXPECT_EQ(told, 1);
}

}  // namespace
}  // namespace dam::test
