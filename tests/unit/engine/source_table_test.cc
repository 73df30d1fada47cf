// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/source_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <vector>

#include "dataplane/core/gcra.h"
#include "tests/unit/durations.h"
#include "tests/unit/engine/source_keys.h"

namespace dam {
namespace {

dam_address v4(uint32_t host_order) { return dam_address_v4(__builtin_bswap32(host_order)); }
dam_address v6(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return {{__builtin_bswap32(a), __builtin_bswap32(b), __builtin_bswap32(c), __builtin_bswap32(d)}};
}

TEST(SourceTable, AddressesOfOnePrefixShareAnEntryAndZonesDoNot) {
  SourceTable table(100, 1, kSecret);
  const auto entry = [&](dam_address address, uint8_t zone, uint8_t bits_v4, uint8_t bits_v6) {
    return table.acquire(0, table.key(address, zone, bits_v4, bits_v6), 0);
  };
  const dam_address a = v4(0xc6336401), b = v4(0xc63364fe);
  EXPECT_NE(entry(a, 1, 32, 64), entry(b, 1, 32, 64));
  EXPECT_EQ(entry(a, 2, 24, 64), entry(b, 2, 24, 64));
  EXPECT_NE(entry(a, 1, 32, 64), entry(a, 3, 32, 64));
  const dam_address c = v6(0x20010db8, 7, 1, 1), d = v6(0x20010db8, 7, 2, 2);
  EXPECT_EQ(entry(c, 1, 32, 64), entry(d, 1, 32, 64));
  EXPECT_NE(entry(c, 1, 32, 128), entry(d, 1, 32, 128));
  EXPECT_EQ(entry(c, 4, 32, 56), entry(v6(0x20010db8, 8, 0, 0), 4, 32, 56));
  EXPECT_EQ(entry(a, 5, 0, 64), entry(v4(0x01020304), 5, 0, 64));
}

// A word of 22 bits stands for a key: two keys can have the same one, and lie side by side.
TEST(SourceTable, KeysThatLookAlikeInTheirBucketAreToldApart) {
  SourceTable table(1, 1, kSecret);
  const SourceKey a = key_of(table, 1);
  SourceKey b = a, c = a;
  b.prefix = key_of(table, 2).prefix;
  c.zone_slot = 2;
  const uint32_t first = table.acquire(0, a, 0);
  EXPECT_EQ(table.find(b), kNoSource);
  EXPECT_EQ(table.find(c), kNoSource);
  const uint32_t second = table.acquire(0, b, 0);
  const uint32_t third = table.acquire(0, c, 0);
  EXPECT_EQ(std::set({first, second, third}).size(), 3u);
  for (const auto& [key, index] :
       {std::pair(a, first), std::pair(b, second), std::pair(c, third)}) {
    EXPECT_EQ(table.find(key), index);
    EXPECT_EQ(table.acquire(0, key, 0), index);
    EXPECT_EQ(table.references(table[index]), 2u) << "who was looked at by mistake is let go";
  }
}

TEST(SourceTable, HoldsItsWholeCapacityOfEntriesInUse) {
  constexpr uint32_t kCapacity = 1u << 20;
  SourceTable table(kCapacity, 1, kSecret);
  std::vector<bool> taken(table.slots());
  for (uint32_t i = 0; i < kCapacity; ++i) {
    const uint32_t index = table.acquire(0, key_of(table, i), 0);
    ASSERT_NE(index, kNoSource) << "after " << i;
    ASSERT_FALSE(taken[index]) << "two keys in one entry";
    taken[index] = true;
  }
  EXPECT_EQ(table.used(), kCapacity);
  for (uint32_t i = 0; i < kCapacity; i += 997) {
    EXPECT_EQ(table.references(table[table.find(key_of(table, i))]), 1u);
  }
}

TEST(SourceTable, RefusesWhenEveryEntryIsInUseAndReclaimsWhatIsReleased) {
  SourceTable table(20, 1, kSecret);
  std::vector<uint32_t> held;
  uint32_t number = 0;
  for (uint32_t refused = 0; refused < 100; ++number) {
    const uint32_t index = table.acquire(0, key_of(table, number), 0);
    if (index == kNoSource) ++refused;
    if (index != kNoSource) held.push_back(index);
  }
  EXPECT_EQ(held.size(), table.slots());
  EXPECT_EQ(table.used(), table.slots());
  for (const uint32_t index : held) table.release(index);
  EXPECT_EQ(table.used(), table.slots()) << "released entries are kept for their next connection";
  for (uint32_t i = 0; i < 10; ++i) {
    EXPECT_NE(table.acquire(0, key_of(table, ++number), 0), kNoSource);
  }
  EXPECT_EQ(table.used(), table.slots());
}

// The state that makes an entry worth keeping, and until when.
struct Memory {
  const char* what;
  void (*make)(SourceEntry&);
  uint64_t until_ns;
};
const Memory kMemories[] = {
    {"a bucket that is not empty", [](SourceEntry& e) { e.tat_ns[DAM_DIM_bytes_up] = 5 * kSecond; },
     5 * kSecond},
    {"a ban", [](SourceEntry& e) { SourceTable::ban(e, 7 * kSecond); }, 7 * kSecond},
    {"a violation",
     [](SourceEntry& e) { SourceTable::violate(e, kSecond, 3, 10 * kSecond, kSecond); },
     61 * kSecond},
};

TEST(SourceTable, KeepsAnEntryAsLongAsItRemembersSomething) {
  for (const Memory& memory : kMemories) {
    SourceTable table(20, 1, kSecret);
    table.set_violation_memory(60 * kSecond);
    const uint32_t index = table.acquire(0, key_of(table, 1), 0);
    memory.make(table[index]);
    EXPECT_EQ(table.sweep(0, kSecond, table.slots()), 0u) << "referred to: " << memory.what;
    table.release(index);
    EXPECT_EQ(table.sweep(0, memory.until_ns - 5000, table.slots()), 0u) << memory.what;
    EXPECT_EQ(table.find(key_of(table, 1)), index) << memory.what;
    EXPECT_EQ(table.used(), 1u);
    EXPECT_EQ(table.sweep(0, memory.until_ns + 5000, table.slots()), 1u) << memory.what;
    EXPECT_EQ(table.find(key_of(table, 1)), kNoSource) << memory.what;
    EXPECT_EQ(table.used(), 0u);
  }
}

TEST(SourceTable, AReclaimedEntryStartsAnewForItsNextKey) {
  SourceTable table(1, 1, kSecret);
  for (uint32_t number = 0; number < 1000; ++number) {
    const uint64_t now_ns = number * 10 * kSecond;
    const uint32_t index = table.acquire(0, key_of(table, number), now_ns);
    ASSERT_NE(index, kNoSource);
    SourceEntry& entry = table[index];
    for (const uint64_t tat_ns : entry.tat_ns) ASSERT_EQ(tat_ns, 0u);
    ASSERT_FALSE(table.banned(entry, now_ns));
    ASSERT_EQ(table.concurrent(entry), 0u);
    entry.tat_ns[0] = now_ns + kSecond;
    table.ban(entry, now_ns + 2 * kSecond);
    table.release(index);
  }
}

TEST(SourceTable, FollowsAModelUnderRandomUse) {
  std::mt19937_64 random(1);
  SourceTable table(200, 1, kSecret);
  std::map<uint32_t, std::vector<uint32_t>> model;  // key -> its references
  std::map<uint32_t, uint32_t> key_by_index;
  for (uint32_t step = 0; step < 300'000; ++step) {
    const auto number = static_cast<uint32_t>(random() % 240);
    std::vector<uint32_t>& references = model[number];
    if (random() % 2 == 0) {
      const uint32_t index = table.acquire(0, key_of(table, number), step);
      if (index == kNoSource) {
        ASSERT_TRUE(references.empty()) << "it was there";
        continue;
      }
      if (references.empty()) {
        ASSERT_FALSE(key_by_index.contains(index)) << "taken from its owner";
      } else {
        ASSERT_EQ(index, references[0]) << "a second entry for one key";
      }
      key_by_index[index] = number;
      references.push_back(index);
    } else if (!references.empty()) {
      if (references.size() == 1) key_by_index.erase(references[0]);
      table.release(references.back());
      references.pop_back();
    }
    if (step % 100 == 0) table.sweep(0, step, 50);
    if (!references.empty()) {
      ASSERT_EQ(table.references(table[references[0]]), references.size());
    }
  }
  for (auto& [number, references] : model) {
    for (const uint32_t index : references) table.release(index);
  }
  table.sweep(0, kSecond, table.slots());
  EXPECT_EQ(table.used(), 0u);
}

TEST(SourceTable, CountsOpenConnectionsUpToTheLimit) {
  SourceTable table(10, 1, kSecret);
  SourceEntry& entry = table[table.acquire(0, key_of(table, 1), 0)];
  EXPECT_TRUE(table.enter(entry, 2));
  EXPECT_TRUE(table.enter(entry, 2));
  EXPECT_FALSE(table.enter(entry, 2));
  EXPECT_TRUE(table.enter(entry, 0)) << "0 is no limit";
  EXPECT_EQ(table.concurrent(entry), 3u);
  for (int i = 0; i < 3; ++i) table.leave(entry);
  EXPECT_EQ(table.concurrent(entry), 0u);
  EXPECT_EQ(table.references(entry), 1u) << "connections and references do not mix";
}

TEST(SourceTable, BansAtTheNthViolationWithinTheTime) {
  SourceTable table(10, 1, kSecret);
  SourceEntry& entry = table[table.acquire(0, key_of(table, 1), 0)];
  const auto violate = [&](uint64_t at_ns) {
    return table.violate(entry, at_ns, 3, 10 * kSecond, 60 * kSecond);
  };
  EXPECT_FALSE(violate(1 * kSecond));
  EXPECT_FALSE(violate(2 * kSecond));
  EXPECT_FALSE(violate(12 * kSecond)) << "the first two are too old";
  EXPECT_FALSE(violate(13 * kSecond));
  EXPECT_FALSE(table.banned(entry, 13 * kSecond));
  EXPECT_TRUE(violate(14 * kSecond));
  EXPECT_FALSE(violate(15 * kSecond)) << "a ban begins once";
  EXPECT_TRUE(table.banned(entry, 74 * kSecond - 1));
  EXPECT_FALSE(table.banned(entry, 74 * kSecond));
  EXPECT_FALSE(violate(80 * kSecond)) << "after a ban the count begins anew";
  EXPECT_FALSE(violate(81 * kSecond));
  EXPECT_TRUE(violate(82 * kSecond));
  table.ban(entry, 0);
  EXPECT_FALSE(table.banned(entry, 83 * kSecond));
}

TEST(SourceTable, WithoutABanPolicyNoViolationBans) {
  SourceTable table(10, 1, kSecret);
  SourceEntry& entry = table[table.acquire(0, key_of(table, 1), 0)];
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(table.violate(entry, 5, 0, kSecond, kSecond));
  EXPECT_TRUE(table.violate(entry, 5, 1, kSecond, ~0ull)) << "the first may be enough";
  EXPECT_TRUE(table.banned(entry, ~0ull >> 2)) << "for ever does not wrap";
}

}  // namespace
}  // namespace dam
