// SPDX-License-Identifier: BSD-3-Clause
// A bucket that outlives its rate.
#include <gtest/gtest.h>

#include "dataplane/core/gcra.h"
#include "tests/unit/durations.h"

namespace {

// Empties a bucket at `now` under one rate.
uint64_t emptied(const dam_gcra_rate& rate, uint64_t now_ns) {
  uint64_t tat = 0;
  while (dam_gcra_charge(&tat, &rate, now_ns, 1)) {
  }
  return tat;
}

// How many of one try a millisecond pass within a second, refused ones being refitted.
int admitted_in_a_second(uint64_t* tat, const dam_gcra_rate& rate, uint64_t from_ns) {
  int admitted = 0;
  for (uint64_t ms = 1; ms <= 1000; ++ms) {
    const uint64_t now_ns = from_ns + ms * 1'000'000;
    if (dam_gcra_charge(tat, &rate, now_ns, 1)) {
      ++admitted;
    } else {
      dam_gcra_refit(tat, &rate, now_ns);
    }
  }
  return admitted;
}

TEST(GcraRefit, AFasterRateIsFeltAtOnceByWhoHadFilledTheSlowOne) {
  uint64_t tat = emptied(dam_gcra_rate_of(5'000, 10), dam::kSecond);
  const int admitted = admitted_in_a_second(&tat, dam_gcra_rate_of(25'000, 10), dam::kSecond);
  EXPECT_GE(admitted, 24);
  EXPECT_LE(admitted, 25);
}

TEST(GcraRefit, OneAnHourIsNotHeldAgainstASourceForAnHour) {
  uint64_t tat = emptied(dam_gcra_rate_of(1, 1), dam::kSecond);
  EXPECT_GE(admitted_in_a_second(&tat, dam_gcra_rate_of(10'000, 10), dam::kSecond), 9);
}

TEST(GcraRefit, GivesNothingAwayUnderOneRate) {
  const dam_gcra_rate rate = dam_gcra_rate_of(5'000, 10);
  uint64_t tat = emptied(rate, dam::kSecond);
  const uint64_t full = tat;
  dam_gcra_refit(&tat, &rate, dam::kSecond);
  EXPECT_EQ(tat, full);
  EXPECT_EQ(admitted_in_a_second(&tat, rate, dam::kSecond), 5);
}

// Two workers whose clocks differ by a tenth of a second at most must not pump a bucket up.
TEST(GcraRefit, AClockThatIsALittleBehindGivesNothingAway) {
  const dam_gcra_rate rate = dam_gcra_rate_of(100'000, 10);
  uint64_t tat = emptied(rate, dam::kSecond);
  const uint64_t full = tat;
  dam_gcra_refit(&tat, &rate, dam::kSecond - DAM_GCRA_CLOCK_SLACK_NS);
  EXPECT_EQ(tat, full);
}

}  // namespace
