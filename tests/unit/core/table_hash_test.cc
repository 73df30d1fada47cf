// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/core/table_hash.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "dataplane/core/flow.h"
#include "dataplane/core/flow_key.h"
#include "dataplane/core/source_key.h"

namespace {

constexpr dam_address kOne = {{0x01020304, 0x05060708, 0x090a0b0c, 0x0d0e0f10}};

dam_table_key key_of(uint64_t secret) {
  const uint64_t words[2] = {secret, ~secret};
  dam_table_key key;
  dam_table_key_make(&key, words);
  return key;
}

// Of the pairs of messages that a stranger could choose, those that a multilinear hash likes least:
// a difference in one bit, the highest or lowest of a word.
TEST(TableHash, two_messages_agree_in_eight_bits_once_in_256_keys_whichever_bits_and_messages) {
  constexpr int kKeys = 10000;
  std::vector<dam_table_key> keys;
  for (int i = 0; i < kKeys; ++i) keys.push_back(key_of(static_cast<uint64_t>(i)));
  for (const int differing : {0, 31, 96, 103, 127, 128 + 31, 256 + 8, 256 + 31}) {
    dam_flow_key a{kOne, kOne, {0x409c}, {0xbb01}};
    dam_flow_key b = a;
    reinterpret_cast<uint8_t*>(&b)[differing / 8] ^= static_cast<uint8_t>(1 << differing % 8);
    int agree[8] = {};
    for (const dam_table_key& key : keys) {
      const uint64_t difference = dam_flow_hash(&key, &a) ^ dam_flow_hash(&key, &b);
      for (int octet = 0; octet < 8; ++octet) agree[octet] += (difference >> 8 * octet & 255) == 0;
    }
    // 39 are expected, with a standard deviation of 6.2.
    for (int octet = 0; octet < 8; ++octet) EXPECT_NEAR(agree[octet], 39, 30) << differing;
  }
}

// What overflows a bucket and its other one would be refused: 20 entries.
TEST(TableHash, the_ports_of_one_client_and_rows_of_addresses_fill_the_buckets_evenly) {
  constexpr uint32_t kMask = (1u << 14) - 1;  // four entries a bucket are expected
  for (uint64_t secret = 0; secret < 50; ++secret) {
    const dam_table_key key = key_of(secret);
    std::vector<uint8_t> by_port(kMask + 1), by_address(kMask + 1), by_both(kMask + 1);
    for (uint32_t i = 0; i < 65536; ++i) {
      const uint32_t port = __builtin_bswap16(static_cast<uint16_t>(i)) | 0xbb010000u;
      const uint32_t address = __builtin_bswap32(0xc6120000u + i);
      const uint32_t some_address = __builtin_bswap32(0xc6120000u + (i & 255));
      ++by_port[dam_index_first(dam_flow_hash_v4(&key, 0x076433c6, 0x017100cb, port), kMask)];
      ++by_address[dam_index_first(dam_flow_hash_v4(&key, address, 0x017100cb, 0xbb01409c), kMask)];
      ++by_both[dam_index_first(dam_flow_hash_v4(&key, some_address, 0x017100cb, port), kMask)];
    }
    for (const auto& buckets : {by_port, by_address, by_both}) {
      EXPECT_LE(*std::max_element(buckets.begin(), buckets.end()), 20) << "secret " << secret;
    }
  }
}

TEST(TableHash, the_keys_differ_from_one_another_and_from_one_secret_to_the_next) {
  const dam_table_key one = key_of(1), two = key_of(2);
  std::vector<uint64_t> words;
  for (const dam_table_key* key : {&one, &two}) {
    words.insert(words.end(), {key->base[0], key->base[1], key->v4_base[0], key->v4_base[1]});
    for (const auto& pair : key->word) words.insert(words.end(), {pair[0], pair[1]});
  }
  std::sort(words.begin(), words.end());
  EXPECT_EQ(std::adjacent_find(words.begin(), words.end()), words.end());
}

TEST(TableHash, a_source_hashes_by_its_prefix_and_zone) {
  const dam_table_key key = key_of(7);
  const auto hash = [&](uint32_t address, uint8_t zone, uint32_t bits) {
    const dam_address source = dam_address_v4(__builtin_bswap32(address));
    dam_source_key made;
    dam_source_key_of(&made, &key, &source, zone, bits, 64);
    return made.hash;
  };
  EXPECT_EQ(hash(0xc6336407, 1, 24), hash(0xc63364ff, 1, 24));
  EXPECT_NE(hash(0xc6336407, 1, 32), hash(0xc63364ff, 1, 32));
  EXPECT_NE(hash(0xc6336407, 1, 32), hash(0xc6336407, 2, 32));
}

}  // namespace
