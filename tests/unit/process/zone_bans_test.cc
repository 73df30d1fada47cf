// SPDX-License-Identifier: BSD-3-Clause
// What the control plane changes of zones' bans, in a whole engine.
#include "dataplane/process/zone_bans.h"

#include <gtest/gtest.h>

#include "dataplane/ipc/wire_address.h"
#include "dataplane/process/clock.h"
#include "tests/unit/engine/small_site.h"

namespace dam::test {
namespace {

v1::ChangeZoneBan change_of(const dam_address& source, const std::string& zone, uint64_t for_ms) {
  v1::ChangeZoneBan change;
  write_prefix({source, 128}, *change.mutable_source());
  change.set_zone(zone);
  if (for_ms != 0) change.set_until_unix_ms(unix_ms() + for_ms);
  return change;
}

struct ZoneBansTest : testing::Test {
  SmallSite site;
  ZoneBanWatch watch;
  uint16_t port = 40000;

  std::string change(const std::string& zone, uint64_t for_ms) {
    return watch.change(site.engine(), change_of(kClient, zone, for_ms));
  }
  std::optional<Connection> connect(const std::string& name, const dam_address& source = kClient) {
    ClientSide client;
    client.address = source;
    client.port = port++;
    return establish(site, client, name);
  }
};

TEST_F(ZoneBansTest, a_ban_of_a_service_zone_is_begun_and_the_way_to_management_stays_open) {
  auto standing = connect("www.example.org");
  ASSERT_TRUE(standing);
  ASSERT_EQ(change("light", 600'000), "");
  site.send(kFrontPort, standing->client.segment(kAck, "more"));
  EXPECT_EQ(site.drops(DAM_DROP_zone_banned, kServiceZone), 1u) << "what stood there is cut";
  EXPECT_FALSE(connect("www.example.org"));
  EXPECT_TRUE(connect("manage.example.org"));
  EXPECT_TRUE(connect("www.example.org", kStranger));
  ASSERT_EQ(change("", 0), "");
  EXPECT_TRUE(connect("www.example.org")) << "lifted";
}

TEST_F(ZoneBansTest, none_is_begun_in_management_or_the_front_whoever_asks) {
  ASSERT_EQ(change("management", 600'000), "");
  ASSERT_EQ(change("front", 600'000), "");
  ASSERT_EQ(change("", 600'000), "");
  EXPECT_TRUE(connect("manage.example.org"));
  EXPECT_TRUE(connect("www.example.org"));
  EXPECT_EQ(change("heavy", 600'000), "There is no zone \"heavy\".");
}

TEST_F(ZoneBansTest, one_that_was_begun_is_listed) {
  ASSERT_EQ(change("light", 600'000), "");
  for (int i = 0; i < 10; ++i) watch.tick(site.engine(), 0, monotonic_ns());
  const v1::ZoneBans listed = watch.since(0);
  ASSERT_EQ(listed.bans_size(), 1);
  EXPECT_EQ(listed.bans(0).zone(), "light");
}

}  // namespace
}  // namespace dam::test
