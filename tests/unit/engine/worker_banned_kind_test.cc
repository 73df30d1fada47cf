// SPDX-License-Identifier: BSD-3-Clause
// Kinds of clients that are banned: refused in service zones, by a reason of its own and with a
// name, and nowhere else; what stands of them ends.
#include <gtest/gtest.h>

#include "tests/unit/engine/small_site.h"
#include "tests/unit/engine/standing.h"

namespace dam::test {
namespace {

ClientSide client_of_kind(uint8_t cipher, uint16_t port = 40000) {
  ClientSide client;
  client.cipher = cipher;
  client.port = port;
  return client;
}

class BannedKind : public ::testing::Test {
 protected:
  static std::string ja4_of_kind(uint8_t cipher) {
    const std::string text = client_hello("www.example.org", cipher);
    std::vector<uint8_t> scratch(4096);
    ClientHello hello;
    EXPECT_EQ(parse_client_hello({reinterpret_cast<const uint8_t*>(text.data()), text.size()},
                                 scratch, 4096, hello),
              HelloStatus::complete);
    return Ja4Maker({1, 2}).make(hello).text();
  }
  Policy banning(const std::vector<std::string>& patterns) {
    Policy policy = site.draft();
    for (const std::string& one : patterns) policy.ja4_bans.push_back(*Ja4Pattern::parse(one));
    policy.bans_grown = grown_ += patterns.empty() ? 0 : 1;
    return policy;
  }
  bool comes(uint8_t kind, uint16_t port, std::string_view name = "www.example.org") {
    return establish(site, client_of_kind(kind, port), name).has_value();
  }
  uint64_t refused(int zone = -1) { return site.drops(DAM_DROP_banned_fingerprint, zone); }

  SmallSite site;

 private:
  uint64_t grown_ = 0;
};

TEST_F(BannedKind, IsRefusedInServiceZonesUntilItsBanIsLifted) {
  site.apply(banning({ja4_of_kind(1)}));
  EXPECT_FALSE(comes(1, 41000));
  EXPECT_EQ(refused(kServiceZone), 1u);
  EXPECT_TRUE(comes(2, 41001)) << "another kind";
  EXPECT_TRUE(comes(1, 41002, "manage.example.org")) << "the way to management stays open";
  EXPECT_EQ(refused(), 1u);
  site.apply(banning({}));
  EXPECT_TRUE(comes(1, 41003));
}

TEST_F(BannedKind, IsToldByAReset) {
  site.apply(banning({ja4_of_kind(1)}));
  ClientSide client = client_of_kind(1);
  ASSERT_TRUE(prove(site, client));
  const auto seen =
      site.send(kFrontPort, client.segment(kAck, client_hello("www.example.org", client.cipher)));
  EXPECT_EQ(count_tcp(seen, kFrontPort, DAM_TCP_RST), 1u);
  EXPECT_EQ(site.flows(), 0u);
  EXPECT_EQ(site.zone(kServiceZone).connections_opened, 0u);
}

TEST_F(BannedKind, MayBeAPatternOfWhichPartsAreAny) {
  const std::string one = ja4_of_kind(1);
  site.apply(banning({"*_" + one.substr(11, 12) + "_*"}));
  EXPECT_FALSE(comes(1, 41000));
  EXPECT_TRUE(comes(2, 41001));
  site.apply(banning({"*_000000000000_*", one.substr(0, 10) + "_*_*"}));
  EXPECT_FALSE(comes(1, 41002)) << "the second of two";
  EXPECT_FALSE(comes(2, 41003)) << "its first part is the same";
}

TEST_F(BannedKind, StandingConnectionsOfItEndAtBothEndsAndOthersGoOn) {
  const auto gone = stand(site, client_of_kind(1, 41000)),
             other = stand(site, client_of_kind(2, 41001)),
             management = stand(site, client_of_kind(1, 41002), "manage.example.org");
  ASSERT_TRUE(gone && other && management);
  site.apply(banning({ja4_of_kind(1)}));
  const auto seen = site.advance(20 * kMillisecond);
  EXPECT_EQ(count_tcp(seen, kFrontPort, DAM_TCP_RST), 1u);
  EXPECT_EQ(count_tcp(seen, kServicePort, DAM_TCP_RST), 1u);
  EXPECT_EQ(count_tcp(seen, kManagementPort, DAM_TCP_RST), 0u);
  EXPECT_EQ(site.flows(), 2u);
  EXPECT_EQ(refused(kServiceZone), 1u);
}

// Its hello was read by an engine that is gone.
TEST_F(BannedKind, EndsWhatAnEngineBeforeHasLeftOfIt) {
  SmallSite again(SmallSite::small_limits(), kOutlive);
  const auto gone = stand(again, client_of_kind(1, 41000)),
             other = stand(again, client_of_kind(2, 41001)),
             management = stand(again, client_of_kind(1, 41002), "manage.example.org");
  ASSERT_TRUE(gone && other && management);
  restart(again);
  ASSERT_EQ(again.flows(), 3u);
  again.apply(banning({ja4_of_kind(1)}));
  const auto seen = again.advance(20 * kMillisecond);
  EXPECT_EQ(count_tcp(seen, kFrontPort, DAM_TCP_RST), 1u);
  EXPECT_EQ(count_tcp(seen, kServicePort, DAM_TCP_RST), 1u);
  EXPECT_EQ(again.flows(), 2u);
  EXPECT_EQ(again.drops(DAM_DROP_banned_fingerprint, kServiceZone), 1u);
  EXPECT_EQ(again.send(kFrontPort, other->client.segment(kAck, "more")).size(), 1u);
}

TEST_F(BannedKind, SparesWhomTheAllowListNames) {
  const auto standing = stand(site, client_of_kind(1, 41000));
  ASSERT_TRUE(standing);
  Policy policy = banning({ja4_of_kind(1)});
  const SourcePrefix admin{kClient, 128};
  policy.allow = PrefixSet({&admin, 1});
  site.apply(policy);
  site.advance(20 * kMillisecond);
  EXPECT_EQ(site.flows(), 1u);
  EXPECT_TRUE(comes(1, 41001));
  EXPECT_EQ(refused(), 0u);
}

// Whatever the hello was refused for; before its sight, which summed up lines and drops wait for.
TEST_F(BannedKind, RefusalsAreNamed) {
  const std::string kind = ja4_of_kind(1);
  RefusedHello named;
  EXPECT_FALSE(comes(1, 41000, "nobody.example.net"));
  ASSERT_TRUE(site.engine().worker(0).take_refused(named));
  EXPECT_EQ(named.reason, DAM_DROP_no_route);
  EXPECT_EQ(named.ja4.text(), kind);
  EXPECT_TRUE(dam_address_equal(&named.client, &kClient));
  site.apply(banning({kind}));
  EXPECT_FALSE(comes(1, 41001));
  ASSERT_TRUE(site.engine().worker(0).take_refused(named));
  EXPECT_EQ(named.reason, DAM_DROP_banned_fingerprint);
  EXPECT_EQ(named.zone, kServiceZone);
  EXPECT_EQ(named.ja4.text(), kind);
  EXPECT_TRUE(comes(2, 41002));
  EXPECT_FALSE(site.engine().worker(0).take_refused(named)) << "nobody was refused";
}

}  // namespace
}  // namespace dam::test
