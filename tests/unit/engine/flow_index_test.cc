// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/flow_index.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <utility>
#include <vector>

namespace dam {
namespace {

using Pair = std::pair<uint64_t, uint32_t>;

// Everything in the model is found, and what else is offered (tags may be shared) is in it too.
void expect_same(const FlowIndex& index, const std::set<Pair>& model,
                 const std::vector<uint64_t>& hashes) {
  ASSERT_EQ(index.size(), model.size());
  std::set<uint32_t> live;
  for (const auto& [hash, ref] : model) live.insert(ref);
  for (const uint64_t hash : hashes) {
    std::multiset<uint32_t> offered;
    index.find(hash, [&](uint32_t ref) {
      offered.insert(ref);
      return false;
    });
    for (const uint32_t ref : offered) {
      ASSERT_TRUE(live.contains(ref));
      ASSERT_EQ(offered.count(ref), 1u);
    }
    for (auto it = model.lower_bound({hash, 0}); it != model.end() && it->first == hash; ++it) {
      ASSERT_TRUE(offered.contains(it->second));
    }
  }
}

TEST(FlowIndex, AgreesWithASetUnderRandomInsertionsAndErasures) {
  std::mt19937_64 random(1);
  std::vector<uint64_t> hashes(400);
  for (uint64_t& hash : hashes) hash = random();
  // As small as it gets: its buckets are full again and again, so that entries overflow and move.
  FlowIndex index(60);
  std::set<Pair> model;
  uint32_t refused = 0;
  for (uint32_t step = 0; step < 200'000; ++step) {
    const uint64_t hash = hashes[random() % hashes.size()];
    if (random() % 100 < 55) {
      const Pair pair{hash, step % (1u << 20)};
      if (index.insert(pair.first, pair.second)) {
        model.insert(pair);
      } else {
        ++refused;
      }
    } else if (!model.empty()) {
      auto victim = model.lower_bound({hash, 0});
      if (victim == model.end()) victim = model.begin();
      ASSERT_TRUE(index.erase(victim->first, victim->second));
      ASSERT_FALSE(index.erase(victim->first, victim->second));
      model.erase(victim);
    }
    if (step % 1000 == 0) expect_same(index, model, hashes);
  }
  expect_same(index, model, hashes);
  EXPECT_GT(refused, 0u) << "the test should have filled it";
  for (const auto& [hash, ref] : model) ASSERT_TRUE(index.erase(hash, ref));
  EXPECT_EQ(index.overflowed(), 0u);
}

TEST(FlowIndex, OffersNothingForAHashWhoseEntriesAreGone) {
  std::mt19937_64 random(2);
  FlowIndex index(1000);
  std::vector<uint64_t> hashes;
  for (uint32_t ref = 0; ref < 1000; ++ref) {
    hashes.push_back(random());
    ASSERT_TRUE(index.insert(hashes.back(), ref));
  }
  for (uint32_t ref = 0; ref < 1000; ++ref) ASSERT_TRUE(index.erase(hashes[ref], ref));
  EXPECT_EQ(index.size(), 0u);
  for (const uint64_t hash : hashes) EXPECT_EQ(index.first_candidate(hash), FlowIndex::kNone);
}

TEST(FlowIndex, FindsAmongEntriesOfOneHashTheOneThatMatches) {
  FlowIndex index(100);
  for (uint32_t ref = 0; ref < 20; ++ref) ASSERT_TRUE(index.insert(0x1234, ref)) << ref;
  EXPECT_FALSE(index.insert(0x1234, 20)) << "two buckets hold ten entries each";
  for (uint32_t ref = 0; ref < 20; ++ref) {
    EXPECT_EQ(index.find(0x1234, [&](uint32_t r) { return r == ref; }), ref);
  }
  ASSERT_TRUE(index.erase(0x1234, 3));
  EXPECT_TRUE(index.insert(0x1234, 20));
}

TEST(FlowIndex, FillsFourFifthsOfItsSlotsBeforeItRefuses) {
  std::mt19937_64 random(3);
  FlowIndex index(50'000);
  const auto slots = static_cast<uint32_t>(index.bytes() / 64 * 10);
  while (index.insert(random(), index.size())) {
  }
  EXPECT_GT(index.size(), slots * 4 / 5);
}

// Two references for each of a million flows, and a little more; then half as many changes.
TEST(FlowIndex, TakesTheReferencesOfAMillionFlowsWithoutOneRefusal) {
  constexpr uint32_t kReferences = 2'100'000;
  std::mt19937_64 random(4);
  FlowIndex index(kReferences);
  std::vector<uint64_t> hashes(kReferences);
  uint32_t refused = 0;
  for (uint32_t ref = 0; ref < kReferences; ++ref) {
    hashes[ref] = random();
    refused += !index.insert(hashes[ref], ref);
  }
  for (uint32_t i = 0; i < kReferences / 2; ++i) {
    const auto ref = static_cast<uint32_t>(random() % kReferences);
    ASSERT_TRUE(index.erase(hashes[ref], ref));
    hashes[ref] = random();
    refused += !index.insert(hashes[ref], ref);
  }
  EXPECT_LT(index.overflowed(), kReferences / 200) << "one line a lookup is the rule";
  EXPECT_EQ(refused, 0u);  // of 3.1 million: below one in a million
  for (uint32_t ref = 0; ref < kReferences; ref += 7) {
    ASSERT_EQ(index.find(hashes[ref], [&](uint32_t r) { return r == ref; }), ref);
  }
}

TEST(FlowIndex, CostsAFlowAtMostSixtyFourBytes) {
  constexpr uint32_t kFlows = 1u << 20;
  EXPECT_LE(FlowIndex(2 * kFlows).bytes(), std::size_t{64} * kFlows);
}

}  // namespace
}  // namespace dam
