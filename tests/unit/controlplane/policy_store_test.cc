// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/state/policy_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controlplane/state/text_diff.h"
#include "tests/unit/controlplane/bad_days.h"
#include "tests/unit/controlplane/sample_policy.h"

namespace dam::control {
namespace {

PolicyVersion version_of(const std::string& text) {
  PolicyVersion version;
  version.author = "somebody";
  version.comment = "for the test";
  version.text = text;
  return version;
}

int64_t add(PolicyStore& store, const PolicyVersion& version, int64_t within_s = 0) {
  const auto before = store.newest();
  const int64_t number = store.propose(version);
  store.settle(number, within_s, before ? before->number : 0);
  return number;
}

struct PolicyStoreTest : testing::Test {
  TemporaryFolder folder;
  std::string file = folder.file("deep/er/policy.db");
};

TEST_F(PolicyStoreTest, a_version_is_there_after_a_restart_with_everything_it_had) {
  {
    PolicyStore store(file);
    PolicyVersion version = version_of("zones: {}\n");
    version.changes = {{"heavy", "mode", "shadow"}, {"heavy", "per_source.packets", "5r/s \"'"}};
    EXPECT_EQ(add(store, version), 1);
  }
  const auto back = PolicyStore(file).newest();
  ASSERT_TRUE(back);
  EXPECT_EQ(back->number, 1);
  EXPECT_EQ(back->author, "somebody");
  EXPECT_EQ(back->text, "zones: {}\n");
  ASSERT_EQ(back->changes.size(), 2u);
  EXPECT_EQ(back->changes[1].value, "5r/s \"'");
}

TEST_F(PolicyStoreTest, what_did_not_come_into_force_is_not_kept) {
  {
    PolicyStore store(file);
    EXPECT_EQ(add(store, version_of("a")), 1);
    const int64_t refused = store.propose(version_of("b"));
    EXPECT_EQ(store.newest()->text, "a");
    EXPECT_FALSE(store.get(refused));
    store.withdraw(refused);
    store.propose(version_of("c"));  // and the process dies
  }
  PolicyStore store(file);
  EXPECT_EQ(store.newest()->text, "a");
  EXPECT_EQ(store.list(0, 9).size(), 1u);
  EXPECT_EQ(add(store, version_of("d")), 4) << "a number was used again";
}

TEST_F(PolicyStoreTest, long_texts_are_forgotten_sooner_and_the_newest_two_never) {
  PolicyStore store(PolicyStore::kInMemory, 3000);
  for (int i = 0; i < 4; ++i) add(store, version_of(std::string(990, 'x')));
  EXPECT_FALSE(store.get(1));
  EXPECT_TRUE(store.get(3));
  add(store, version_of(std::string(3000, 'x')));
  EXPECT_TRUE(store.get(4));
  EXPECT_FALSE(store.get(3));
}

// What a full disk does to SQLite: no file of this process may grow.
TEST_F(PolicyStoreTest, a_full_disk_is_known_before_anything_is_in_force_and_hides_nothing) {
  {
    PolicyStore store(file);
    add(store, version_of("a"));
  }
  const int code = exit_code_with_full_disk([this] {
    PolicyStore store(file);
    if (store.newest()->text != "a") _exit(2);
    store.propose(version_of("b"));
  });
  EXPECT_EQ(code, 0) << "2: it is hidden, 3: it was not noticed, 4: in other words";
}

TEST_F(PolicyStoreTest, a_version_waits_for_its_confirmation_across_a_restart) {
  {
    PolicyStore store(file);
    add(store, version_of("a"), 60);
    EXPECT_FALSE(store.unconfirmed()) << "there is nothing before the first one";
    add(store, version_of("b"), 60);
  }
  PolicyStore store(file);
  ASSERT_TRUE(store.unconfirmed());
  EXPECT_EQ(store.unconfirmed()->number, 2);
  EXPECT_EQ(store.unconfirmed()->before, 1);
  store.confirm();
  EXPECT_FALSE(store.unconfirmed());
}

TEST_F(PolicyStoreTest, the_oldest_are_forgotten_and_numbers_never_come_again) {
  PolicyStore store(PolicyStore::kInMemory);
  for (int i = 0; i < PolicyStore::kMostVersions + 5; ++i) add(store, version_of("x"));
  EXPECT_FALSE(store.get(5));
  EXPECT_TRUE(store.get(6));
  EXPECT_EQ(store.list(0, 3)[0].number, PolicyStore::kMostVersions + 5);
  EXPECT_EQ(store.list(7, 10).size(), 1u);
}

TEST_F(PolicyStoreTest, only_its_owner_reads_the_file) {
  PolicyStore store(file);
  add(store, version_of("a"));
  struct stat info {};
  ASSERT_EQ(stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  ASSERT_EQ(stat(folder.file("deep/er").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0750u);
}

TEST_F(PolicyStoreTest, a_file_that_cannot_be_one_is_named) {
  folder.write("text", std::string(4096, 'x'));
  try {
    PolicyStore store(folder.file("text"));
    FAIL() << "it was opened";
  } catch (const std::runtime_error& error) {
    EXPECT_TRUE(std::string(error.what()).starts_with(folder.file("text") + ": "));
  }
}

void write_versions(const std::string& file, const Say& say) {
  PolicyStore store(file);
  while (true) say(add(store, version_of(std::string(2000, 'p'))));
}

TEST_F(PolicyStoreTest, kill_9_at_any_moment_loses_nothing_that_was_acknowledged) {
  constexpr useconds_t kSeveralWrites_us = 4000;
  int64_t last = 0;
  for (useconds_t i = 0; i < 200; ++i) {
    const int few = static_cast<int>(i % 3);
    const int64_t acknowledged = last_acknowledged(
        [this](const Say& say) { write_versions(file, say); }, few, i * 7919 % kSeveralWrites_us);
    ASSERT_GE(acknowledged, few > 0 ? last + few : 0) << "round " << i;
    last = std::max(last, acknowledged);
    const auto newest = PolicyStore(file).newest();
    ASSERT_GE(newest ? newest->number : 0, last) << "round " << i;
  }
}

TEST(TextDiff, is_what_diff_u_prints) {
  EXPECT_EQ(text_diff("a\nb\nc\n", "a\nx\nc\n"), "@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n");
  EXPECT_EQ(text_diff("same", "same"), "");
  EXPECT_NE(text_diff("a", std::string(2 << 20, 'b')).find("too long"), std::string::npos);
}

}  // namespace
}  // namespace dam::control
