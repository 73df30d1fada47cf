// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/trust/audit_store.h"

#include <unistd.h>

#include "tests/unit/controlplane/bad_days.h"
#include "tests/unit/controlplane/sample_policy.h"

namespace dam::control {
namespace {

AuditEntry change_at(int64_t at, const std::string& path = "/v1/policy") {
  return {0, at, {"alice", Role::operator_, "198.51.100.7"}, "POST", path, 0, "begun"};
}

RefusedEntry refusal_of(const std::string& address, int status = 401) {
  return {0, 0, 0, address, "", status, "GET", "/v1/status"};
}

struct AuditStoreTest : testing::Test {
  TemporaryFolder folder;
  std::string path = folder.file("access.db");
};

TEST_F(AuditStoreTest, a_change_says_who_where_when_what_and_how_it_ended) {
  {
    StateFile file(path);
    AuditStore audit(file);
    audit.finish(audit.begin(change_at(1000)), 200, "version 7");
    audit.begin(change_at(1001, "/v1/\x1b[31m" + std::string(999, 'x')));
  }
  StateFile file(path);
  AuditStore audit(file);
  const auto list = audit.list(0, 10);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].status, 0) << "how it ended is not known";
  EXPECT_EQ(list[0].path.size(), AuditStore::kMostText);
  EXPECT_EQ(list[0].path.find('\x1b'), std::string::npos);
  EXPECT_EQ(list[1].caller.name, "alice");
  EXPECT_EQ(list[1].caller.role, Role::operator_);
  EXPECT_EQ(list[1].caller.address, "198.51.100.7");
  EXPECT_EQ(list[1].status, 200);
  EXPECT_EQ(list[1].what, "version 7");
  EXPECT_EQ(audit.list(list[0].number, 10).size(), 1u);
}

TEST_F(AuditStoreTest, entries_are_bounded_in_number_and_age) {
  StateFile file(StateFile::kInMemory);
  AuditStore audit(file, 50);
  for (int i = 0; i < 60; ++i) audit.begin(change_at(1000));
  EXPECT_EQ(audit.list(0, 1000).size(), 50u);
  audit.begin(change_at(1001 + AuditStore::kLongest_s));
  EXPECT_EQ(audit.list(0, 1000).size(), 1u);
}

TEST_F(AuditStoreTest, refusals_are_counted_and_a_stranger_cannot_fill_the_file) {
  StateFile file(path);
  AuditStore audit(file);
  for (int i = 0; i < 5000; ++i) audit.refused(refusal_of("198.51.100.1"), 600);
  audit.refused(refusal_of("198.51.100.1", 403), 601);
  auto list = audit.list_refused(10);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].status, 403);
  EXPECT_EQ(list[1].times, 5000);
  // Many addresses, for hours: bounded, too, and everything is counted.
  for (int i = 0; i < 200'000; ++i) {
    audit.refused(refusal_of("2001:db8::" + std::to_string(i)), 1200 + i / 100);
  }
  EXPECT_EQ(audit.refused_times(), 205'001);
  EXPECT_LE(audit.list_refused(100'000).size(), size_t{AuditStore::kMostRefused});
  EXPECT_LT(std::filesystem::file_size(path), 4u << 20);
  const int minutes = 200'000 / 100 / 60 + 2;
  EXPECT_LT(file.sqlite().getTotalChanges(), 4 * minutes * AuditStore::kRefusedWritesAMinute)
      << "strangers keep the disk busy";
}

// What a full disk does to SQLite: no file of this process may grow.
TEST_F(AuditStoreTest, a_full_disk_is_known_before_the_change_and_hides_nothing) {
  {
    StateFile file(path);
    AuditStore(file).begin(change_at(1000));
  }
  const int code = exit_code_with_full_disk([this] {
    StateFile file(path);
    AuditStore audit(file);
    if (audit.list(0, 10).size() != 1) _exit(2);
    audit.refused(refusal_of("198.51.100.1"), 600);  // never throws
    audit.begin(change_at(1001));
  });
  EXPECT_EQ(code, 0) << "2: it is hidden, 3: it was not noticed, 4: in other words";
}

void write_changes(const std::string& path, const Say& say) {
  StateFile file(path);
  AuditStore audit(file);
  while (true) {
    const int64_t number = audit.begin(change_at(1000));
    audit.finish(number, 200, std::string(300, 'w'));
    say(number);
  }
}

TEST_F(AuditStoreTest, kill_9_at_any_moment_loses_nothing_that_was_acknowledged) {
  constexpr useconds_t kSeveralWrites_us = 4000;
  int64_t last = 0;
  for (useconds_t i = 0; i < 200; ++i) {
    const int few = static_cast<int>(i % 3);
    const int64_t acknowledged = last_acknowledged(
        [this](const Say& say) { write_changes(path, say); }, few, i * 7919 % kSeveralWrites_us);
    ASSERT_GE(acknowledged, few > 0 ? last + few : 0) << "round " << i;
    last = std::max(last, acknowledged);
    if (last == 0) continue;
    StateFile file(path);
    const auto kept = AuditStore(file).list(last + 1, 1);
    ASSERT_EQ(kept.size(), 1u) << "round " << i;
    ASSERT_EQ(kept[0].number, last) << "round " << i;
    ASSERT_EQ(kept[0].status, 200) << "round " << i;
  }
}

}  // namespace
}  // namespace dam::control
