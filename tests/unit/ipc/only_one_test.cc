// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipc/only_one.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>

#include "tests/unit/ipc/temporary_directory.h"

namespace dam {
namespace {

std::string refusal(const std::string& path) {
  try {
    const OnlyOne second(path);
    return "none";
  } catch (const std::exception& error) {
    return error.what();
  }
}

TEST(OnlyOne, a_second_one_for_the_same_socket_is_refused_until_the_first_ends) {
  TemporaryDirectory directory;
  const std::string path = directory.file("run/dataplane.sock");
  auto first = std::make_unique<OnlyOne>(path);
  EXPECT_EQ(refusal(path), "Another dam-dataplane serves " + path +
                               " already; end it first, or choose another --socket.");
  EXPECT_EQ(refusal(directory.file("other.sock")), "none");
  first.reset();
  EXPECT_EQ(refusal(path), "none");
}

TEST(OnlyOne, a_lock_that_somebody_else_put_there_is_refused) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to give a file away";
  TemporaryDirectory directory;
  const std::string path = directory.file("dataplane.sock");
  { const OnlyOne mine(path); }
  ASSERT_EQ(chown((path + ".lock").c_str(), 65534, 65534), 0);
  EXPECT_NE(refusal(path).find("is not this user's file"), std::string::npos);
  ASSERT_EQ(unlink((path + ".lock").c_str()), 0);
  ASSERT_EQ(symlink("/dev/null", (path + ".lock").c_str()), 0);
  EXPECT_NE(refusal(path), "none");
}

TEST(OnlyOne, lasts_as_long_as_a_child_of_the_first) {
  TemporaryDirectory directory;
  const std::string path = directory.file("dataplane.sock");
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  auto first = std::make_unique<OnlyOne>(path);
  const pid_t child = fork();
  if (child == 0) {
    close(ends[1]);
    char none;
    _exit(read(ends[0], &none, 1) == 0 ? 0 : 1);
  }
  close(ends[0]);
  first.reset();
  EXPECT_NE(refusal(path), "none");
  close(ends[1]);
  waitpid(child, nullptr, 0);
  EXPECT_EQ(refusal(path), "none");
}

}  // namespace
}  // namespace dam
