// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/netdev/reserved_ports.h"

#include <gtest/gtest.h>

namespace dam {
namespace {

TEST(ReservedPorts, are_added_to_those_of_others) {
  EXPECT_EQ(with_ports("", {10000, 20000}), "10000-20000");
  EXPECT_EQ(with_ports("8080,9000-9010", {10000, 20000}), "8080,9000-9010,10000-20000");
}

TEST(ReservedPorts, are_taken_out_again_and_those_of_others_stay) {
  EXPECT_EQ(without_ports("8080-8081,10000-20000", ports_of({10000, 20000})), "8080-8081");
  EXPECT_EQ(without_ports("10000-20000", ports_of({10000, 20000})), "");
  EXPECT_EQ(without_ports("9990-20010,65535", ports_of({10000, 20000})),
            "9990-9999,20001-20010,65535");
  EXPECT_EQ(without_ports("80", ports_of({10000, 20000})), "80");
  EXPECT_EQ(without_ports("", ports_of({1, 65535})), "");
}

TEST(ReservedPorts, what_is_left_to_the_host_is_counted) {
  const Ports linux{32768, 60999};
  EXPECT_EQ(count_free(linux, ""), 28232u);
  EXPECT_EQ(count_free(linux, "1024-65535"), 0u);
  EXPECT_EQ(count_free(linux, "32768,60999,80"), 28230u);
  EXPECT_EQ(count_free(linux, "1-40000,39000-40001"), 20998u);
  EXPECT_EQ(count_free({65535, 65535}, "65535-70000"), 0u);
  EXPECT_EQ(count_free(linux, "nonsense"), 28232u);
}

TEST(ReservedPorts, overlap) {
  EXPECT_TRUE(overlap({1, 10}, {10, 20}));
  EXPECT_TRUE(overlap({1, 100}, {10, 20}));
  EXPECT_FALSE(overlap({1, 9}, {10, 20}));
  EXPECT_FALSE(overlap({21, 30}, {10, 20}));
}

TEST(ReservedPorts, this_machine_has_some_to_give) {
  const auto ports = ephemeral_ports();
  ASSERT_TRUE(ports);
  EXPECT_LT(ports->first, ports->last);
  EXPECT_TRUE(reserved_ports());
}

}  // namespace
}  // namespace dam
