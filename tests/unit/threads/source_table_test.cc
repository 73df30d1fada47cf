// SPDX-License-Identifier: BSD-3-Clause
// Several workers at one source table. Small tables and few keys make them meet in the same
// buckets; a sweeper removes entries as fast as it can all the while.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "dataplane/core/gcra.h"
#include "dataplane/engine/source_table.h"
#include "tests/unit/durations.h"
#include "tests/unit/engine/source_keys.h"

namespace dam {
namespace {

constexpr uint32_t kThreads = 4;

template <class F>
void in_parallel(F&& body) {
  std::vector<std::jthread> threads;
  for (uint32_t i = 0; i < kThreads; ++i) threads.emplace_back([&body, i] { body(i); });
}

class Sweeper {
 public:
  explicit Sweeper(SourceTable& table)
      : thread_([&table](const std::stop_token& stop) {
          while (!stop.stop_requested()) {
            table.sweep(kThreads, kSecond, table.slots());
            std::this_thread::yield();
          }
        }) {}

 private:
  std::jthread thread_;
};

TEST(SourceTableThreads, WhoeverAsksForAKeyAtTheSameTimeGetsTheSameEntry) {
  constexpr uint32_t kRounds = 300, kKeys = 8;
  SourceTable table(16, kThreads + 1, kSecret);
  Sweeper sweeper(table);
  std::vector<std::vector<uint32_t>> got(kThreads, std::vector<uint32_t>(kKeys));
  std::barrier barrier(kThreads);
  std::atomic<uint32_t> different{0}, shared{0}, missing{0};
  in_parallel([&](uint32_t me) {
    for (uint32_t round = 0; round < kRounds; ++round) {
      barrier.arrive_and_wait();
      for (uint32_t i = 0; i < kKeys; ++i) {
        const uint32_t key = me % 2 == 0 ? i : kKeys - 1 - i;
        got[me][key] = table.acquire(me, key_of(table, key), kSecond);
      }
      barrier.arrive_and_wait();
      if (me == 0) {
        for (uint32_t thread = 1; thread < kThreads; ++thread) different += got[thread] != got[0];
        missing += static_cast<uint32_t>(std::count(got[0].begin(), got[0].end(), kNoSource));
        shared += std::set<uint32_t>(got[0].begin(), got[0].end()).size() != kKeys;
      }
      barrier.arrive_and_wait();
      for (const uint32_t index : got[me]) table.release(index);
    }
  });
  EXPECT_EQ(different, 0u);
  EXPECT_EQ(shared, 0u) << "two keys in one entry";
  EXPECT_EQ(missing, 0u);
}

// If ever two entries lived for one key, its bucket would admit up to twice the burst.
TEST(SourceTableThreads, ABucketAdmitsExactlyItsBurstHoweverManyChargeIt) {
  constexpr uint32_t kKeys = 12, kBurst = 500;
  const dam_gcra_rate rate = dam_gcra_rate_of(1, kBurst);  // a thousandth a second
  for (uint32_t round = 0; round < 10; ++round) {
    SourceTable table(16, kThreads + 1, kSecret);
    Sweeper sweeper(table);
    std::array<std::atomic<uint32_t>, kKeys> admitted{};
    in_parallel([&](uint32_t me) {
      std::minstd_rand random(me + round * 100 + 1);
      for (uint32_t i = 0; i < kKeys * kBurst; ++i) {
        const auto key = static_cast<uint32_t>(random() % kKeys);
        const uint32_t index = table.acquire(me, key_of(table, key), kSecond);
        if (index == kNoSource) continue;
        const auto ok = dam_gcra_charge(&table[index].tat_ns[DAM_DIM_packets], &rate, kSecond, 1);
        admitted[key] += static_cast<uint32_t>(ok);
        table.release(index);
      }
    });
    for (const auto& count : admitted) EXPECT_EQ(count, kBurst);
  }
}

TEST(SourceTableThreads, ConnectionsAndReferencesAreCountedExactlyAndAllGivenBack) {
  constexpr uint32_t kKeys = 40, kLimit = 3;
  SourceTable table(16, kThreads + 1, kSecret);  // fewer slots than keys: entries are reclaimed
  std::atomic<uint32_t> over{0}, wrong{0}, refused{0};
  {
    Sweeper sweeper(table);
    in_parallel([&](uint32_t me) {
      std::minstd_rand random(me + 1);
      for (uint32_t i = 0; i < 100'000; ++i) {
        const SourceKey key = key_of(table, static_cast<uint32_t>(random() % kKeys));
        const uint32_t index = table.acquire(me, key, kSecond);
        if (index == kNoSource) {
          ++refused;
          continue;
        }
        SourceEntry& entry = table[index];
        wrong += !dam_address_equal(&entry.prefix, &key.prefix);
        if (table.enter(entry, kLimit)) {
          over += table.concurrent(entry) > kLimit;
          table.leave(entry);
        }
        table.release(index);
      }
    });
  }
  EXPECT_EQ(over, 0u);
  EXPECT_EQ(wrong, 0u);
  EXPECT_LT(refused, 1000u);
  for (uint32_t i = 0; i < table.slots(); ++i) {
    ASSERT_EQ(table.references(table[i]), 0u);
    ASSERT_EQ(table.concurrent(table[i]), 0u);
  }
  table.sweep(0, kSecond, table.slots());
  EXPECT_EQ(table.used(), 0u);
}

TEST(SourceTableThreads, ABanBeginsOnce) {
  SourceTable table(16, kThreads, kSecret);
  for (uint32_t round = 0; round < 200; ++round) {
    const uint32_t index = table.acquire(0, key_of(table, 1), kSecond);
    std::atomic<uint32_t> begun{0};
    in_parallel([&](uint32_t) {
      for (int i = 0; i < 50; ++i) {
        begun += table.violate(table[index], kSecond, 100, kSecond, kSecond);
      }
    });
    ASSERT_EQ(begun, 1u) << "200 violations, the hundredth bans";
    table.ban(table[index], 0);
    table.release(index);
  }
}

}  // namespace
}  // namespace dam
