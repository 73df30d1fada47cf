// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/netdev/memory_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>

namespace dam {
namespace {

namespace fs = std::filesystem;

class MemoryFileTest : public ::testing::Test {
 protected:
  MemoryFileTest() {
    if (mkdtemp(parent_.data()) == nullptr) throw std::runtime_error("no /dev/shm");
  }
  ~MemoryFileTest() override { fs::remove_all(parent_); }
  std::string folder() const { return parent_ + "/dam"; }

 private:
  std::string parent_ = "/dev/shm/dam-test-XXXXXX";
};

TEST_F(MemoryFileTest, holds_what_was_written_before_it_was_opened_again) {
  {
    MemoryFile file(folder());
    EXPECT_EQ(file.bytes(), 0u);
    const auto memory = file.map(3 << 20);
    EXPECT_TRUE(
        std::all_of(memory.begin(), memory.end(), [](std::byte b) { return b == std::byte{0}; }));
    memory.back() = std::byte{42};
  }
  MemoryFile file(folder());
  EXPECT_EQ(file.bytes(), 3u << 20);
  EXPECT_EQ(file.map(3 << 20).back(), std::byte{42});
}

TEST_F(MemoryFileTest, of_another_size_begins_with_zeros) {
  MemoryFile file(folder());
  file.map(1 << 20).front() = std::byte{42};
  EXPECT_EQ(file.map(2 << 20).front(), std::byte{0});
}

TEST_F(MemoryFileTest, is_its_owners_alone) {
  MemoryFile file(folder());
  struct stat about {};
  ASSERT_EQ(stat((folder() + "/tables").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600u);
  ASSERT_EQ(stat(folder().c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0700u);
}

TEST_F(MemoryFileTest, belongs_to_one_at_a_time) {
  const MemoryFile file(folder());
  EXPECT_THROW(MemoryFile{folder()}, std::runtime_error);
}

TEST_F(MemoryFileTest, is_refused_where_others_may_look) {
  fs::create_directory(folder());
  fs::permissions(folder(), fs::perms::owner_all | fs::perms::group_read);
  EXPECT_NE(MemoryFile::why_not(folder()).find("is not root's alone"), std::string::npos);
}

TEST_F(MemoryFileTest, does_not_follow_a_link) {
  const std::string elsewhere = folder() + "-elsewhere";
  fs::create_directory(elsewhere);
  fs::permissions(elsewhere, fs::perms::owner_all);
  fs::create_symlink(elsewhere, folder());
  EXPECT_NE(MemoryFile::why_not(folder()).find("is not root's alone"), std::string::npos);
  fs::remove(folder());
  fs::create_directory(folder());
  fs::permissions(folder(), fs::perms::owner_all);
  fs::create_symlink(elsewhere + "/file", folder() + "/tables");
  EXPECT_THROW(MemoryFile{folder()}, std::runtime_error);
  EXPECT_FALSE(fs::exists(elsewhere + "/file"));
}

TEST_F(MemoryFileTest, needs_a_tmpfs) {
  EXPECT_NE(MemoryFile::why_not("/proc/dam").find("cannot be made"), std::string::npos);
  const std::string on_disk = fs::current_path() / "memory-file-test";
  EXPECT_NE(MemoryFile::why_not(on_disk).find("lies in no tmpfs"), std::string::npos);
  EXPECT_FALSE(fs::exists(on_disk));
}

TEST_F(MemoryFileTest, more_than_there_is_leaves_nothing) {
  MemoryFile file(folder());
  EXPECT_THROW(file.map(size_t{1} << 50), std::runtime_error);
  EXPECT_FALSE(fs::exists(folder()));
}

TEST_F(MemoryFileTest, is_gone_when_it_is_removed) {
  MemoryFile file(folder());
  file.map(1 << 20);
  file.remove();
  EXPECT_FALSE(fs::exists(folder()));
}

}  // namespace
}  // namespace dam
