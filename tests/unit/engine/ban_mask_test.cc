// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/ban_mask.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace dam {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kTick = 1ull << 30;
constexpr std::array<uint64_t, 2> kSecret = {5, 6};

dam_address v4(uint32_t host_order) { return dam_address_v4(__builtin_bswap32(host_order)); }

TEST(BanMask, NamesTheZonesOfASourceAndOfNobodyElse) {
  BanMask bans(1000, kSecret);
  const uint64_t a = bans.hash(v4(0xc6336401)), b = bans.hash(v4(0xc6336402));
  EXPECT_TRUE(bans.add(a, 0, 60 * kSecond, kSecond));
  EXPECT_TRUE(bans.add(a, 63, 60 * kSecond, kSecond));
  EXPECT_EQ(bans.zones(a, 2 * kSecond), 1ull << 63 | 1);
  EXPECT_EQ(bans.zones(b, 2 * kSecond), 0u);
  bans.remove(a, 63);
  EXPECT_EQ(bans.zones(a, 2 * kSecond), 1u);
}

TEST(BanMask, AnIpv6SourceIsItsSlash64) {
  BanMask bans(1000, kSecret);
  const dam_address a{{1, 2, 3, 4}}, b{{1, 2, 5, 6}}, c{{1, 7, 3, 4}};
  EXPECT_EQ(bans.hash(a), bans.hash(b));
  EXPECT_NE(bans.hash(a), bans.hash(c));
}

TEST(BanMask, EachZonesBanEndsByItselfAndNeverLate) {
  BanMask bans(1000, kSecret);
  const uint64_t source = bans.hash(v4(1));
  bans.add(source, 1, 10 * kSecond, 0);
  bans.add(source, 2, 20 * kSecond, 0);
  EXPECT_EQ(bans.zones(source, 10 * kSecond - 2 * kTick), 6u);
  EXPECT_EQ(bans.zones(source, 10 * kSecond), 4u);
  EXPECT_EQ(bans.zones(source, 20 * kSecond), 0u);
}

TEST(BanMask, ALongerBanExtendsAndAShorterOneDoesNotCut) {
  BanMask bans(1000, kSecret);
  const uint64_t source = bans.hash(v4(1));
  bans.add(source, 1, 10 * kSecond, 0);
  bans.add(source, 1, 100 * kSecond, 0);
  bans.add(source, 1, 20 * kSecond, 0);
  EXPECT_EQ(bans.zones(source, 90 * kSecond), 2u);
  bans.remove(source, 1);
  EXPECT_EQ(bans.zones(source, 0), 0u) << "there was one row only";
  bans.add(source, 1, ~0ull, 0);
  EXPECT_EQ(bans.zones(source, 1000 * kSecond), 2u) << "for ever does not wrap";
}

TEST(BanMask, RowsThatRanOutMakeRoom) {
  BanMask bans(1, kSecret);
  uint64_t now_ns = kSecond;
  uint32_t refused = 0;
  for (uint32_t i = 0; i < 1000; ++i)
    refused += !bans.add(bans.hash(v4(i)), 1, 9 * kSecond, now_ns);
  EXPECT_GT(refused, 900u);
  now_ns = 10 * kSecond;
  EXPECT_TRUE(bans.add(bans.hash(v4(5000)), 1, 20 * kSecond, now_ns));
  EXPECT_EQ(bans.zones(bans.hash(v4(5000)), now_ns), 2u);
}

TEST(BanMask, HoldsItsCapacityAndMistakesNobody) {
  constexpr uint32_t kBans = 100'000;
  BanMask bans(kBans, kSecret);
  uint32_t refused = 0, mistaken = 0, missing = 0;
  for (uint32_t i = 0; i < kBans; ++i) {
    const uint64_t hash = bans.hash(v4(i));
    refused += !bans.add(hash, 3, 60 * kSecond, 0);
    missing += bans.zones(hash, kSecond) != 8;
  }
  for (uint32_t i = kBans; i < 10 * kBans; ++i) {
    mistaken += bans.zones(bans.hash(v4(i)), kSecond) != 0;
  }
  EXPECT_LT(refused, kBans / 200);
  EXPECT_EQ(missing, refused);
  EXPECT_EQ(mistaken, 0u);
}

TEST(BanMask, FollowsAModelUnderRandomUse) {
  std::mt19937_64 random(1);
  BanMask bans(4096, kSecret);
  std::map<std::pair<uint32_t, uint8_t>, uint64_t> model;  // until, in ticks
  uint64_t now = 100;
  for (int step = 0; step < 100'000; ++step) {
    now += random() % 50 == 0;
    const auto source = static_cast<uint32_t>(random() % 200);
    const auto zone = static_cast<uint8_t>(random() % 4);
    const uint64_t hash = bans.hash(v4(source));
    uint64_t& until = model[{source, zone}];
    if (random() % 3 == 0) {
      bans.remove(hash, zone);
      until = 0;
    } else if (const uint64_t fresh = now + random() % 30;
               bans.add(hash, zone, fresh * kTick, now * kTick)) {
      until = std::max(until, fresh);
    }
    uint64_t expected = 0;
    for (uint8_t z = 0; z < 4; ++z) expected |= uint64_t{model[{source, z}] > now} << z;
    ASSERT_EQ(bans.zones(hash, now * kTick), expected);
  }
}

}  // namespace
}  // namespace dam
