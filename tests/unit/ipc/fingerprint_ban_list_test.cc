// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipc/fingerprint_ban_list.h"

#include <gtest/gtest.h>

#include "dataplane/ipc/bounds.h"
#include "dataplane/ipc/ja4_pattern.h"

namespace dam {
namespace {

const std::string kOneJa4 = "t13d1516h2_8daaf6152771_e5627efa2ab1", kSomeJa4 = "*_8daaf6152771_*",
                  kOtherJa4 = "t12d0201h2_*_*";

v1::FingerprintBans ja4_bans_of(uint64_t version, const std::vector<std::string>& all,
                                uint64_t until_unix_s = 0) {
  v1::FingerprintBans message;
  message.set_version(version);
  for (const std::string& ja4 : all) {
    v1::FingerprintBan& ban = *message.add_bans();
    ban.set_ja4(ja4);
    ban.set_until_unix_s(until_unix_s);
  }
  return message;
}

TEST(FingerprintBanList, a_message_without_a_base_has_all_of_them) {
  FingerprintBanList list;
  EXPECT_TRUE(list.change(ja4_bans_of(5, {kOneJa4, kSomeJa4})).empty());
  EXPECT_EQ(list.size(), 2u);
  EXPECT_TRUE(list.change(ja4_bans_of(6, {kSomeJa4})).empty());
  EXPECT_EQ(list.version(), 6u);
  ASSERT_EQ(list.patterns().size(), 1u);
  EXPECT_TRUE(list.patterns()[0].any_open);
}

TEST(FingerprintBanList, a_message_may_change_what_is_here) {
  FingerprintBanList list;
  EXPECT_TRUE(list.change(ja4_bans_of(5, {kOneJa4, kSomeJa4}, 200)).empty());
  v1::FingerprintBans message = ja4_bans_of(6, {kOneJa4, kOtherJa4}, 300);
  message.set_base(5);
  message.add_lift(kSomeJa4);
  message.add_lift("nobody's");
  EXPECT_TRUE(list.change(message).empty());
  EXPECT_EQ(list.version(), 6u);
  EXPECT_EQ(list.size(), 2u);
  EXPECT_FALSE(list.expire(200)) << "it has another end now, and the lifted one is gone";
  EXPECT_FALSE(list.change(message).empty()) << "it changes version 5";
  message = ja4_bans_of(7, {});
  for (size_t i = 1; i < kMaxJa4Bans; ++i) {
    message.add_bans()->set_ja4("*_" + std::to_string(100'000'000'000 + i) + "_*");
  }
  message.set_base(6);
  EXPECT_FALSE(list.change(message).empty()) << "one more than there may be";
  EXPECT_EQ(list.size(), 2u);
}

TEST(FingerprintBanList, one_that_is_distrusted_is_not_said_to_be_empty) {
  FingerprintBanList list;
  list.distrust();
  EXPECT_EQ(list.version(), 0u) << "there is nothing";
  EXPECT_TRUE(list.change(ja4_bans_of(5, {kOneJa4})).empty());
  list.distrust();
  EXPECT_NE(list.version(), 5u);
  EXPECT_NE(list.version(), 0u);
  v1::FingerprintBans message = ja4_bans_of(5, {kOtherJa4});
  message.set_base(list.version());
  EXPECT_TRUE(list.change(message).empty());
  EXPECT_EQ(list.size(), 2u) << "beside what was there";
}

TEST(FingerprintBanList, they_end_by_themselves) {
  FingerprintBanList list;
  v1::FingerprintBans message = ja4_bans_of(5, {kOneJa4}, 100);
  *message.add_bans() = ja4_bans_of(1, {kSomeJa4}).bans(0);
  EXPECT_TRUE(list.change(message).empty());
  EXPECT_FALSE(list.expire(99));
  EXPECT_TRUE(list.expire(100));
  EXPECT_FALSE(list.expire(100)) << "once";
  ASSERT_EQ(list.size(), 1u);
  EXPECT_TRUE(list.patterns()[0].any_extensions) << "the one for ever";
}

TEST(FingerprintBanList, is_the_same_after_it_was_saved_and_read) {
  FingerprintBanList list, again;
  EXPECT_TRUE(list.change(ja4_bans_of(5, {kOneJa4, kSomeJa4}, 200)).empty());
  EXPECT_TRUE(again.change(list.whole()).empty());
  EXPECT_EQ(again.version(), 5u);
  EXPECT_EQ(again.whole().SerializeAsString(), list.whole().SerializeAsString());
}

TEST(FingerprintBanList, what_is_wrong_changes_nothing) {
  FingerprintBanList list;
  EXPECT_TRUE(list.change(ja4_bans_of(5, {kOneJa4})).empty());
  EXPECT_FALSE(list.change(ja4_bans_of(0, {kSomeJa4})).empty());
  EXPECT_FALSE(list.change(ja4_bans_of(6, {kSomeJa4, "t13d1516h2"})).empty());
  EXPECT_FALSE(
      list.change(ja4_bans_of(6, std::vector<std::string>(kMaxJa4Bans + 1, kOneJa4))).empty());
  EXPECT_TRUE(list.change(ja4_bans_of(5, std::vector<std::string>(kMaxJa4Bans, kOneJa4))).empty());
  EXPECT_EQ(list.version(), 5u);
}

TEST(Ja4Pattern, is_held_against_a_fingerprint_part_by_part) {
  EXPECT_TRUE(matches_ja4(kOneJa4, kOneJa4) && matches_ja4(kSomeJa4, kOneJa4) &&
              matches_ja4("*_*_*", kOneJa4));
  EXPECT_FALSE(matches_ja4("*_8daaf6152772_*", kOneJa4) || matches_ja4("t13d_*_*", kOneJa4));
  EXPECT_FALSE(matches_ja4(kSomeJa4, "") || matches_ja4("*_*_*", "") ||
               matches_ja4("*_*", kOneJa4));
}

}  // namespace
}  // namespace dam
