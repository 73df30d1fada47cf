// SPDX-License-Identifier: BSD-3-Clause
// Plain HTTP whose requests are held to their own zones: clients that would dodge one, or make
// others pay.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/engine/request_zones.h"

namespace dam::test {
namespace {

constexpr uint8_t kReset = DAM_TCP_RST;
constexpr const char* kNobody = "nobody.example.org";

// The segment, with an urgent pointer to its first octet.
std::vector<uint8_t> urgent(const Segment& segment) {
  std::vector<uint8_t> bytes(2048);
  Frame frame;
  frame.data = bytes.data();
  EXPECT_TRUE(write_segment(frame, segment));
  bytes.resize(frame.bytes);
  dam_packet packet;
  EXPECT_EQ(dam_parse(bytes.data(), bytes.data() + bytes.size(), &packet), DAM_DROP_none);
  bytes[packet.l4 + 13u] |= DAM_TCP_URG;
  dam_store_be16(bytes.data() + packet.l4 + 18, 1);
  dam_checksum_tcp_set(bytes.data(), &packet);
  return bytes;
}

bool is_urgent(const Seen& seen) {
  EXPECT_TRUE(dam_checksum_tcp_valid(seen.bytes.data(), &seen.packet));
  const bool flag = seen.has(DAM_TCP_URG);
  const uint16_t pointer = dam_load_be16(seen.bytes.data() + seen.packet.l4 + 18);
  EXPECT_EQ(pointer != 0, flag);
  return flag;
}

TEST_F(RequestZones, NoOctetIsUrgentThatIsReadHere) {
  ASSERT_TRUE(begin(policy(), get("/page")));
  ASSERT_TRUE(say("GET /"));
  for (const char* octets : {"", "X"}) {
    const auto seen = site_.send_raw(kFrontPort, urgent(connection_.client.segment(kAck, octets)));
    const Seen* passed = find_tcp(seen, kServicePort, kAck);
    ASSERT_NE(passed, nullptr);
    EXPECT_FALSE(is_urgent(*passed)) << octets;
    EXPECT_EQ(passed->payload(), octets);
  }
  connection_.client.next += 1;
  EXPECT_TRUE(say(get("api/a").substr(4))) << "the server reads /Xapi/a, as the dam does";
  EXPECT_EQ(counted(kApiZone), 0u);
}

TEST_F(RequestZones, WhereNothingIsReadTheUrgentStays) {
  site_.apply(site_.draft());
  connection_ = stand(site_).value();
  const auto seen = site_.send_raw(kFrontPort, urgent(connection_.client.segment(kAck, "X")));
  const Seen* passed = find_tcp(seen, kServicePort, kAck);
  ASSERT_NE(passed, nullptr);
  EXPECT_TRUE(is_urgent(*passed));
}

// Its route is unknown; the zone's total is for those who can be routed there.
TEST_F(RequestZones, WhoseRouteIsUnclearUsesUpNobodyElsesTotal) {
  Policy made = policy();
  made.zones[kApiZone] = limited("api", 40);
  made.zones[kApiZone].total[DAM_DIM_requests] = dam_gcra_rate_of(1'000, 30);
  ASSERT_TRUE(begin(made, get("/page")));
  EXPECT_EQ(passing(get("/", kNobody)), 40) << "by source he is held";
  EXPECT_EQ(counted(kApiZone), 40u);
  ASSERT_TRUE(begin(made, get("/page"), {.address = kStranger}));
  EXPECT_EQ(passing(get("/api/a")), 30) << "and the total is whole";
}

TEST_F(RequestZones, WhereThereIsATotalAloneTheUnclearPayIt) {
  Policy made = policy();
  made.zones[kOtherZone].per_source[DAM_DIM_requests] = {};
  made.zones[kApiZone].per_source[DAM_DIM_requests] = {};
  made.zones[kApiZone].total[DAM_DIM_requests] = dam_gcra_rate_of(1'000, 7);
  ASSERT_TRUE(begin(made, get("/page")));
  EXPECT_EQ(passing(get("/", kNobody)), 7);
  EXPECT_EQ(site_.drops(DAM_DROP_zone_requests, kApiZone), 1u);
}

TEST_F(RequestZones, TheUnclearAreHeldByTheSlowestRateOfASource) {
  Policy made = policy();
  made.zones[kOtherZone].per_source[DAM_DIM_requests] = {};
  made.zones[kOtherZone].total[DAM_DIM_requests] = dam_gcra_rate_of(1, 1);
  ASSERT_TRUE(begin(made, get("/page")));
  EXPECT_EQ(passing(get("/", kNobody)), 5) << "not by the slower total";
  EXPECT_EQ(counted(kOtherZone), 0u);
}

// A table of sources that is full of others.
class FullSources : public RequestZones {
 protected:
  void begin_full(const Policy& made) {
    ASSERT_TRUE(begin(made, get("/page")));
    SourceTable& sources = site_.engine().sources;
    for (uint16_t i = 0; i < 8000; ++i) {
      const dam_address other = v4(10, 0, static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i));
      sources.acquire(0, sources.key(other, kServiceZone, 32, 64), site_.now_ns());
    }
    const SourceKey own = sources.key(kClient, kApiZone, 32, 64);
    ASSERT_EQ(sources.acquire(0, own, site_.now_ns()), SourceTable::kNone);
  }
};

TEST_F(FullSources, WhereSourcesAreLimitedItRefuses) {
  begin_full(policy());
  EXPECT_EQ(passing(get("/api/a")), 0);
  EXPECT_EQ(site_.drops(DAM_DROP_source_table_full, kApiZone), 1u);
  EXPECT_EQ(passing(get("/page")), 50);
}

TEST_F(FullSources, InShadowItRefusesNobody) {
  Policy made = policy();
  made.zones[kApiZone].mode = Mode::shadow;
  begin_full(made);
  EXPECT_EQ(passing(get("/api/a")), 50);
}

TEST_F(FullSources, NoAdministratorIsRefusedForIt) {
  Policy made = policy();
  const SourcePrefix allowed{kClient, 128};
  made.allow = PrefixSet({&allowed, 1});
  begin_full(made);
  EXPECT_EQ(passing(get("/api/a")), 50);
}

TEST_F(FullSources, ATotalAloneStillHolds) {
  Policy made = policy();
  made.zones[kApiZone].per_source[DAM_DIM_requests] = {};
  made.zones[kApiZone].total[DAM_DIM_requests] = dam_gcra_rate_of(1'000, 7);
  begin_full(made);
  EXPECT_EQ(passing(get("/api/a")), 7);
  EXPECT_EQ(site_.drops(DAM_DROP_zone_requests, kApiZone), 1u);
}

TEST_F(RequestZones, WhatOneZoneRefusesCostsNothingInTheOthers) {
  Policy both = policy();
  both.zones[kOtherZone] = limited("other", 1);
  ASSERT_TRUE(begin(both, get("/page")));
  const std::string other = get("/", "other.example.org");
  ASSERT_TRUE(say(other));
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(say(get("/api/a") + other));
  EXPECT_EQ(site_.drops(DAM_DROP_source_requests, kOtherZone), 20u);
  EXPECT_EQ(passing(get("/api/a")), 5);
}

TEST_F(RequestZones, WhatAZonesTotalRefusesCostsNothingInTheOthers) {
  Policy both = policy();
  both.zones[kOtherZone].total[DAM_DIM_requests] = dam_gcra_rate_of(1'000, 1);
  ASSERT_TRUE(begin(both, get("/page")));
  const std::string other = get("/", "other.example.org");
  ASSERT_TRUE(say(other));
  EXPECT_FALSE(say(get("/api/a") + other));
  EXPECT_EQ(site_.drops(DAM_DROP_zone_requests, kOtherZone), 1u);
  EXPECT_EQ(passing(get("/api/a")), 5);
}

TEST_F(RequestZones, ABanHoldsWhereNoRequestsAreLimited) {
  ASSERT_TRUE(begin(policy(), get("/", "other.example.org")));
  EXPECT_TRUE(say(get("/page")));
  SourceTable& sources = site_.engine().sources;
  const SourceKey there = sources.key(kClient, kServiceZone, 32, 64);
  const uint32_t entry = sources.acquire(0, there, site_.now_ns());
  ASSERT_NE(entry, SourceTable::kNone);
  SourceTable::ban(sources[entry], site_.now_ns() + kSecond);
  sources.release(entry);
  EXPECT_TRUE(say(get("/", "other.example.org")));
  EXPECT_FALSE(say(get("/page")));
  EXPECT_EQ(site_.drops(DAM_DROP_zone_banned, kServiceZone), 1u);
  EXPECT_EQ(site_.flows(), 0u);
}

TEST_F(RequestZones, OfOneSegmentSixteenAreRouted) {
  Policy made = policy();
  made.zones[kApiZone] = limited("api", 1000);
  ASSERT_TRUE(begin(made, get("/", "other.example.org")));
  std::string many;
  for (int i = 0; i < 20; ++i) many += "GET / HTTP/1.1\r\nHost:other.example.org\r\n\r\n";
  EXPECT_TRUE(say(many));
  EXPECT_EQ(counted(kOtherZone), 1u + 16u);
  EXPECT_EQ(counted(kApiZone), 4u);
  EXPECT_TRUE(say(many.substr(0, many.size() / 20 * 16)));
  EXPECT_EQ(counted(kOtherZone), 1u + 16u + 16u);
}

TEST_F(RequestZones, WhoIsBannedInTheZoneOfAHeldRequestIsNotTold) {
  Policy bans = policy();
  let_ban(bans.zones[kApiZone], 1);
  site_.apply(bans);
  std::string burst = get("/page");
  for (int i = 0; i < 6; ++i) burst += get("/api/a");
  ClientSide client;
  ASSERT_TRUE(prove(site_, client));
  const auto seen = site_.send(kFrontPort, client.segment(kAck, burst));
  EXPECT_EQ(site_.bans(kApiZone), 1u);
  EXPECT_EQ(find_tcp(seen, kFrontPort, kReset), nullptr);
}

TEST_F(RequestZones, TheZoneThatRefusesSaysWhetherToTell) {
  Policy resets = policy();
  resets.zones[kServiceZone].exceeded = Exceeded::reset;
  let_ban(resets.zones[kApiZone], 1);
  site_.apply(resets);
  std::string burst = get("/page");
  for (int i = 0; i < 6; ++i) burst += get("/api/a");
  ClientSide client;
  ASSERT_TRUE(prove(site_, client));
  const auto seen = site_.send(kFrontPort, client.segment(kAck, burst));
  EXPECT_EQ(find_tcp(seen, kFrontPort, kReset), nullptr) << "not the connection's, which resets";
}

// Entry 0's cut head, then one whose beginning is lost, of a flow that has the same place.
TEST(CutHeads, AHeadThatIsLostPushesNoneOut) {
  CutHeads heads;
  const auto begun = [](char first) {
    HttpRouteText text;
    text.begin(static_cast<uint8_t>(first));
    return text;
  };
  HttpRouteText lost = begun('b'), found;
  lost.lose();
  heads.keep(0, 7, begun('a'));
  heads.keep(512, 7, lost);
  heads.find(0, 7, found);
  EXPECT_EQ(found.octets().size(), 1u);
  heads.find(512, 7, found);
  EXPECT_TRUE(found.octets().empty());
  heads.keep(0, 7, lost);
  heads.find(0, 7, found);
  EXPECT_TRUE(found.octets().empty()) << "its own beginning is not the whole any more";
}

}  // namespace
}  // namespace dam::test
