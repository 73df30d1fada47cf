// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/trust/access_store.h"

#include <ctime>

#include "tests/unit/controlplane/sample_policy.h"

namespace dam::control {
namespace {

struct AccessStoreTest : testing::Test {
  TemporaryFolder folder;
  std::string path = folder.file("state/access.db");
  std::string print = std::string(64, 'a');

  Client client(const std::string& name, Role role) const { return {print, name, role, "root", 1}; }
};

TEST_F(AccessStoreTest, clients_and_tokens_are_there_after_a_restart) {
  const std::string text = AccessStore::new_token_text();
  {
    StateFile file(path);
    AccessStore store(file);
    EXPECT_EQ(store.add_client(client("alice", Role::operator_)), AccessStore::Added::yes);
    EXPECT_EQ(store.add_token({"prometheus", "", Role::viewer, "root"}, text),
              AccessStore::Added::yes);
    EXPECT_EQ(store.by_token(text).name, "prometheus");
  }
  StateFile file(path);
  AccessStore store(file);
  EXPECT_EQ(store.by_certificate(print).name, "alice");
  EXPECT_EQ(store.by_certificate(print).role, Role::operator_);
  EXPECT_GT(store.tokens()[0].used_at, 0) << "the time of its last use is not kept";
  EXPECT_EQ(store.by_token(text).role, Role::viewer);
}

TEST_F(AccessStoreTest,
       a_certificate_whose_time_is_over_opens_nothing_on_a_connection_that_stands) {
  StateFile file(path);
  AccessStore store(file);
  Client short_lived = client("alice", Role::viewer);
  short_lived.expires_at = static_cast<int64_t>(std::time(nullptr)) - 1;
  store.add_client(short_lived);
  EXPECT_NE(store.by_certificate(print).refusal.find("has expired"), std::string::npos);
}

TEST_F(AccessStoreTest, a_token_is_nowhere_in_the_file) {
  const std::string text = AccessStore::new_token_text();
  {
    StateFile file(path);
    AccessStore(file).add_token({"ci", "", Role::admin, "root"}, text);
  }
  EXPECT_EQ(text.size(), 4 + 64u) << "256 bits";
  EXPECT_NE(text, AccessStore::new_token_text());
  const std::string bytes = file_text(path);
  EXPECT_NE(bytes.find("ci"), std::string::npos);
  EXPECT_EQ(bytes.find(text), std::string::npos);
  EXPECT_EQ(bytes.find(text.substr(4)), std::string::npos);
}

TEST_F(AccessStoreTest, what_is_revoked_removed_or_expired_opens_nothing_and_says_so) {
  StateFile file(StateFile::kInMemory);
  AccessStore store(file);
  store.add_client(client("alice", Role::admin));
  EXPECT_EQ(store.revoke("bob"), 0u);
  EXPECT_EQ(store.revoke("alice"), 1u);
  EXPECT_EQ(store.revoke("alice"), 0u) << "twice";
  EXPECT_EQ(store.by_certificate(print).role, Role::anyone);
  EXPECT_NE(store.by_certificate(print).refusal.find("was revoked"), std::string::npos);
  EXPECT_NE(store.by_certificate(std::string(64, 'b')).refusal.find("not registered"),
            std::string::npos);

  store.add_token({"old", "", Role::admin, "root", 1, std::time(nullptr) - 1}, "dam_old");
  EXPECT_EQ(store.by_token("dam_old").role, Role::anyone);
  EXPECT_NE(store.by_token("dam_old").refusal.find("expired"), std::string::npos);
  store.add_token({"new", "", Role::admin, "root", 1, std::time(nullptr) + 60}, "dam_new");
  EXPECT_EQ(store.by_token("dam_new").role, Role::admin);
  EXPECT_TRUE(store.remove_token("new"));
  EXPECT_FALSE(store.remove_token("new"));
  EXPECT_EQ(store.by_token("dam_new").role, Role::anyone);
  EXPECT_EQ(store.by_token("").role, Role::anyone);
}

TEST_F(AccessStoreTest, a_certificate_that_was_revoked_cannot_be_registered_again) {
  StateFile file(path);
  AccessStore store(file);
  store.add_client(client("alice", Role::viewer));
  store.revoke(print);
  EXPECT_EQ(store.add_client(client("alice", Role::admin)), AccessStore::Added::known_already);
}

TEST_F(AccessStoreTest, both_lists_are_bounded) {
  StateFile file(StateFile::kInMemory);
  AccessStore store(file);
  for (size_t i = 0; i < AccessStore::kMostEntries; ++i) {
    const std::string name = std::to_string(i);
    ASSERT_EQ(store.add_client({name, name}), AccessStore::Added::yes);
    ASSERT_EQ(store.add_token({name}, name), AccessStore::Added::yes);
  }
  EXPECT_EQ(store.add_client({"x", "x"}), AccessStore::Added::full);
  EXPECT_EQ(store.add_token({"x"}, "x"), AccessStore::Added::full);
  // Revoked ones take no place from others, and are forgotten in the end.
  for (size_t i = 0; i < 2 * AccessStore::kMostEntries; ++i) {
    const std::string name = "later " + std::to_string(i);
    ASSERT_EQ(store.revoke(i == 0 ? "0" : "later " + std::to_string(i - 1)), 1u);
    ASSERT_EQ(store.add_client({name, name}), AccessStore::Added::yes);
  }
  EXPECT_EQ(store.clients().size(), 2 * AccessStore::kMostEntries);
  EXPECT_EQ(store.by_certificate("1").name, "1") << "one that was not revoked is gone";
}

}  // namespace
}  // namespace dam::control
