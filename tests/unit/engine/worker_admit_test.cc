// SPDX-License-Identifier: BSD-3-Clause
// Buckets, bans, deny and allow lists as a connection meets them.
#include <gtest/gtest.h>

#include "dataplane/core/gcra.h"
#include "tests/unit/engine/small_site.h"
#include "tests/unit/engine/standing.h"

namespace dam::test {
namespace {

PrefixSet only(const dam_address& address) {
  const SourcePrefix prefix{address, 128};
  return PrefixSet({&prefix, 1});
}

ClientSide client_at(uint16_t port, const dam_address& address = kClient) {
  ClientSide client;
  client.address = address;
  client.port = port;
  return client;
}

TEST(Admit, ConnectionsOverTheSourcesBucketAreRefusedAndOthersAreNot) {
  SmallSite site;
  Policy policy = site.draft();
  policy.zones[kServiceZone].per_source[DAM_DIM_connections] = dam_gcra_rate_of(1000, 3);
  policy.zones[kServiceZone].exceeded = Exceeded::reset;
  site.apply(policy);
  for (uint16_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(establish(site, client_at(static_cast<uint16_t>(41000 + i)), "www.example.org"));
  }
  EXPECT_FALSE(establish(site, client_at(41010), "www.example.org"));
  EXPECT_EQ(site.drops(DAM_DROP_source_connections, kServiceZone), 1u);
  EXPECT_TRUE(establish(site, client_at(41011, kStranger), "www.example.org"));
  EXPECT_TRUE(establish(site, client_at(41012), "manage.example.org")) << "another zone's bucket";
}

ClientSide of_kind(uint8_t cipher, ClientSide client) {
  client.cipher = cipher;
  return client;
}

// Two connections at once for whatever the zone takes for one source.
class KindsOfClients : public ::testing::Test {
 protected:
  void take_for_one_source(ZoneKey key) {
    Policy policy = site.draft();
    policy.zones[kServiceZone].per_source[DAM_DIM_connections] = dam_gcra_rate_of(1000, 2);
    policy.zones[kServiceZone].exceeded = Exceeded::reset;
    policy.zones[kServiceZone].key = key;
    site.apply(policy);
  }
  bool comes(uint8_t kind, uint16_t port, const dam_address& address) {
    const ClientSide client = of_kind(kind, client_at(port, address));
    return establish(site, client, "www.example.org").has_value();
  }

  SmallSite site;
};

TEST_F(KindsOfClients, AZoneMayTakeAKindForOneSource) {
  take_for_one_source(ZoneKey::ja4);
  EXPECT_TRUE(comes(1, 41000, kClient));
  EXPECT_TRUE(comes(1, 41001, kStranger));
  EXPECT_FALSE(comes(1, 41002, kClient));
  EXPECT_FALSE(comes(1, 41003, kStranger)) << "whatever its address";
  EXPECT_TRUE(comes(2, 41004, kClient)) << "another kind";
  EXPECT_EQ(site.drops(DAM_DROP_source_connections, kServiceZone), 2u);
}

TEST_F(KindsOfClients, AZoneMayTakeAKindAtOneAddressForOneSource) {
  take_for_one_source(ZoneKey::source_ja4);
  EXPECT_TRUE(comes(1, 41000, kClient));
  EXPECT_TRUE(comes(1, 41001, kClient));
  EXPECT_FALSE(comes(1, 41002, kClient));
  EXPECT_TRUE(comes(2, 41003, kClient)) << "another kind there";
  EXPECT_TRUE(comes(1, 41004, kStranger)) << "that kind elsewhere";
  EXPECT_EQ(site.drops(DAM_DROP_source_connections, kServiceZone), 1u);
}

// Packets of standing connections too, in whichever plane they are charged.
TEST(Admit, APacketIsChargedToTheKindOfItsClient) {
  SmallSite site;
  Policy policy = site.draft();
  policy.zones[kServiceZone].per_source[DAM_DIM_packets] = dam_gcra_rate_of(1, 40);
  policy.zones[kServiceZone].key = ZoneKey::ja4;
  site.apply(policy);
  std::vector<Connection> all;
  for (uint8_t kind = 1; kind <= 2; ++kind) {
    for (const dam_address& address : {kClient, kStranger}) {
      const auto port = static_cast<uint16_t>(41000 + all.size());
      const auto c = stand(site, of_kind(kind, client_at(port, address)));
      ASSERT_TRUE(c);
      all.push_back(*c);
    }
  }
  const auto passes = [&](Connection& c) {
    return !site.send(kFrontPort, c.client.segment(kAck, "x")).empty();
  };
  for (int i = 0; i < 50; ++i) passes(all[0]);
  EXPECT_GT(site.drops(DAM_DROP_source_packets, kServiceZone), 0u);
  EXPECT_FALSE(passes(all[1])) << "the same kind at another address";
  EXPECT_TRUE(passes(all[2])) << "another kind at that address";
}

TEST(Admit, ShadowCountsWhatItWouldHaveRefused) {
  SmallSite site;
  Policy policy = site.draft();
  policy.zones[kServiceZone].per_source[DAM_DIM_connections] = dam_gcra_rate_of(1000, 1);
  policy.zones[kServiceZone].mode = Mode::shadow;
  site.apply(policy);
  for (uint16_t i = 0; i < 4; ++i) {
    EXPECT_TRUE(establish(site, client_at(static_cast<uint16_t>(41000 + i)), "www.example.org"));
  }
  EXPECT_EQ(site.zone(kServiceZone).shadow_exceeded[0][DAM_DIM_connections], 3u);
}

TEST(Admit, OpenConnectionsOfASourceAreLimitedAndFreedByTheirEnd) {
  SmallSite site;
  Policy policy = site.draft();
  policy.zones[kServiceZone].per_source_concurrent = 1;
  policy.zones[kServiceZone].exceeded = Exceeded::reset;
  site.apply(policy);
  const auto first = establish(site, client_at(41000), "www.example.org");
  ASSERT_TRUE(first);
  EXPECT_FALSE(establish(site, client_at(41001), "www.example.org"));
  EXPECT_EQ(site.drops(DAM_DROP_source_concurrent, kServiceZone), 1u);
  site.send(kFrontPort, first->client.segment(DAM_TCP_RST));
  EXPECT_TRUE(establish(site, client_at(41002), "www.example.org"));
}

TEST(Admit, ABanCutsTheSourcesLiveConnectionsInItsZoneAlone) {
  SmallSite site;
  Policy policy = site.draft();
  Zone& zone = policy.zones[kServiceZone];
  zone.per_source[DAM_DIM_connections] = dam_gcra_rate_of(1000, 2);
  zone.exceeded = Exceeded::ban;
  zone.ban_after = 2;
  zone.ban_within_ns = 10'000'000'000;
  zone.ban_for_ns = 60'000'000'000;
  site.apply(policy);
  const auto live = establish(site, client_at(41000), "www.example.org");
  const auto admin = establish(site, client_at(41001), "manage.example.org");
  ASSERT_TRUE(live && admin);
  for (uint16_t i = 2; i < 6; ++i) {
    establish(site, client_at(static_cast<uint16_t>(41000 + i)), "www.example.org");
  }
  EXPECT_EQ(site.bans(kServiceZone), 1u);
  for (const Seen& seen : site.send(kFrontPort, live->client.segment(kAck, "more"))) {
    EXPECT_TRUE(seen.has(DAM_TCP_RST)) << "both ends learn of it, and nothing passes";
  }
  EXPECT_GE(site.drops(DAM_DROP_zone_banned, kServiceZone), 1u);
  EXPECT_EQ(site.send(kFrontPort, admin->client.segment(kAck, "more")).size(), 1u);
  EXPECT_TRUE(establish(site, client_at(41020), "manage.example.org"));
  site.advance(61'000'000'000);
  EXPECT_TRUE(establish(site, client_at(41030), "www.example.org")) << "the ban is over";
}

TEST(Admit, AnAllowedSourceIsNeverBannedNorDenied) {
  SmallSite site;
  Policy policy = site.draft();
  Zone& zone = policy.zones[kServiceZone];
  zone.per_source[DAM_DIM_connections] = dam_gcra_rate_of(1000, 1);
  zone.exceeded = Exceeded::ban;
  zone.ban_after = 1;
  zone.ban_within_ns = zone.ban_for_ns = 60'000'000'000;
  policy.allow = only(kClient);
  policy.deny = only(kClient);
  site.apply(policy);
  const auto live = establish(site, client_at(41000), "www.example.org");
  ASSERT_TRUE(live);
  for (uint16_t i = 1; i < 5; ++i) {
    establish(site, client_at(static_cast<uint16_t>(41000 + i)), "www.example.org");
  }
  EXPECT_EQ(site.bans(kServiceZone), 0u);
  EXPECT_EQ(site.send(kFrontPort, live->client.segment(kAck, "more")).size(), 1u);
}

TEST(Admit, ADeniedSourceGetsNoAnswerAndItsLiveConnectionsEnd) {
  SmallSite site;
  ASSERT_TRUE(establish(site, client_at(41000), "www.example.org"));
  Policy policy = site.draft();
  policy.deny = only(kClient);
  site.apply(policy);
  site.advance(20'000'000);
  EXPECT_EQ(site.flows(), 0u);
  ClientSide again = client_at(41001);
  EXPECT_FALSE(prove(site, again));
  EXPECT_GE(site.drops(DAM_DROP_denied), 2u);
  ClientSide other = client_at(41002, kStranger);
  EXPECT_TRUE(prove(site, other));
}

// The deny list is then asked before the flow index. That a server's address is on it, too, means
// nothing to the server's connections.
TEST(Admit, AFloodOfDeniedSourcesTakesNothingFromTheOthers) {
  SmallSite site;
  const std::vector<SourcePrefix> denied = {{kStranger, 128}, {kServiceServer, 128}};
  Policy policy = site.draft();
  policy.deny = PrefixSet(denied);
  site.apply(policy);
  const auto flood = [&] {
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(site.send(kFrontPort, client_at(40000, kStranger).segment(DAM_TCP_SYN)).empty());
      EXPECT_TRUE(site.send(kFrontPort, client_at(40000, kStranger).segment(kAck, "x")).empty());
    }
  };
  flood();
  const auto c = stand(site, client_at(41000));
  ASSERT_TRUE(c);
  flood();
  EXPECT_EQ(site.send(kFrontPort, c->client.segment(kAck, "more")).size(), 1u);
  flood();
  const Segment answer = c->from_server(kAck, "less", server_next(*c), server_ack(*c));
  EXPECT_EQ(site.send(kServicePort, answer).size(), 1u);
  flood();
  EXPECT_TRUE(stand(site, client_at(41001)));
  EXPECT_EQ(site.drops(DAM_DROP_denied), 24u);
}

TEST(Admit, ForgedPacketsChargeNobody) {
  SmallSite site;
  Policy policy = site.draft();
  Zone& zone = policy.zones[kServiceZone];
  zone.per_source[DAM_DIM_connections] = zone.per_source[DAM_DIM_packets] =
      dam_gcra_rate_of(1000, 1);
  zone.exceeded = Exceeded::ban;
  zone.ban_after = 1;
  zone.ban_within_ns = zone.ban_for_ns = 60'000'000'000;
  site.apply(policy);
  for (uint16_t i = 0; i < 200; ++i) {
    ClientSide forged = client_at(static_cast<uint16_t>(30000 + i));
    Segment syn = forged.segment(DAM_TCP_SYN);
    site.send(kFrontPort, syn);
    forged.ack = 77u * i;
    site.send(kFrontPort, forged.segment(kAck, "x"));
  }
  EXPECT_EQ(site.bans(kServiceZone), 0u);
  EXPECT_TRUE(establish(site, client_at(41000), "www.example.org"));
}

TEST(Admit, PacketsOverTheBucketAreDroppedAndTheRestPass) {
  SmallSite site;
  Policy policy = site.draft();
  policy.zones[kServiceZone].per_source[DAM_DIM_packets] = dam_gcra_rate_of(10'000, 5);
  site.apply(policy);
  auto c = establish(site, client_at(41000), "www.example.org");
  ASSERT_TRUE(c);
  size_t passed = 0;
  for (int i = 0; i < 20; ++i) passed += site.send(kFrontPort, c->client.segment(kAck, "x")).size();
  EXPECT_EQ(passed, 5u);
  EXPECT_EQ(site.drops(DAM_DROP_source_packets, kServiceZone), 15u);
}

}  // namespace
}  // namespace dam::test
