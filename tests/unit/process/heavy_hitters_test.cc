// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/process/heavy_hitters.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

namespace dam {
namespace {

dam_address source(uint32_t number) { return dam_address_v4(number); }

struct Truth {
  std::map<uint32_t, uint64_t> of;
  uint64_t total = 0;
  void add(uint32_t number, uint64_t units) {
    of[number] += units;
    total += units;
  }
};

// What the paper promises, of each source that there is.
void hold_against(const Truth& truth, const std::vector<HeavyHitters::Entry>& entries,
                  uint64_t least) {
  std::map<uint32_t, HeavyHitters::Entry> found;
  for (const auto& entry : entries) found[entry.source.word[3]] = entry;
  for (const auto& [number, value] : truth.of) {
    const auto entry = found.find(number);
    if (entry == found.end()) {
      RC_ASSERT(value <= least);
      continue;
    }
    RC_ASSERT(entry->second.value >= value);
    RC_ASSERT(entry->second.value - entry->second.error <= value);
  }
}

std::vector<HeavyHitters::Entry> alone(const HeavyHitters& sketch) {
  return sketch.together_with(HeavyHitters(AddressHash{}));
}

TEST(HeavyHitters, few_sources_are_counted_exactly) {
  HeavyHitters sketch(AddressHash{{1, 2}});
  for (uint32_t i = 1; i <= 100; ++i) {
    for (uint32_t times = 0; times < i; ++times) sketch.add(source(i), 3);
  }
  const auto entries = alone(sketch);
  ASSERT_EQ(entries.size(), 100u);
  EXPECT_EQ(entries.front().source.word[3], 100u);
  for (const auto& entry : entries) {
    EXPECT_EQ(entry.value, 3 * entry.source.word[3]);
    EXPECT_EQ(entry.error, 0u);
  }
  EXPECT_EQ(sketch.least(), 0u);
}

TEST(HeavyHitters, a_heavy_source_is_found_among_a_hundred_thousand) {
  HeavyHitters sketch(AddressHash{{1, 2}});
  for (uint32_t i = 0; i < 100'000; ++i) {
    sketch.add(source(1000 + i), 1);
    if (i % 50 == 0) sketch.add(source(7), 10);  // a sixth of all
  }
  const auto first = alone(sketch).front();
  EXPECT_EQ(first.source.word[3], 7u);
  EXPECT_GE(first.value, 20'000u);
  EXPECT_LE(first.value - first.error, 20'000u);
  EXPECT_LE(sketch.least(), sketch.total() / HeavyHitters::kCounters);
}

RC_GTEST_PROP(HeavyHitters, the_bounds_hold, (uint32_t seed)) {
  HeavyHitters sketch(AddressHash{{seed, 2}});
  Truth truth;
  uint32_t x = seed | 1;
  const auto next = [&x] { return x = x * 1664525u + 1013904223u, x >> 8; };
  for (int i = 0; i < 20'000; ++i) {
    const uint32_t number = next() % (1u + next() % 4000);  // some far more often than others
    const uint64_t units = 1 + next() % 1500;
    sketch.add(source(number), units);
    truth.add(number, units);
  }
  RC_ASSERT(sketch.total() == truth.total);
  RC_ASSERT(sketch.least() <= truth.total / HeavyHitters::kCounters);
  hold_against(truth, alone(sketch), sketch.least());
}

RC_GTEST_PROP(HeavyHitters, the_bounds_hold_of_two_together, (uint32_t seed)) {
  HeavyHitters first(AddressHash{{seed, 2}}), second(AddressHash{{seed, 2}});
  Truth truth;
  uint32_t x = seed | 1;
  const auto next = [&x] { return x = x * 1664525u + 1013904223u, x >> 8; };
  for (int i = 0; i < 20'000; ++i) {
    const uint32_t number = next() % (1u + next() % 3000);
    (i % 3 == 0 ? first : second).add(source(number), 5);
    truth.add(number, 5);
  }
  hold_against(truth, first.together_with(second), first.least() + second.least());
  hold_against(truth, second.together_with(first), first.least() + second.least());
}

TEST(HeavyHitters, what_was_cleared_is_forgotten) {
  HeavyHitters sketch(AddressHash{{1, 2}});
  for (uint32_t i = 0; i < 5000; ++i) sketch.add(source(i), 9);
  sketch.clear();
  EXPECT_EQ(sketch.total(), 0u);
  EXPECT_EQ(sketch.least(), 0u);
  EXPECT_TRUE(alone(sketch).empty());
  sketch.add(source(3), 2);
  EXPECT_EQ(alone(sketch).size(), 1u);
}

}  // namespace
}  // namespace dam
