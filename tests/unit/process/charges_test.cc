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
  void pay_time(uint64_t time_ns) {
    v1::ChargeSources all;
    v1::Charge& one = *all.add_charges();
    write_prefix({kClient, 128}, *one.mutable_source());
    one.set_time_ns(time_ns);
    EXPECT_EQ(charge(site.engine(), all, site.now_ns()), "");
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
  const Zone& zone() { return site.engine().policy()->zones[kServiceZone]; }
  uint64_t& tat_ns(dam_dimension dimension) {
    const uint32_t at = site.engine().sources.find(site.engine().sources.key(
        kClient, kServiceZone, zone().source_bits_v4, zone().source_bits_v6));
    return site.engine().sources.tat_ns(at, dimension);
  }
  uint64_t owed_ns(dam_dimension dimension) {
    const uint64_t tat = tat_ns(dimension);
    return tat > site.now_ns() ? tat - site.now_ns() : 0;
  }
  bool takes_request() {
    const dam_gcra_rate& rate = zone().per_source[DAM_DIM_requests];
    uint64_t& tat = tat_ns(DAM_DIM_requests);
    if (dam_gcra_charge(&tat, &rate, site.now_ns(), 1) != 0) return true;
    dam_gcra_refit(&tat, &rate, site.now_ns());  // as after each refusal
    return false;
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

// As it is charged while it lasts: 80 % of each 40 ms. A source that takes whatever it can get.
TEST_F(ChargesTest, of_time_a_source_pays_its_share_however_empty_its_bucket_is) {
  constexpr uint64_t kStep = kOneSecond / 25;
  const auto passed_in = [&](int seconds, uint64_t share_ns) {
    uint32_t passed = 0;
    for (int step = 0; step < 25 * seconds; ++step) {
      pay_time(share_ns);
      site.advance(kStep);
      passed += takes_request() ? 1 : 0;
    }
    return passed;
  };
  ASSERT_TRUE(connect());
  while (takes_request()) {
  }
  const uint32_t whole = passed_in(20, 0);
  EXPECT_GE(whole, 19u);
  EXPECT_LE(whole, 20u);
  const uint32_t throttled = passed_in(50, kStep * 8 / 10);
  EXPECT_GE(throttled, 9u);
  EXPECT_LE(throttled, 10u) << "a fifth of one a second";
  EXPECT_LE(passed_in(10, 1'000'000 * kOneSecond), 1u) << "none, but at the end";
  site.advance(kOneSecond + kOneSecond / 10);
  EXPECT_TRUE(takes_request()) << "nobody falls behind by more than a moment";
}

// However little its bucket holds.
TEST_F(ChargesTest, of_time_nobody_pays_who_asks_for_less_than_his_share) {
  Policy policy = site.draft();
  policy.zones[kServiceZone].per_source[DAM_DIM_requests] = dam_gcra_rate_of(1'000, 1);
  site.apply(policy);
  ASSERT_TRUE(connect());
  for (int step = 0; step < 300; ++step) {
    pay_time(kOneSecond / 25 * 8 / 10);
    if (step % 150 == 7) {
      EXPECT_TRUE(takes_request()) << "one in six seconds, where one in five is let by";
    }
    site.advance(kOneSecond / 25);
  }
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
