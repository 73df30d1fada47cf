// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipc/ban_list.h"

#include <gtest/gtest.h>

#include "dataplane/ipc/bounds.h"

namespace dam {
namespace {

void add(v1::Bans& message, const std::string& wire, uint32_t bits, uint64_t until_unix_s = 0) {
  v1::Ban& ban = *message.add_add();
  ban.mutable_source()->set_address(wire);
  ban.mutable_source()->set_prefix_bits(bits);
  ban.set_until_unix_s(until_unix_s);
}

v1::Bans bans_of(uint64_t base, uint64_t version) {
  v1::Bans message;
  message.set_base(base);
  message.set_version(version);
  return message;
}

const std::string kOne("\xc6\x33\x64\x07", 4), kTwo("\xc6\x33\x64\x08", 4);
const dam_address kOneAddress = dam_address_v4(dam_hton32(0xc6336407).raw);
const dam_address kTwoAddress = dam_address_v4(dam_hton32(0xc6336408).raw);

TEST(BanList, a_change_adds_lifts_and_gives_another_end) {
  BanList list;
  v1::Bans first = bans_of(0, 5);
  add(first, kOne, 32, 100);
  add(first, kTwo, 32);
  EXPECT_TRUE(list.change(first).empty());
  v1::Bans second = bans_of(5, 6);
  add(second, kOne, 32, 300);
  second.add_lift()->set_address(kTwo);
  second.mutable_lift(0)->set_prefix_bits(32);
  EXPECT_TRUE(list.change(second).empty());
  EXPECT_EQ(list.size(), 1u);
  EXPECT_EQ(list.version(), 6u);
  EXPECT_FALSE(list.expire(299)) << "it has another end";
  EXPECT_TRUE(list.set().contains(kOneAddress));
  EXPECT_FALSE(list.set().contains(kTwoAddress));
  EXPECT_TRUE(list.expire(300));
  EXPECT_TRUE(list.set().empty());
}

TEST(BanList, what_replaces_all_leaves_nothing_of_before) {
  BanList list;
  v1::Bans first = bans_of(0, 5), other = bans_of(0, 9);
  add(first, kOne, 32);
  add(other, kTwo, 24);
  EXPECT_TRUE(list.change(first).empty());
  EXPECT_TRUE(list.change(other).empty());
  EXPECT_EQ(list.size(), 1u);
  EXPECT_TRUE(list.set().contains(kOneAddress)) << "within the /24";
}

TEST(BanList, one_that_is_distrusted_is_not_said_to_be_empty) {
  BanList list;
  list.distrust();
  EXPECT_EQ(list.version(), 0u) << "there is nothing";
  v1::Bans first = bans_of(0, 5);
  add(first, kOne, 32);
  EXPECT_TRUE(list.change(first).empty());
  list.distrust();
  EXPECT_NE(list.version(), 5u);
  ASSERT_NE(list.version(), 0u);
  v1::Bans again = bans_of(list.version(), 5);
  add(again, kTwo, 32);
  EXPECT_TRUE(list.change(again).empty());
  EXPECT_EQ(list.size(), 2u) << "beside what was there";
}

TEST(BanList, is_the_same_after_it_was_saved_and_read) {
  BanList list, again;
  v1::Bans first = bans_of(0, 5);
  add(first, kOne, 25, 100);
  add(first, std::string("\x20\x01\x0d\xb8", 4) + std::string(12, '\1'), 48);
  EXPECT_TRUE(list.change(first).empty());
  EXPECT_TRUE(again.change(list.whole()).empty());
  EXPECT_EQ(again.whole().SerializeAsString(), list.whole().SerializeAsString());
  EXPECT_EQ(again.version(), 5u);
}

TEST(BanList, a_message_with_any_error_changes_nothing) {
  BanList list;
  v1::Bans first = bans_of(0, 5);
  add(first, kOne, 32);
  ASSERT_TRUE(list.change(first).empty());
  v1::Bans wrong = bans_of(4, 6);
  EXPECT_EQ(list.change(wrong)[0], "These bans change version 4; version 5 is here.");
  EXPECT_FALSE(list.change(bans_of(5, 0)).empty());
  wrong = bans_of(5, 6);
  add(wrong, kTwo, 33);
  EXPECT_EQ(list.change(wrong)[0],
            "A ban: 198.51.100.8/33: the prefix is longer than the address.");
  wrong = bans_of(5, 6);
  add(wrong, "12345", 8);
  EXPECT_FALSE(list.change(wrong).empty());
  wrong = bans_of(5, 6);
  for (uint32_t i = 0; i <= kMaxBans; ++i) {
    add(wrong, std::string(reinterpret_cast<const char*>(&i), 4), 32);
  }
  EXPECT_EQ(list.change(wrong)[0], "A message of more than 1048576 bans.");
  wrong.mutable_add()->RemoveLast();
  EXPECT_EQ(list.change(wrong)[0], "1048577 bans are more than 1048576.");
  EXPECT_EQ(list.size(), 1u);
  EXPECT_EQ(list.version(), 5u);
}

TEST(BanList, all_of_ipv6_is_none_of_ipv4) {
  BanList list;
  v1::Bans all = bans_of(0, 5);
  add(all, std::string(16, '\0'), 0);
  EXPECT_TRUE(list.change(all).empty());
  EXPECT_FALSE(list.set().contains(kOneAddress));
  EXPECT_TRUE(list.set().contains({{1, 2, 3, 4}}));
}

}  // namespace
}  // namespace dam
