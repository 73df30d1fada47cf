// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipc/saved_state.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/unit/ipc/example_policy.h"
#include "tests/unit/ipc/temporary_directory.h"

namespace dam {
namespace {

struct SavedStateTest : testing::Test {
  TemporaryDirectory directory;
  SavedState saved{directory.file("saved")};
  const std::string start_file = directory.file("saved/start.pb");
  void SetUp() override { saved.make_folders(geteuid(), getegid()); }
};

struct stat status_of(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(stat(path.c_str(), &status), 0) << path;
  return status;
}

TEST_F(SavedStateTest, gives_back_what_was_saved_last) {
  EXPECT_FALSE(saved.start().has_value());
  EXPECT_FALSE(saved.snapshot().has_value());
  v1::Start start;
  start.set_workers(3);
  v1::Snapshot snapshot = example_policy();
  EXPECT_EQ(saved.save(start), "");
  EXPECT_EQ(saved.save(snapshot), "");
  snapshot.set_version(8);
  EXPECT_EQ(saved.save(snapshot), "");
  EXPECT_EQ(saved.start()->workers(), 3u);
  EXPECT_EQ(saved.snapshot()->SerializeAsString(), snapshot.SerializeAsString());
}

TEST_F(SavedStateTest, is_readable_by_the_owner_alone) {
  EXPECT_EQ(saved.save(example_policy()), "");
  EXPECT_EQ(saved.save(v1::Start()), "");
  EXPECT_EQ(status_of(directory.file("saved/policy/snapshot.pb")).st_mode & 0777, 0600u);
  EXPECT_EQ(status_of(start_file).st_mode & 0777, 0600u);
}

TEST_F(SavedStateTest, the_worker_owns_the_folder_of_the_policy_and_no_other) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give folders away";
  // As versions before this one left it.
  ASSERT_EQ(chown(directory.file("saved").c_str(), 65534, 65534), 0);
  saved.make_folders(65534, 65534);
  EXPECT_EQ(status_of(directory.file("saved")).st_uid, 0u);
  EXPECT_EQ(status_of(directory.file("saved")).st_mode & 0022, 0u);
  EXPECT_EQ(status_of(directory.file("saved/policy")).st_uid, 65534u);
}

TEST_F(SavedStateTest, a_start_that_others_could_have_written_counts_as_none) {
  EXPECT_EQ(saved.save(v1::Start()), "");
  ASSERT_TRUE(saved.start().has_value());
  ASSERT_EQ(chmod(start_file.c_str(), 0620), 0);
  EXPECT_FALSE(saved.start().has_value());
  if (geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  ASSERT_EQ(chmod(start_file.c_str(), 0600), 0);
  ASSERT_EQ(chown(start_file.c_str(), 65534, 65534), 0);
  EXPECT_FALSE(saved.start().has_value());
}

TEST_F(SavedStateTest, a_pipe_in_place_of_a_policy_stops_nobody) {
  ASSERT_EQ(mkfifo(directory.file("saved/policy/snapshot.pb").c_str(), 0600), 0);
  EXPECT_FALSE(saved.snapshot().has_value());
}

TEST_F(SavedStateTest, a_broken_file_counts_as_none) {
  std::ofstream(start_file) << "\xff\xff\xff no message";
  EXPECT_FALSE(saved.start().has_value());
}

TEST_F(SavedStateTest, an_attempt_that_ended_the_process_is_remembered) {
  EXPECT_FALSE(saved.attempt_failed());
  saved.begin_attempt();
  EXPECT_TRUE(SavedState(directory.file("saved")).attempt_failed());
  saved.end_attempt();
  EXPECT_FALSE(saved.attempt_failed());
}

TEST(SavedState, says_why_it_could_not_save) {
  EXPECT_EQ(SavedState("/nonexistent").save(example_policy()),
            "Could not save /nonexistent/policy/snapshot.pb: No such file or directory; a restart "
            "will not find it.");
}

}  // namespace
}  // namespace dam
