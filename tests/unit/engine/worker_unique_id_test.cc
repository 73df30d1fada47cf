// SPDX-License-Identifier: BSD-3-Clause
// The UNIQUE_ID of a PROXY header: one for each connection, and telling nothing of the key.
#include <gtest/gtest.h>

#include "tests/unit/engine/small_site.h"
#include "tests/unit/engine/standing.h"

namespace dam::test {
namespace {

// RFC 9293 leaves the clock to the dam, and a server can tell it: what it then makes of the id must
// not be the key.
TEST(UniqueId, DiffersForEachConnectionAndIsNotTheKeyAndTheTime) {
  SmallSite site;
  Policy policy = site.draft();
  policy.servers[0].tlvs = kTlvUniqueId;
  site.apply(policy);
  std::vector<std::string> ids;
  for (uint16_t i = 0; i < 3; ++i) {
    ClientSide client;
    client.port = static_cast<uint16_t>(40000 + i);
    const auto c = establish(site, client, "www.example.org");
    ASSERT_TRUE(c);
    const std::string header = c->header.payload();
    ASSERT_EQ(header.size(), 28u + 3 + 16);
    ASSERT_EQ(header[28], 5) << "PP2_TYPE_UNIQUE_ID";
    ids.push_back(header.substr(31));
    uint64_t word = 0;
    std::memcpy(&word, ids.back().data(), 8);
    EXPECT_NE(word ^ site.now_ns(), 1u) << "hash_key[0] of the small site";
    EXPECT_NE(__builtin_bswap64(word) ^ site.now_ns(), 1u);
  }
  EXPECT_NE(ids[0], ids[1]);
  EXPECT_NE(ids[1], ids[2]);
}

}  // namespace
}  // namespace dam::test
