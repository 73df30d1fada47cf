// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/timer_wheel.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <vector>

namespace dam {
namespace {

constexpr uint64_t kMs = 1'000'000;
constexpr uint32_t kAll = 0xffffffff;

std::vector<uint32_t> advanced(TimerWheel& wheel, uint64_t now_ns, uint32_t budget = kAll) {
  std::vector<uint32_t> fired;
  wheel.advance(now_ns, budget, [&](uint32_t id) { fired.push_back(id); });
  return fired;
}

TEST(TimerWheel, FiresExactlyTheIdsWhoseDeadlinePassedUnderRandomUse) {
  constexpr uint32_t kIds = 500;
  std::mt19937_64 random(1);
  uint64_t now_ns = 987'654'321;
  TimerWheel wheel(kIds, kMs, 1000, now_ns);
  std::map<uint32_t, uint64_t> model;  // id -> deadline
  for (int round = 0; round < 20'000; ++round) {
    for (int i = 0; i < 5; ++i) {
      const auto id = static_cast<uint32_t>(random() % kIds);
      if (random() % 4 == 0) {
        wheel.cancel(id);
        model.erase(id);
      } else {
        model[id] = now_ns + random() % (wheel.horizon_ns() - 2 * wheel.tick_ns());
        wheel.schedule(id, model[id]);
      }
      ASSERT_EQ(wheel.scheduled(id), model.contains(id));
    }
    now_ns += random() % (3 * kMs);
    for (const uint32_t id : advanced(wheel, now_ns)) {
      ASSERT_TRUE(model.contains(id));
      ASSERT_LE(model[id], now_ns) << "early";
      model.erase(id);
    }
    for (const auto& [id, deadline_ns] : model) {
      ASSERT_GT(deadline_ns + 2 * wheel.tick_ns(), now_ns) << "late: " << id;
    }
  }
}

TEST(TimerWheel, FiresOldestSlotsFirstAndTheRestNextTime) {
  TimerWheel wheel(10, kMs, 100);
  for (uint32_t id = 0; id < 10; ++id) wheel.schedule(id, (10 - id) * 2 * kMs);
  EXPECT_EQ(advanced(wheel, 50 * kMs, 4), (std::vector<uint32_t>{9, 8, 7, 6}));
  wheel.cancel(5);  // due, but not fired yet
  EXPECT_EQ(advanced(wheel, 50 * kMs, 4), (std::vector<uint32_t>{4, 3, 2, 1}));
  EXPECT_EQ(advanced(wheel, 50 * kMs, 4), (std::vector<uint32_t>{0}));
}

TEST(TimerWheel, KeepsTheOrderOfTimeAfterAJumpOverTheWholeWheel) {
  TimerWheel wheel(3, kMs, 64, 40 * kMs);
  wheel.schedule(0, 90 * kMs);
  wheel.schedule(1, 60 * kMs);
  wheel.schedule(2, 75 * kMs);
  EXPECT_EQ(advanced(wheel, 10'000 * kMs), (std::vector<uint32_t>{1, 2, 0}));
}

TEST(TimerWheel, AnIdScheduledInThePastByItsOwnFiringWaitsForTheNextTick) {
  TimerWheel wheel(1, kMs, 100);
  wheel.schedule(0, kMs);
  uint32_t fired = 0;
  const auto again = [&](uint32_t id) {
    ++fired;
    wheel.schedule(id, 0);
  };
  EXPECT_EQ(wheel.advance(50 * kMs, 1000, again), 1u);
  EXPECT_EQ(wheel.advance(50 * kMs, 1000, again), 0u);
  EXPECT_EQ(wheel.advance(52 * kMs, 1000, again), 1u);
}

TEST(TimerWheel, FiringMayCancelAndMoveOthersThatAreDue) {
  TimerWheel wheel(4, kMs, 100);
  for (uint32_t id = 0; id < 4; ++id) wheel.schedule(id, kMs);
  std::vector<uint32_t> fired;
  wheel.advance(5 * kMs, kAll, [&](uint32_t id) {
    fired.push_back(id);
    if (id == 0) wheel.cancel(1);
    if (id == 0) wheel.schedule(2, 20 * kMs);
  });
  EXPECT_EQ(fired, (std::vector<uint32_t>{0, 3}));
  EXPECT_EQ(advanced(wheel, 30 * kMs), (std::vector<uint32_t>{2}));
}

TEST(TimerWheel, SchedulingAgainMovesTheId) {
  TimerWheel wheel(2, kMs, 100);
  wheel.schedule(0, 5 * kMs);
  wheel.schedule(0, 50 * kMs);
  EXPECT_TRUE(advanced(wheel, 40 * kMs).empty());
  EXPECT_EQ(advanced(wheel, 60 * kMs), (std::vector<uint32_t>{0}));
  EXPECT_TRUE(advanced(wheel, 500 * kMs).empty());
}

TEST(TimerWheel, ADeadlineBeyondTheHorizonFiresAtTheHorizon) {
  TimerWheel wheel(1, kMs, 100);
  EXPECT_GE(wheel.horizon_ns(), 100 * kMs);
  wheel.schedule(0, 3'600'000 * kMs);
  EXPECT_TRUE(advanced(wheel, wheel.horizon_ns() - wheel.tick_ns()).empty());
  EXPECT_EQ(advanced(wheel, wheel.horizon_ns() + wheel.tick_ns()).size(), 1u);
}

// With a tick of 1 us a walk over a year's slots would never end.
TEST(TimerWheel, AClockThatLeapsAYearAheadCostsOneTurnAtMost) {
  TimerWheel wheel(8, 1000, 4096);
  constexpr uint64_t kYearNs = 365ull * 86400 * 1'000'000'000;
  for (uint64_t year = 1; year < 100; ++year) {
    for (uint32_t id = 0; id < 8; ++id) wheel.schedule(id, wheel.now() + id * 1000);
    ASSERT_EQ(advanced(wheel, year * kYearNs).size(), 8u);
  }
}

TEST(TimerWheel, AClockThatGoesBackwardsChangesNothing) {
  TimerWheel wheel(2, kMs, 100, 1000 * kMs);
  wheel.schedule(0, 1010 * kMs);
  EXPECT_TRUE(advanced(wheel, 5 * kMs).empty());
  wheel.schedule(1, 1005 * kMs);
  EXPECT_EQ(advanced(wheel, 1020 * kMs), (std::vector<uint32_t>{1, 0}));
}

TEST(TimerWheel, CostsEightBytesAnId) {
  TimerWheel wheel(1u << 20, kMs, 4096);
  EXPECT_LT(wheel.bytes(), (std::size_t{8} << 20) + 128 * 1024);
}

}  // namespace
}  // namespace dam
