// SPDX-License-Identifier: BSD-3-Clause
// What a source pays for a server's word, in a whole engine.
#include "dataplane/process/charges.h"

#include <gtest/gtest.h>

#include "dataplane/ipc/wire_address.h"
#include "tests/unit/engine/small_site.h"

namespace dam::test {
namespace {

constexpr uint32_t kBurst = 5;
constexpr uint64_t kOneSecond = 1'000'000'000;

struct ChargesTest : testing::Test {
  SmallSite site;
  uint16_t port = 40000;

  ChargesTest() {
    Policy policy = site.draft();
    Zone& zone = policy.zones[kServiceZone];
    for (const dam_dimension dimension : {DAM_DIM_connections, DAM_DIM_requests}) {
      zone.per_source[dimension] = dam_gcra_rate_of(1'000, kBurst);
    }
    for (Zone& one : policy.zones) {
      if (one.management) one.per_source[DAM_DIM_connections] = dam_gcra_rate_of(1'000, kBurst);
    }
    site.apply(policy);
  }
  std::string pay(uint32_t connections, uint32_t requests = 0,
                  const dam_address& source = kClient) {
    v1::ChargeSources all;
    v1::Charge& one = *all.add_charges();
    write_prefix({source, 128}, *one.mutable_source());
    one.set_connections(connections);
    one.set_requests(requests);
    return charge(site.engine(), all, site.now_ns());
  }
  bool connect(const std::string& name = "www.example.org", const dam_address& source = kClient) {
    ClientSide client;
    client.address = source;
    client.port = port++;
    return establish(site, client, name).has_value();
  }
  uint32_t connect_while_let_in(const std::string& name = "www.example.org") {
    uint32_t count = 0;
    while (count < 100 && connect(name)) ++count;
    return count;
  }
  uint64_t owed_ns(dam_dimension dimension) {
    const Zone& zone = site.engine().policy()->zones[kServiceZone];
    const uint32_t at = site.engine().sources.find(
        site.engine().sources.key(kClient, kServiceZone, zone.source_bits_v4, zone.source_bits_v6));
    const uint64_t tat_ns = site.engine().sources.tat_ns(at, dimension);
    return tat_ns > site.now_ns() ? tat_ns - site.now_ns() : 0;
  }
};

TEST_F(ChargesTest, a_source_has_so_many_less_and_goes_on_at_its_zones_rate) {
  ASSERT_TRUE(connect());
  EXPECT_EQ(pay(3), "");
  EXPECT_EQ(connect_while_let_in(), kBurst - 1 - 3);
  EXPECT_EQ(pay(1'000'000), "") << "empty at most";
  site.advance(kOneSecond + kOneSecond / 10);
  EXPECT_EQ(connect_while_let_in(), 1u);
}

TEST_F(ChargesTest, requests_are_charged_beside_connections) {
  ASSERT_TRUE(connect());
  const uint64_t before_ns = owed_ns(DAM_DIM_connections);
  pay(0, 2);
  EXPECT_EQ(owed_ns(DAM_DIM_requests), 2 * kOneSecond);
  pay(0, UINT32_MAX);
  EXPECT_EQ(owed_ns(DAM_DIM_requests), kBurst * kOneSecond);
  EXPECT_EQ(owed_ns(DAM_DIM_connections), before_ns);
}

TEST_F(ChargesTest, management_and_other_sources_pay_nothing) {
  ASSERT_TRUE(connect() && connect("manage.example.org") && connect("www.example.org", kStranger));
  EXPECT_EQ(pay(1'000), "");
  EXPECT_FALSE(connect());
  EXPECT_TRUE(connect("www.example.org", kStranger));
  EXPECT_EQ(connect_while_let_in("manage.example.org"), kBurst - 1);
}

// Else a server could fill the table with whomever it names.
TEST_F(ChargesTest, nobody_is_remembered_for_it) {
  const uint32_t before = site.engine().sources.used();
  EXPECT_EQ(pay(1'000), "");
  EXPECT_EQ(site.engine().sources.used(), before);
  EXPECT_EQ(connect_while_let_in(), kBurst);
}

}  // namespace
}  // namespace dam::test
