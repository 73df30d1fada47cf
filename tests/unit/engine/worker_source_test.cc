// SPDX-License-Identifier: BSD-3-Clause
// Who may ask for a SYN-ACK at all.
#include <gtest/gtest.h>

#include "tests/unit/engine/small_site.h"
#include "tests/unit/engine/standing.h"

namespace dam::test {
namespace {

TEST(Source, ASynFromAnAddressThatNoHostHasIsNotAnswered) {
  struct Row {
    const char* sentence;
    dam_address address;
    bool answered;
  };
  const Row rows[] = {
      {"a multicast group (RFC 9293 MUST-63)", v4(224, 0, 0, 5), false},
      {"the last of the reserved addresses", v4(255, 255, 255, 255), false},
      {"nobody", v4(0, 0, 0, 0), false},
      {"the loopback", v4(127, 0, 0, 1), false},
      {"the broadcast address of the client's link", v4(198, 18, 0, 255), false},
      {"the broadcast address of a server's link", v4(198, 18, 10, 255), false},
      {"the dam itself", kPublic, false},
      {"the dam's own address towards a server", v4(198, 18, 10, 2), false},
      {"the router", kRouter, true},
      {"somebody behind it whose address ends in 255", v4(198, 51, 100, 255), true},
  };
  for (const Row& row : rows) {
    SmallSite site;
    ClientSide client;
    client.address = row.address;
    EXPECT_EQ(prove(site, client).has_value(), row.answered) << row.sentence;
    EXPECT_EQ(site.drops(DAM_DROP_bad_source), row.answered ? 0u : 1u) << row.sentence;
  }
}

TEST(Source, OfIpv6AddressesGroupsAndTheLoopbackAreNone) {
  Neighbours neighbours({});
  dam_address address{};
  EXPECT_FALSE(neighbours.may_be_source(address)) << "unspecified";
  address.word[3] = __builtin_bswap32(1);
  EXPECT_FALSE(neighbours.may_be_source(address)) << "loopback";
  address.word[0] = __builtin_bswap32(0xff020000);
  EXPECT_FALSE(neighbours.may_be_source(address)) << "multicast";
  address.word[0] = __builtin_bswap32(0x20010db8);
  EXPECT_TRUE(neighbours.may_be_source(address));
}

}  // namespace
}  // namespace dam::test
