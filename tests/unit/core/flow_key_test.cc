// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/core/flow_key.h"

#include <set>

#include "tests/unit/core/frames.h"

namespace {
using namespace dam::test;

constexpr uint64_t kSecret[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

dam_table_key table_key_of(const uint64_t (&secret)[2]) {
  dam_table_key key;
  dam_table_key_make(&key, secret);
  return key;
}
const dam_table_key kKey = table_key_of(kSecret);

dam_flow_key key_of(const Address& remote, uint16_t remote_port, const Address& local) {
  return {to_dam(remote), to_dam(local), dam_hton16(remote_port), dam_hton16(443)};
}

TEST(FlowKey, keys_that_differ_in_any_one_octet_are_unequal_and_hash_apart) {
  const dam_flow_key base = key_of(octets_v6(1, 2), 40000, octets_v6(3, 4));
  std::set<uint64_t> hashes = {dam_flow_hash(&kKey, &base)};
  EXPECT_TRUE(dam_flow_key_equal(&base, &base));
  for (size_t i = 0; i < sizeof(base); ++i) {
    dam_flow_key other = base;
    reinterpret_cast<uint8_t*>(&other)[i] ^= 0x40;
    EXPECT_FALSE(dam_flow_key_equal(&base, &other)) << i;
    EXPECT_TRUE(hashes.insert(dam_flow_hash(&kKey, &other)).second) << i;
  }
}

TEST(FlowKey, the_short_way_of_ipv4_gives_the_same_hash) {
  const dam_flow_key four = key_of(octets_v4(198, 51, 100, 7), 40000, octets_v4(203, 0, 113, 1));
  const uint64_t hash = dam_flow_hash_v4(&kKey, 0x076433c6, 0x017100cb, 0xbb01'409c);
  EXPECT_EQ(dam_flow_hash(&kKey, &four), hash);
}

TEST(FlowKey, siphash_takes_12_octets_of_ipv4_and_36_of_ipv6) {
  const dam_flow_key four = key_of(octets_v4(198, 51, 100, 7), 40000, octets_v4(203, 0, 113, 1));
  const uint64_t words[1] = {0x017100cb'076433c6};  // octets as they lie in memory
  EXPECT_EQ(dam_flow_siphash(kSecret, &four), dam_siphash24_tail32(kSecret, words, 1, 0xbb01'409c));
  const dam_flow_key six = key_of(octets_v6(1, 2), 40000, octets_v6(3, 4));
  uint64_t memory[5] = {};
  std::memcpy(memory, &six, sizeof(six));
  const auto ports = static_cast<uint32_t>(memory[4]);
  EXPECT_EQ(dam_flow_siphash(kSecret, &six), dam_siphash24_tail32(kSecret, memory, 4, ports));
}

TEST(FlowKey, the_hashes_depend_on_the_secret) {
  const dam_flow_key key = key_of(octets_v4(198, 51, 100, 7), 40000, octets_v4(203, 0, 113, 1));
  const uint64_t other[2] = {kSecret[0] ^ 1, kSecret[1]};
  const dam_table_key other_key = table_key_of(other);
  EXPECT_NE(dam_flow_hash(&kKey, &key), dam_flow_hash(&other_key, &key));
  EXPECT_NE(dam_flow_siphash(kSecret, &key), dam_flow_siphash(other, &key));
}

}  // namespace
