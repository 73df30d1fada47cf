// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipc/saved_state.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/unit/ipc/example_policy.h"
#include "tests/unit/ipc/temporary_directory.h"

namespace dam {
namespace {

TEST(SavedState, gives_back_what_was_saved_last) {
  TemporaryDirectory directory;
  const SavedState saved(directory.path());
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

TEST(SavedState, is_readable_by_the_owner_alone) {
  TemporaryDirectory directory;
  EXPECT_EQ(SavedState(directory.path()).save(example_policy()), "");
  struct stat status {};
  ASSERT_EQ(stat(directory.file("snapshot.pb").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST(SavedState, a_broken_file_counts_as_none) {
  TemporaryDirectory directory;
  std::ofstream(directory.file("start.pb")) << "\xff\xff\xff no message";
  EXPECT_FALSE(SavedState(directory.path()).start().has_value());
}

TEST(SavedState, says_why_it_could_not_save) {
  EXPECT_EQ(SavedState("/nonexistent").save(example_policy()),
            "Could not save /nonexistent/snapshot.pb: No such file or directory; a restart will "
            "not find this policy.");
}

}  // namespace
}  // namespace dam
