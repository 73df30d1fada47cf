// SPDX-License-Identifier: BSD-3-Clause
// dam.yaml on the disk: whole or not at all, and the old one kept.
#include "tools/damctl/setup/policy_file.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace dam::ctl {
namespace {

namespace fs = std::filesystem;

class PolicyFile : public testing::Test {
 protected:
  PolicyFile() {
    char name[] = "/tmp/dam-policy-file-XXXXXX";
    folder_ = mkdtemp(name);
    file_ = folder_ / "dam.yaml";
  }
  ~PolicyFile() override { fs::remove_all(folder_); }

  static std::string text_of(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  static mode_t mode_of(const fs::path& path) {
    struct stat about {};
    stat(path.c_str(), &about);
    return about.st_mode & 07777;
  }
  size_t files() const {
    return static_cast<size_t>(
        std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  fs::path folder_, file_;
};

TEST_F(PolicyFile, ANewOneIsForTheGroupOfTheDamOrForAll) {
  const group* dam = geteuid() == 0 ? getgrnam("dam") : nullptr;
  const Written written = write_policy(file_, std::nullopt, "version: 1\n");
  EXPECT_EQ(written.error, "");
  EXPECT_EQ(written.backup, "");
  EXPECT_EQ(text_of(file_), "version: 1\n");
  EXPECT_EQ(mode_of(file_), dam != nullptr ? 0640u : 0644u);
  struct stat about {};
  stat(file_.c_str(), &about);
  EXPECT_EQ(about.st_gid, dam != nullptr ? dam->gr_gid : getegid());
  EXPECT_EQ(files(), 1u);
}

TEST_F(PolicyFile, TheOldOneIsKeptEachTimeWithItsMode) {
  std::ofstream(file_) << "one";
  chmod(file_.c_str(), 0640);
  const Written first = write_policy(file_, "one", "two");
  const Written second = write_policy(file_, "two", "three");
  EXPECT_EQ(first.error + second.error, "");
  EXPECT_EQ(text_of(first.backup), "one");
  EXPECT_EQ(text_of(second.backup), "two");
  EXPECT_EQ(text_of(file_), "three");
  EXPECT_EQ(mode_of(file_), 0640u);
  EXPECT_EQ(mode_of(first.backup), 0640u);
  EXPECT_EQ(files(), 3u);
}

TEST_F(PolicyFile, WhatSomebodyElseWroteMeanwhileStays) {
  std::ofstream(file_) << "theirs";
  for (const auto& before : {std::optional<std::string>("mine"), std::optional<std::string>()}) {
    EXPECT_NE(write_policy(file_, before, "new").error.find("somebody else"), std::string::npos);
  }
  EXPECT_EQ(text_of(file_), "theirs");
  EXPECT_EQ(files(), 1u);
}

TEST_F(PolicyFile, ALinkStaysOne) {
  std::ofstream(folder_ / "real.yaml") << "one";
  fs::create_symlink("real.yaml", file_);
  EXPECT_EQ(write_policy(file_, "one", "two").error, "");
  EXPECT_TRUE(fs::is_symlink(file_));
  EXPECT_EQ(text_of(folder_ / "real.yaml"), "two");
}

TEST_F(PolicyFile, AFolderThatIsNotThereIsSaidBefore) {
  EXPECT_EQ(why_not_writable(file_), "");
  const fs::path nowhere = folder_ / "no" / "dam.yaml";
  EXPECT_NE(why_not_writable(nowhere), "");
  EXPECT_NE(write_policy(nowhere, std::nullopt, "x").error, "");
}

}  // namespace
}  // namespace dam::ctl
