// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/dpdk/reply_hash.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <string>

namespace dam {
namespace {

dam_address address(const char* text) {
  dam_address result{};
  if (std::string(text).find(':') == std::string::npos) {
    in_addr v4{};
    inet_pton(AF_INET, text, &v4);
    return dam_address_v4(v4.s_addr);
  }
  inet_pton(AF_INET6, text, &result);
  return result;
}

// Key and cases of "Verifying the RSS Hash Calculation", Microsoft's NDIS documentation, which NIC
// makers test against.
RssKey published_key() {
  return {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
          0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
          0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};
}

struct HashRow {
  const char* src;
  uint16_t src_port;
  const char* dst;
  uint16_t dst_port;
  uint32_t hash;
};

const HashRow kRows[] = {
    {"66.9.149.187", 2794, "161.142.100.80", 1766, 0x51ccc178},
    {"199.92.111.2", 14230, "65.69.140.83", 4739, 0xc626b0ea},
    {"24.19.198.95", 12898, "12.22.207.184", 38024, 0x5c2b394a},
    {"3ffe:2501:200:1fff::7", 2794, "3ffe:2501:200:3::1", 1766, 0x40207d3d},
    {"3ffe:501:8::260:97ff:fe40:efab", 14230, "ff02::1", 4739, 0xdde51bbf},
};

TEST(RssHash, gives_the_published_values) {
  for (const HashRow& row : kRows) {
    EXPECT_EQ(rss_hash(published_key(), address(row.src), address(row.dst),
                       dam_hton16(row.src_port), dam_hton16(row.dst_port)),
              row.hash)
        << row.src;
  }
}

TEST(ReplyQueue, follows_the_redirection_table) {
  RssTable table;
  table.key = published_key();
  table.queue.assign(128, 9);
  table.queue[0x51ccc178 % 128] = 3;
  EXPECT_EQ(reply_queue(table, address("66.9.149.187"), dam_hton16(2794), address("161.142.100.80"),
                        1766),
            3u);
}

}  // namespace
}  // namespace dam
