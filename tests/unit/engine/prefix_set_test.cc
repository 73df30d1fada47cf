// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/prefix_set.h"

#include <gtest/gtest.h>

#include <cstring>
#include <ctime>
#include <random>
#include <string>

#include "tests/unit/engine/address_of.h"

namespace dam {
namespace {

SourcePrefix cidr(const std::string& text) {
  const size_t slash = text.find('/');
  const dam_address address = address_of(text.substr(0, slash));
  const int bits = std::stoi(text.substr(slash + 1));
  const bool dotted = text.find(':') == std::string::npos;
  return {address, static_cast<uint8_t>(dotted ? bits + 96 : bits)};
}

__extension__ using Key = unsigned __int128;

Key key_of(const dam_address& address) {
  Key key = 0;
  for (const uint32_t word : address.word) key = key << 32 | __builtin_bswap32(word);
  return key;
}
dam_address from_key(Key key) {
  dam_address address;
  for (int i = 3; i >= 0; --i, key >>= 32) {
    address.word[i] = __builtin_bswap32(static_cast<uint32_t>(key));
  }
  return address;
}
Key mask_of(uint32_t bits) { return bits == 0 ? 0 : ~Key{0} << (128 - bits); }

// The definition.
bool naive_contains(std::span<const SourcePrefix> prefixes, const dam_address& address) {
  const Key key = key_of(address);
  for (const SourcePrefix& prefix : prefixes) {
    if (((key ^ key_of(prefix.address)) & mask_of(prefix.prefix_bits)) == 0) return true;
  }
  return false;
}

struct PrefixRow {
  const char* sentence;
  std::vector<std::string> prefixes;
  std::vector<std::string> inside;
  std::vector<std::string> outside;
};

const PrefixRow kPrefixRows[] = {
    {"an empty set holds nothing", {}, {}, {"0.0.0.0", "::", "255.255.255.255"}},
    {"one host", {"198.51.100.7/32"}, {"198.51.100.7"}, {"198.51.100.6", "198.51.100.8", "::7"}},
    {"bits behind the prefix are ignored",
     {"198.51.100.7/24"},
     {"198.51.100.0", "198.51.100.255"},
     {"198.51.99.255", "198.51.101.0"}},
    {"IPv4 /0 holds IPv4 alone",
     {"0.0.0.0/0"},
     {"0.0.0.0", "255.255.255.255", "::ffff:1.2.3.4"},
     {"::", "::fffe:ffff:ffff", "::1:0:0:0", "2001:db8::1"}},
    {"IPv6 /0 holds everything",
     {"::/0"},
     {"::", "0.0.0.0", "255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
     {}},
    {"a prefix above the mapped block holds IPv4", {"::/64"}, {"::1", "192.0.2.1"}, {"0:0:0:1::"}},
    {"a mapped prefix is an IPv4 prefix",
     {"::ffff:203.0.113.0/120"},
     {"203.0.113.9"},
     {"203.0.112.9", "203.0.114.0"}},
    {"IPv4-compatible addresses are not IPv4",
     {"::198.51.100.0/120"},
     {"::198.51.100.1"},
     {"198.51.100.1"}},
    {"one IPv6 host", {"2001:db8::1/128"}, {"2001:db8::1"}, {"2001:db8::", "2001:db8::2"}},
    {"the last address of all",
     {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"},
     {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
     {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", "::"}},
    {"the first address of all", {"::/128"}, {"::"}, {"::1"}},
    {"both halves of IPv6", {"::/1", "8000::/1"}, {"::", "7fff::", "8000::", "10.0.0.1"}, {}},
    {"nested, the outer one wins",
     {"10.1.2.0/24", "10.0.0.0/8", "10.1.2.3/32"},
     {"10.0.0.0", "10.1.2.4", "10.255.255.255"},
     {"9.255.255.255", "11.0.0.0"}},
    {"neighbours",
     {"198.51.100.0/25", "198.51.100.128/25"},
     {"198.51.100.127", "198.51.100.128"},
     {"198.51.101.0"}},
};

// Hosts that make the set large enough for the table and touch none of the rows' addresses.
std::vector<SourcePrefix> with_many(std::vector<SourcePrefix> prefixes) {
  for (int i = 0; i < 200; ++i) {
    prefixes.push_back(cidr("198.18." + std::to_string(i) + ".77/32"));
    prefixes.push_back(cidr("2001:db8:f00d:" + std::to_string(i) + "::/64"));
  }
  return prefixes;
}

void expect_row(const PrefixRow& row, const PrefixSet& set) {
  for (const std::string& text : row.inside) {
    EXPECT_TRUE(set.contains(address_of(text))) << row.sentence << ": " << text;
  }
  for (const std::string& text : row.outside) {
    EXPECT_FALSE(set.contains(address_of(text))) << row.sentence << ": " << text;
  }
}

TEST(PrefixSet, HoldsWhatItsPrefixesSayAloneAndAmongManyOthers) {
  for (const PrefixRow& row : kPrefixRows) {
    std::vector<SourcePrefix> prefixes;
    for (const std::string& text : row.prefixes) prefixes.push_back(cidr(text));
    const PrefixSet small(prefixes);
    EXPECT_EQ(small.empty(), prefixes.empty()) << row.sentence;
    expect_row(row, small);
    expect_row(row, PrefixSet(with_many(prefixes)));
  }
}

TEST(PrefixSet, TakesMoreThan128BitsAs128) {
  const PrefixSet set(std::vector<SourcePrefix>{{address_of("2001:db8::1"), 200}});
  EXPECT_TRUE(set.contains(address_of("2001:db8::1")));
  EXPECT_FALSE(set.contains(address_of("2001:db8::2")));
}

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  uint32_t below(uint32_t bound) { return static_cast<uint32_t>(engine_() % bound); }
  dam_address v4() { return dam_address_v4(static_cast<uint32_t>(engine_())); }
  dam_address v6() {
    dam_address address;
    for (uint32_t& word : address.word) word = static_cast<uint32_t>(engine_());
    return address;
  }
  // Few distinct bytes, so that prefixes nest, overlap, touch and are hit.
  dam_address crowded() {
    uint8_t raw[16];
    for (uint8_t& byte : raw) byte = below(2) != 0 ? 0xff : 0x00;
    dam_address address;
    std::memcpy(&address, raw, sizeof raw);
    if (below(2) == 0) return address;
    return dam_address_v4(address.word[3] & 0x0f0000ff);
  }

 private:
  std::mt19937_64 engine_;
};

// The addresses where an answer may change: just inside and just outside each prefix.
std::vector<dam_address> edges(const SourcePrefix& prefix) {
  const Key mask = mask_of(prefix.prefix_bits);
  const Key first = key_of(prefix.address) & mask;
  const Key last = first | ~mask;
  return {from_key(first - 1), from_key(first), from_key(first + 1),
          from_key(last - 1),  from_key(last),  from_key(last + 1)};
}

TEST(PrefixSet, AgreesWithTheDefinitionOnRandomSets) {
  Random random(20240607);
  for (int round = 0; round < 400; ++round) {
    std::vector<SourcePrefix> prefixes;
    const uint32_t count = random.below(round % 4 == 0 ? 400 : 12);
    const bool crowded = random.below(2) == 0;
    for (uint32_t i = 0; i < count; ++i) {
      const bool v4 = random.below(2) == 0;
      const dam_address address = crowded ? random.crowded() : v4 ? random.v4() : random.v6();
      const uint32_t least = dam_address_is_v4(&address) ? (crowded ? 96 : 104) : crowded ? 0 : 8;
      prefixes.push_back({address, static_cast<uint8_t>(least + random.below(129 - least))});
    }
    const PrefixSet set(prefixes);
    std::vector<dam_address> probes;
    probes.reserve(400);
    for (int i = 0; i < 50; ++i) probes.push_back(i % 2 != 0 ? random.crowded() : random.v4());
    for (uint32_t i = 0; i < count && i < 40; ++i) {
      for (const dam_address& address : edges(prefixes[random.below(count)])) {
        probes.push_back(address);
      }
    }
    for (const dam_address& address : probes) {
      set.prefetch(address);
      ASSERT_EQ(set.contains(address), naive_contains(prefixes, address)) << "round " << round;
    }
  }
}

std::vector<SourcePrefix> million(Random& random) {
  std::vector<SourcePrefix> prefixes;
  prefixes.reserve(1'000'000);
  for (int i = 0; i < 1'000'000; ++i) {
    const bool v4 = i % 2 == 0;
    const uint32_t bits = v4 ? 96 + 20 + random.below(13) : 32 + random.below(97);
    prefixes.push_back({v4 ? random.v4() : random.v6(), static_cast<uint8_t>(bits)});
  }
  return prefixes;
}

// Of this thread: what others do on the machine does not count.
double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double seconds_to_build(std::span<const SourcePrefix> prefixes) {
  const std::vector<SourcePrefix> copy(prefixes.begin(), prefixes.end());
  const double start = cpu_seconds();
  const PrefixSet set(copy);
  return cpu_seconds() - start;
}

// Four times as many may take twelve times as long, not sixteen times.
TEST(PrefixSet, IsBuiltFromAMillionPrefixesInNearlyLinearTimeAndFewMegabytes) {
  Random random(7);
  const std::vector<SourcePrefix> prefixes = million(random);
  const double few = seconds_to_build(std::span(prefixes).first(prefixes.size() / 4));
  EXPECT_LT(seconds_to_build(prefixes), 12 * few);
  const PrefixSet set(prefixes);
  EXPECT_LT(set.memory_bytes(), 64u << 20);
  for (size_t i = 0; i < prefixes.size(); i += 7) {
    ASSERT_TRUE(set.contains(prefixes[i].address)) << i;
  }
  for (int i = 0; i < 60; ++i) {
    const dam_address address = i % 2 == 0 ? random.v4() : random.v6();
    ASSERT_EQ(set.contains(address), naive_contains(prefixes, address));
  }
}

}  // namespace
}  // namespace dam
