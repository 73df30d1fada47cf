// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/policy/address.h"

#include <gtest/gtest.h>

namespace dam::control {
namespace {

TEST(Address, both_families_read_and_print) {
  EXPECT_EQ(parse_address("198.51.100.2")->text(), "198.51.100.2");
  EXPECT_EQ(parse_address("2001:DB8:0::1")->text(), "2001:db8::1");
  EXPECT_EQ(parse_address("198.51.100.2")->wire(), std::string("\xc6\x33\x64\x02"));
  EXPECT_EQ(parse_address("2001:db8::1")->wire().size(), 16u);
}

TEST(Address, what_is_no_address_is_refused) {
  for (const char* text : {"", "198.51.100", "198.51.100.256", "0198.51.100.2", "198.51.100.2 ",
                           "::g", "fe80::1%eth0", "::ffff:198.51.100.2", "example.org"}) {
    EXPECT_FALSE(parse_address(text)) << text;
  }
  EXPECT_FALSE(parse_address(std::string_view("1.2.3.4\0x", 9)));
}

TEST(Address, networks_have_a_prefix_no_longer_than_the_address) {
  EXPECT_EQ(parse_network("198.51.100.0/24")->prefix_bits, 24);
  EXPECT_EQ(parse_network("198.51.100.7")->prefix_bits, 32);
  EXPECT_EQ(parse_network("2001:db8::/32")->prefix_bits, 32);
  for (const char* text : {"198.51.100.0/33", "198.51.100.0/", "198.51.100.0/-1", "/24",
                           "198.51.100.0/24x", "2001:db8::/129"}) {
    EXPECT_FALSE(parse_network(text)) << text;
  }
}

TEST(Address, a_network_contains_its_addresses_alone) {
  const Network network = *parse_network("198.51.100.64/26");
  EXPECT_TRUE(network.contains(*parse_address("198.51.100.127")));
  EXPECT_FALSE(network.contains(*parse_address("198.51.100.128")));
  EXPECT_FALSE(parse_network("0.0.0.0/0")->contains(*parse_address("2001:db8::1")));
  EXPECT_EQ(parse_network("2001:db8::1/33")->masked().text(), "2001:db8::/33");
}

TEST(Address, public_addresses_are_told_from_private_ones) {
  EXPECT_TRUE(is_private(*parse_address("127.0.0.1")));
  EXPECT_TRUE(is_private(*parse_address("fd00::1")));
  EXPECT_FALSE(is_private(*parse_address("198.51.100.1")));
  EXPECT_FALSE(is_private(*parse_address("0.0.0.0")));
  EXPECT_FALSE(is_private(*parse_address("::")));
}

}  // namespace
}  // namespace dam::control
