// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/process/recent_drops.h"

#include <gtest/gtest.h>

#include "tests/unit/process/refusals.h"

namespace dam {
namespace {

TEST(RecentDrops, counts_by_reason_the_latest_first) {
  RecentDrops recent(AddressHash{{1, 2}});
  recent.take(refused(7, DAM_DROP_source_packets, 1 * kSecond, true, 1));
  recent.take(refused(7, DAM_DROP_source_packets, 2 * kSecond, true, 64));
  recent.take(refused(7, DAM_DROP_bad_cookie, 3 * kSecond, false, 1));
  recent.take(refused(8, DAM_DROP_denied, 3 * kSecond, false, 1));
  const auto drops = recent.of(dam_address_v4(7), 4 * kSecond);
  ASSERT_EQ(drops.size(), 2u);
  EXPECT_EQ(drops[0].reason, DAM_DROP_bad_cookie);
  EXPECT_FALSE(drops[0].proven);
  EXPECT_EQ(drops[1].reason, DAM_DROP_source_packets);
  EXPECT_EQ(drops[1].count, 65u);
  EXPECT_EQ(drops[1].last_ns, 2 * kSecond);
  EXPECT_EQ(drops[1].zone, 3);
  EXPECT_TRUE(drops[1].proven);
}

TEST(RecentDrops, what_passed_or_was_taken_in_is_no_drop) {
  RecentDrops recent(AddressHash{{1, 2}});
  recent.take(refused(7, DAM_DROP_none, kSecond, true, 64));
  recent.take(refused(7, DAM_DROP_consumed, kSecond, true, 1));
  recent.take(refused(7, DAM_DROP_denied, kSecond, false, 0));  // told for a capture alone
  EXPECT_TRUE(recent.of(dam_address_v4(7), kSecond).empty());
}

TEST(RecentDrops, old_ones_are_forgotten_and_begin_anew) {
  RecentDrops recent(AddressHash{{1, 2}});
  recent.take(refused(7, DAM_DROP_denied, kSecond, false, 5));
  const uint64_t later = kSecond + RecentDrops::kKeptNs + 1;
  EXPECT_TRUE(recent.of(dam_address_v4(7), later).empty());
  recent.take(refused(7, DAM_DROP_denied, later, false, 2));
  ASSERT_EQ(recent.of(dam_address_v4(7), later).size(), 1u);
  EXPECT_EQ(recent.of(dam_address_v4(7), later)[0].count, 2u);
}

TEST(RecentDrops, forged_addresses_drive_no_proven_source_out) {
  RecentDrops recent(AddressHash{{1, 2}});
  recent.take(refused(7, DAM_DROP_source_packets, kSecond, true, 1));
  for (uint32_t i = 100; i < 1'000'000; ++i) {
    recent.take(refused(i, DAM_DROP_bad_cookie, 2 * kSecond, false, 1));
  }
  EXPECT_EQ(recent.of(dam_address_v4(7), 3 * kSecond).size(), 1u);
}

TEST(RecentDrops, of_many_reasons_the_latest_are_kept) {
  RecentDrops recent(AddressHash{{1, 2}});
  for (uint8_t reason = 1; reason < 30; ++reason) {
    recent.take(refused(7, reason, reason * kSecond, true, 1));
  }
  const auto drops = recent.of(dam_address_v4(7), 40 * kSecond);
  ASSERT_GE(drops.size(), 4u);
  EXPECT_EQ(drops[0].reason, 29);
  EXPECT_EQ(drops[1].reason, 28);
}

TEST(RecentDrops, are_named_by_the_last_hello_of_their_kind) {
  RecentDrops recent(AddressHash{{1, 2}});
  const Ja4 ja4 = Ja4Pattern::parse("t13d1516h2_8daaf6152771_e5627efa2ab1")->wanted;
  const RefusedHello named{dam_address_v4(7), ja4, DAM_DROP_no_route, 3};
  EXPECT_FALSE(recent.name(named));
  recent.take(refused(7, DAM_DROP_no_route, kSecond));
  recent.take(refused(7, DAM_DROP_no_server_name, 2 * kSecond));
  EXPECT_TRUE(recent.name(named));
  const auto drops = recent.of(dam_address_v4(7), 3 * kSecond);
  ASSERT_EQ(drops.size(), 2u);
  EXPECT_FALSE(drops[0].ja4.known());
  EXPECT_EQ(drops[1].ja4, ja4);
}

}  // namespace
}  // namespace dam
