// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipc/counters_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <system_error>

#include "dataplane/ipc/policy_builder.h"
#include "tests/unit/ipc/example_policy.h"
#include "tests/unit/ipc/temporary_directory.h"

namespace dam {
namespace {

// What somebody else sees of the file.
class Reader {
 public:
  explicit Reader(const std::string& path) {
    const int fd = open(path.c_str(), O_RDONLY);
    memory_ = mmap(nullptr, sizeof(dam_counters), PROT_READ, MAP_SHARED, fd, 0);
    EXPECT_NE(memory_, MAP_FAILED);
    close(fd);
  }
  ~Reader() { munmap(memory_, sizeof(dam_counters)); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  const dam_counters* operator->() const { return static_cast<const dam_counters*>(memory_); }

 private:
  void* memory_;
};

TEST(CountersFile, is_seen_by_a_reader_as_it_is_written) {
  TemporaryDirectory directory;
  CountersFile file(directory.file("counters"), "dpdk (net_ring)", 2, 2'600'000'000);
  Reader reader(file.path());
  EXPECT_EQ(reader->magic, static_cast<uint32_t>(DAM_COUNTERS_MAGIC));
  EXPECT_EQ(reader->version, static_cast<uint32_t>(DAM_COUNTERS_VERSION));
  EXPECT_EQ(reader->size_bytes, sizeof(dam_counters));
  EXPECT_EQ(reader->workers, 2u);
  EXPECT_EQ(reader->tsc_hz, 2'600'000'000u);
  EXPECT_STREQ(reader->driver, "dpdk (net_ring)");
  file.counters()->worker[1].rx_packets = 42;
  EXPECT_EQ(reader->worker[1].rx_packets, 42u);
}

TEST(CountersFile, may_be_read_by_the_group_and_written_by_the_owner_alone) {
  TemporaryDirectory directory;
  CountersFile file(directory.file("counters"), "x", 1, 1);
  struct stat status {};
  ASSERT_EQ(stat(file.path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
  EXPECT_EQ(status.st_size, static_cast<off_t>(sizeof(dam_counters)));
}

TEST(CountersFile, a_reader_of_the_run_before_keeps_a_sound_map) {
  TemporaryDirectory directory;
  const std::string path = directory.file("counters");
  auto old = std::make_unique<CountersFile>(path, "old", 1, 1);
  Reader reader(path);
  old.reset();
  CountersFile fresh(path, "new", 1, 1);
  EXPECT_STREQ(reader->driver, "old");
  EXPECT_STREQ(Reader(path)->driver, "new");
}

TEST(CountersFile, mirrors_the_names_of_the_policy_and_blanks_what_is_retired) {
  TemporaryDirectory directory;
  CountersFile file(directory.file("counters"), "x", 1, 1);
  Reader reader(file.path());
  const auto first = build_policy(example_policy(), Limits{}, nullptr).policy;
  file.mirror_names(*first);
  EXPECT_STREQ(reader->zone_names[0], "front");
  EXPECT_STREQ(reader->zone_names[1], "pages");
  EXPECT_STREQ(reader->zone_names[2], "office");
  EXPECT_STREQ(reader->zone_names[3], "");
  EXPECT_STREQ(reader->servers[0].name, "service");

  v1::Snapshot snapshot = example_policy();
  snapshot.clear_routes();
  snapshot.mutable_servers()->DeleteSubrange(0, 1);
  file.mirror_names(*build_policy(snapshot, Limits{}, first.get()).policy);
  EXPECT_STREQ(reader->servers[0].name, "");
  EXPECT_STREQ(reader->servers[1].name, "management");
}

TEST(CountersFile, what_somebody_put_in_its_way_is_not_written_to) {
  TemporaryDirectory directory;
  const std::string other = directory.file("other");
  for (const bool by_link : {true, false}) {
    std::ofstream(other) << "another file";
    const std::string path = directory.file("counters");
    ASSERT_EQ(by_link ? symlink(other.c_str(), (path + ".new").c_str())
                      : link(other.c_str(), (path + ".new").c_str()),
              0);
    const CountersFile file(path, "x", 1, 1);
    EXPECT_STREQ(Reader(path)->driver, "x");
    std::string text;
    std::getline(std::ifstream(other), text);
    EXPECT_EQ(text, "another file");
  }
}

TEST(CountersFile, says_why_it_cannot_be_made) {
  EXPECT_THROW(CountersFile("/nonexistent/counters", "x", 1, 1), std::system_error);
}

}  // namespace
}  // namespace dam
