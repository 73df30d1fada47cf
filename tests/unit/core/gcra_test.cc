// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/core/gcra.h"

#include <atomic>
#include <thread>

#include "tests/unit/core/frames.h"
#include "tests/unit/durations.h"

namespace {
using namespace dam::test;
__extension__ using Wide = unsigned __int128;
using Signed = __int128_t;

// The promise itself, in exact arithmetic: a fluid bucket that leaks `milli` / 1000 units a second.
// Levels are in units of 10^-12, so that nothing is ever rounded.
class Fluid {
 public:
  Fluid(uint64_t milli, uint64_t burst) : milli_(milli), burst_(burst ? burst : 1) {}
  // Gives whether all units admitted so far stay within rate * time + burst, in each stretch of
  // time.
  bool admit(uint64_t now_ns, uint32_t units) {
    const Signed leaked = static_cast<Signed>(Wide(now_ns - last_ns_) * milli_);
    level_ = level_ > leaked ? level_ - leaked : 0;
    last_ns_ = now_ns;
    level_ += Signed(units) * kScale;
    return level_ <= Signed(burst_) * kScale + Signed(milli_);  // one begun nanosecond
  }

 private:
  static constexpr Signed kScale = 1'000'000'000'000;
  uint64_t milli_, burst_, last_ns_ = 0;
  Signed level_ = 0;
};

// The same algorithm in 128 bits, without any splitting of products.
bool wide_charge(uint64_t* tat, const dam_gcra_rate& rate, uint64_t now, uint32_t units) {
  if (rate.interval_q20 == 0 || units == 0) return true;
  const Wide cost = (Wide(rate.interval_q20) * units + 0xfffff) >> 20;
  const uint64_t ahead = *tat > now ? *tat - now : 0;
  const Wide next = Wide(now) + ahead + cost;
  if (ahead + cost > rate.tolerance_ns || next > UINT64_MAX) return false;
  *tat = static_cast<uint64_t>(next);
  return true;
}

rc::Gen<uint64_t> any_size() {  // all magnitudes alike
  return rc::gen::exec([] { return *rc::gen::arbitrary<uint64_t>() >> *rc::gen::inRange(0, 64); });
}

struct RateRow {
  const char* sentence;
  uint64_t milli, burst;
};
constexpr RateRow kRates[] = {
    {"10 requests a second, 20 at once", 10'000, 20},
    {"one an hour", 1, 1},
    {"3 a second do not divide a second", 3'000, 3},
    {"packets", 150'000'000, 300},
    {"a gigabit in bytes", 125'000'000'000, 1'500'000},
    {"100 gigabits in bytes", 12'500'000'000'000, 65'536},
    {"7 bytes a nanosecond and a bit", 7'123'456'789'123, 9'000},
};

TEST(Gcra, from_idle_the_burst_passes_at_once_and_not_a_unit_more) {
  for (const RateRow& row : kRates) {
    SCOPED_TRACE(row.sentence);
    const dam_gcra_rate rate = dam_gcra_rate_of(row.milli, row.burst);
    uint64_t tat = 0;
    EXPECT_FALSE(
        dam_gcra_would_admit(&tat, &rate, dam::kSecond, static_cast<uint32_t>(row.burst) + 10));
    EXPECT_TRUE(dam_gcra_charge(&tat, &rate, dam::kSecond, static_cast<uint32_t>(row.burst)));
    EXPECT_FALSE(dam_gcra_charge(&tat, &rate, dam::kSecond, 10));
  }
}

TEST(Gcra, one_by_one_the_burst_is_exact_up_to_a_quarter_million_a_second) {
  for (uint64_t milli : {1u, 999u, 3'000u, 7'000u, 10'000u, 33'333'333u, 244'000'000u}) {
    for (uint64_t burst : {1u, 2u, 3u, 20u, 1000u}) {
      const dam_gcra_rate rate = dam_gcra_rate_of(milli, burst);
      uint64_t tat = 0, admitted = 0;
      while (admitted <= burst && dam_gcra_charge(&tat, &rate, dam::kSecond, 1)) ++admitted;
      EXPECT_EQ(admitted, burst) << milli;
    }
  }
}

TEST(Gcra, a_greedy_source_gets_its_whole_rate) {
  for (const RateRow& row : kRates) {
    SCOPED_TRACE(row.sentence);
    const dam_gcra_rate rate = dam_gcra_rate_of(row.milli, row.burst);
    const uint32_t units = row.burst > 3000 ? 1500 : 1;
    uint64_t tat = 0, now = 0, admitted = 0;
    for (int i = 0; i < 20'000; ++i) {
      now += dam_gcra_wait_ns(&tat, &rate, now, units);
      ASSERT_TRUE(dam_gcra_charge(&tat, &rate, now, units));
      admitted += units;
    }
    const long double fair = static_cast<long double>(now) * row.milli / 1e12L;
    EXPECT_GE(static_cast<long double>(admitted), fair * 0.99L);
  }
}

RC_GTEST_PROP(Gcra, never_admits_more_than_rate_times_time_plus_burst, ()) {
  const RateRow row = kRates[*rc::gen::inRange<size_t>(0, std::size(kRates))];
  const uint64_t milli =
      *rc::gen::oneOf(rc::gen::just(row.milli), rc::gen::inRange<uint64_t>(1, 1u << 30));
  const uint64_t burst =
      *rc::gen::oneOf(rc::gen::just(row.burst), rc::gen::inRange<uint64_t>(0, 50));
  const dam_gcra_rate rate = dam_gcra_rate_of(milli, burst);
  const uint64_t step = (rate.interval_q20 >> 19) + 2;  // two units a step, so that limits bite
  Fluid fluid(milli, burst);
  uint64_t tat = 0, now = 0;
  for (int i = 0; i < 200; ++i) {
    now += *rc::gen::inRange<uint64_t>(0, step);
    const uint32_t units = *rc::gen::inRange<uint32_t>(1, 4);
    if (dam_gcra_charge(&tat, &rate, now, units)) RC_ASSERT(fluid.admit(now, units));
  }
}

RC_GTEST_PROP(Gcra, decides_as_128_bit_arithmetic_does_for_any_inputs, ()) {
  const dam_gcra_rate rate = {*any_size(), *rc::gen::map(any_size(), [](uint64_t t) {
                                return t < DAM_GCRA_FOREVER_NS ? t : DAM_GCRA_FOREVER_NS - 1;
                              })};
  uint64_t tat = *any_size(), now = *any_size();
  uint64_t wide_tat = tat;
  for (int i = 0; i < 10; ++i) {
    const auto units = static_cast<uint32_t>(*any_size());
    const bool foreseen = dam_gcra_would_admit(&tat, &rate, now, units);
    const bool admitted = dam_gcra_charge(&tat, &rate, now, units);
    RC_ASSERT(foreseen == admitted);
    RC_ASSERT(admitted == wide_charge(&wide_tat, rate, now, units));
    RC_ASSERT(tat == wide_tat);
    now = std::max(now, now + *any_size());
  }
}

RC_GTEST_PROP(Gcra, rates_are_never_faster_than_asked_and_hardly_slower, ()) {
  const uint64_t milli = *rc::gen::suchThat(any_size(), [](uint64_t v) { return v != 0; });
  const dam_gcra_rate rate = dam_gcra_rate_of(milli, 1);
  const Wide exact_second = Wide(1'000'000'000'000) << 20;
  RC_ASSERT(Wide(rate.interval_q20) * milli >= exact_second);
  const Wide slower = Wide(rate.interval_q20 - 1) * milli;  // beyond rounding in the last place
  RC_ASSERT(slower <= exact_second + exact_second / 4096);
}

RC_GTEST_PROP(Gcra, waiting_as_told_is_just_long_enough, ()) {
  const dam_gcra_rate rate = dam_gcra_rate_of(*rc::gen::inRange<uint64_t>(1, 1u << 30),
                                              *rc::gen::inRange<uint64_t>(1, 100));
  uint64_t tat = *rc::gen::inRange<uint64_t>(0, 1u << 31);
  const uint64_t now = *rc::gen::inRange<uint64_t>(0, 1u << 31);
  const uint32_t units = *rc::gen::inRange<uint32_t>(0, 120);
  const uint64_t wait = dam_gcra_wait_ns(&tat, &rate, now, units);
  if (wait == UINT64_MAX) {
    RC_ASSERT(!dam_gcra_would_admit(&tat, &rate, now + (uint64_t{1} << 61), units));
    return;
  }
  RC_ASSERT(dam_gcra_would_admit(&tat, &rate, now + wait, units));
  if (wait > 0) RC_ASSERT(!dam_gcra_would_admit(&tat, &rate, now + wait - 1, units));
}

TEST(Gcra, without_a_rate_there_is_no_limit_and_without_units_no_charge) {
  const dam_gcra_rate none = dam_gcra_rate_of(0, 5), one = dam_gcra_rate_of(1000, 1);
  uint64_t tat = 0;
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(dam_gcra_charge(&tat, &none, 1, UINT32_MAX));
  EXPECT_EQ(tat, 0u);
  EXPECT_TRUE(dam_gcra_charge(&tat, &one, 1, 1));
  EXPECT_TRUE(dam_gcra_charge(&tat, &one, 1, 0));
  EXPECT_FALSE(dam_gcra_charge(&tat, &one, 1, 1));
}

TEST(Gcra, a_refusal_charges_nothing) {
  const dam_gcra_rate rate = dam_gcra_rate_of(1000, 2);
  uint64_t tat = 0;
  EXPECT_TRUE(dam_gcra_charge(&tat, &rate, 5, 2));
  const uint64_t full = tat;
  EXPECT_FALSE(dam_gcra_charge(&tat, &rate, 6, 1));
  EXPECT_EQ(tat, full);
}

TEST(Gcra, a_burst_of_zero_still_lets_one_at_a_time_by) {
  const dam_gcra_rate rate = dam_gcra_rate_of(1000, 0);
  uint64_t tat = 0;
  EXPECT_TRUE(dam_gcra_charge(&tat, &rate, dam::kSecond, 1));
  EXPECT_FALSE(dam_gcra_charge(&tat, &rate, dam::kSecond, 1));
  EXPECT_TRUE(dam_gcra_charge(&tat, &rate, 2 * dam::kSecond, 1));
}

// Threads share one bucket and one clock that they push on; what they got together is counted.
uint64_t admitted_by_threads(const dam_gcra_rate& rate, int threads, std::atomic<uint64_t>* clock) {
  uint64_t tat = 0;
  std::atomic<uint64_t> admitted{0};
  auto run = [&] {
    uint64_t mine = 0;
    for (int i = 0; i < 300'000; ++i) {
      mine += static_cast<uint64_t>(dam_gcra_charge(&tat, &rate, clock->fetch_add(3000), 1));
    }
    admitted += mine;
  };
  std::vector<std::thread> workers;
  for (int i = 0; i < threads; ++i) workers.emplace_back(run);
  for (std::thread& worker : workers) worker.join();
  return admitted;
}

TEST(Gcra, stays_exact_when_threads_share_a_bucket) {
  constexpr uint64_t kMilli = 244'140'625, kBurst = 500;  // a unit each 4096 ns, exactly
  const dam_gcra_rate rate = dam_gcra_rate_of(kMilli, kBurst);
  for (int round = 0; round < 5; ++round) {
    std::atomic<uint64_t> clock{dam::kSecond};
    const uint64_t admitted = admitted_by_threads(rate, 4, &clock);
    const Wide elapsed = clock.load() - dam::kSecond + 1;
    EXPECT_LE(admitted, static_cast<uint64_t>(elapsed * kMilli / 1'000'000'000'000) + kBurst);
    EXPECT_GE(admitted, static_cast<uint64_t>(elapsed * kMilli / 1'000'000'000'000) / 2);
  }
}

TEST(Gcra, more_units_than_a_bucket_holds_are_as_many_as_it_holds) {
  for (const uint64_t milli : {1u, 500u, 1'000u, 10'000u, 333'333u, 100'000'000u}) {
    for (const uint64_t burst : {1u, 2u, 3u, 20u, 1000u}) {
      const dam_gcra_rate rate = dam_gcra_rate_of(milli, burst);
      const uint32_t fitting = dam_gcra_fitting(&rate, 5000);
      uint64_t tat_ns = 0;
      EXPECT_TRUE(dam_gcra_charge(&tat_ns, &rate, dam::kSecond, fitting)) << milli << ' ' << burst;
      EXPECT_FALSE(dam_gcra_charge(&tat_ns, &rate, dam::kSecond, 1)) << milli << ' ' << burst;
    }
  }
  const dam_gcra_rate none{}, wide = dam_gcra_rate_of(1'000, 100);
  EXPECT_EQ(dam_gcra_fitting(&none, 5000), 5000u);
  EXPECT_EQ(dam_gcra_fitting(&wide, 7), 7u);
}

}  // namespace
