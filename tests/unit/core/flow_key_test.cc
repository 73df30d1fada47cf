// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/core/flow_key.h"

#include <set>

#include "tests/unit/core/frames.h"

namespace {
using namespace dam::test;

constexpr uint64_t kKey[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

dam_flow_key key_of(const Address& remote, uint16_t remote_port, const Address& local) {
  return {to_dam(remote), to_dam(local), dam_hton16(remote_port), dam_hton16(443)};
}

TEST(FlowKey, keys_that_differ_in_any_one_octet_are_unequal_and_hash_apart) {
  const dam_flow_key base = key_of(v6(1, 2), 40000, v6(3, 4));
  std::set<uint64_t> hashes = {dam_flow_hash(kKey, &base)};
  EXPECT_TRUE(dam_flow_key_equal(&base, &base));
  for (size_t i = 0; i < sizeof(base); ++i) {
    dam_flow_key other = base;
    reinterpret_cast<uint8_t*>(&other)[i] ^= 0x40;
    EXPECT_FALSE(dam_flow_key_equal(&base, &other)) << i;
    EXPECT_TRUE(hashes.insert(dam_flow_hash(kKey, &other)).second) << i;
  }
}

TEST(FlowKey, ipv4_hashes_12_octets_and_ipv6_36) {
  const dam_flow_key four = key_of(v4(198, 51, 100, 7), 40000, v4(203, 0, 113, 1));
  const uint64_t words[1] = {0x017100cb'076433c6};  // octets as they lie in memory
  EXPECT_EQ(dam_flow_hash(kKey, &four), dam_siphash13_tail(kKey, words, 1, 0xbb01'409c));
  const dam_flow_key six = key_of(v6(1, 2), 40000, v6(3, 4));
  uint64_t memory[5] = {};
  std::memcpy(memory, &six, sizeof(six));
  const auto ports = static_cast<uint32_t>(memory[4]);
  EXPECT_EQ(dam_flow_hash(kKey, &six), dam_siphash13_tail(kKey, memory, 4, ports));
}

TEST(FlowKey, the_hash_depends_on_the_secret) {
  const dam_flow_key key = key_of(v4(198, 51, 100, 7), 40000, v4(203, 0, 113, 1));
  const uint64_t other[2] = {kKey[0] ^ 1, kKey[1]};
  EXPECT_NE(dam_flow_hash(kKey, &key), dam_flow_hash(other, &key));
}

}  // namespace
