// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/port_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <vector>

#include "tests/unit/durations.h"

namespace dam {
namespace {

constexpr uint64_t kTwoTicks = 2ull << 26;

std::vector<uint16_t> ports_from(uint16_t first, uint16_t count) {
  std::vector<uint16_t> ports(count);
  std::iota(ports.begin(), ports.end(), first);
  return ports;
}

std::vector<uint16_t> drained(PortPool& pool) {
  std::vector<uint16_t> order;
  for (uint16_t port = pool.take(0, 0); port != 0; port = pool.take(0, 0)) order.push_back(port);
  return order;
}

TEST(PortPool, GivesEachPortOnceInAnOrderThatTheSeedChooses) {
  const std::vector<uint16_t> ports = ports_from(1024, 64512);
  PortPool a(ports, 1), b(ports, 2), c(ports, 1);
  const std::vector<uint16_t> order = drained(a);
  EXPECT_NE(order, drained(b));
  EXPECT_EQ(order, drained(c));
  EXPECT_EQ(a.free(), 0u);
  EXPECT_EQ(a.in_use(), 64512u);
  std::vector<uint16_t> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(sorted, ports);
  EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
}

TEST(PortPool, APortRestsBeforeItIsUsedAgain) {
  PortPool pool(ports_from(5000, 1), 1);
  ASSERT_EQ(pool.take(kSecond, 10 * kSecond), 5000) << "a port never used needs no rest";
  pool.give(5000, 20 * kSecond);
  EXPECT_EQ(pool.take(20 * kSecond, 10 * kSecond), 0);
  EXPECT_EQ(pool.take(30 * kSecond - 1, 10 * kSecond), 0);
  EXPECT_EQ(pool.free(), 1u);
  EXPECT_EQ(pool.take(30 * kSecond + kTwoTicks, 10 * kSecond), 5000);
}

TEST(PortPool, IgnoresAPortThatWasNotTaken) {
  PortPool pool(ports_from(5000, 2), 1);
  pool.give(5000, 0);
  pool.give(80, 0);
  EXPECT_EQ(pool.free(), 2u);
  const uint16_t port = pool.take(0, 0);
  pool.give(port, 0);
  pool.give(port, 0);
  EXPECT_EQ(pool.free(), 2u);
  EXPECT_NE(pool.take(0, 0), pool.take(0, 0));
}

TEST(PortPool, GivesThePortThatRestedLongestAndNeverOneTooEarly) {
  constexpr uint64_t kRest = 3 * kSecond;
  std::mt19937_64 random(3);
  PortPool pool(ports_from(40'000, 50), 9);
  std::deque<std::pair<uint16_t, uint64_t>> given;  // oldest first
  std::vector<uint16_t> taken;
  std::set<uint16_t> seen;
  uint64_t now_ns = 7 * kSecond;
  for (int step = 0; step < 100'000; ++step) {
    now_ns += random() % (kSecond / 5);
    if (random() % 2 == 0 && !taken.empty()) {
      std::swap(taken[random() % taken.size()], taken.back());
      pool.give(taken.back(), now_ns);
      given.emplace_back(taken.back(), now_ns);
      taken.pop_back();
    } else if (const uint16_t port = pool.take(now_ns, kRest); port != 0) {
      if (!seen.insert(port).second) {
        ASSERT_EQ(port, given.front().first);
        ASSERT_GE(now_ns, given.front().second + kRest);
        given.pop_front();
      }
      taken.push_back(port);
    } else if (!given.empty()) {
      ASSERT_LT(now_ns, given.front().second + kRest + kTwoTicks);
    }
    ASSERT_EQ(pool.in_use(), taken.size());
    ASSERT_EQ(pool.free() + pool.in_use(), 50u);
  }
}

TEST(PortPool, TakesThePlaceOfAnotherWithWhatLivesAndRestsThere) {
  PortPool before(ports_from(5000, 4), 1);
  const uint16_t living = before.take(0, 0);
  const uint16_t resting = before.take(0, 0);
  before.give(resting, kSecond);
  PortPool wider(ports_from(4998, 8), 2, {}, &before);
  wider.settle();
  EXPECT_EQ(wider.in_use(), 1u);
  std::set<uint16_t> taken;
  for (int i = 0; i < 6; ++i) taken.insert(wider.take(kSecond, 10 * kSecond));
  EXPECT_EQ(taken.size(), 6u);
  EXPECT_FALSE(taken.contains(0) || taken.contains(living) || taken.contains(resting));
  EXPECT_EQ(wider.take(kSecond, 10 * kSecond), 0) << "it rests";
  EXPECT_EQ(wider.take(12 * kSecond, 10 * kSecond), resting);
  wider.give(living, 12 * kSecond);
  EXPECT_EQ(wider.take(23 * kSecond, 10 * kSecond), living);
}

TEST(PortPool, APortOutsideTheNewRangeGoesNowhereWhenItIsGivenBack) {
  PortPool before(ports_from(5000, 2), 1);
  const uint16_t living = before.take(0, 0);
  PortPool after(ports_from(6000, 2), 2, {}, &before);
  after.settle();
  EXPECT_EQ(after.in_use(), 0u);
  after.give(living, 0);
  EXPECT_EQ(after.free(), 2u);
  EXPECT_EQ(drained(after).size(), 2u);
}

TEST(PortPool, PoolsThatNobodyUsedMeanwhileSettleInTheirOrder) {
  PortPool first(ports_from(5000, 2), 1);
  const uint16_t living = first.take(0, 0);
  PortPool second(ports_from(6000, 2), 2, {}, &first);
  PortPool third(ports_from(5000, 2), 3, {}, &second);
  third.settle();
  EXPECT_EQ(third.in_use(), 1u);
  EXPECT_NE(third.take(0, 0), living);
  EXPECT_EQ(third.take(0, 0), 0);
}

TEST(PortPool, IsEmptyWithoutPorts) {
  PortPool pool({}, 1);
  EXPECT_EQ(pool.take(0, 0), 0);
}

}  // namespace
}  // namespace dam
