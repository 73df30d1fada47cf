// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/bans/ban_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/controlplane/bad_days.h"
#include "tests/unit/controlplane/sample_policy.h"

namespace dam::control {
namespace {

KeptBan ban_of(uint32_t number) {
  KeptBan ban;
  for (size_t i = 0; i < 4; ++i)
    ban.source.address.bytes[i] = static_cast<uint8_t>(number >> (24 - 8 * i));
  ban.source.prefix_bits = 32;
  ban.made_unix = 1;
  ban.until_unix = KeptBan::kForEver;
  ban.reason = "ä \"quoted\"";
  ban.origin = "operator";
  ban.author = "somebody";
  return ban;
}

struct BanStoreTest : testing::Test {
  TemporaryFolder folder;
  std::string file = folder.file("deep/er/bans.db");
};

TEST_F(BanStoreTest, a_ban_is_there_after_a_restart_with_everything_it_had) {
  KeptBan six = ban_of(1);
  six.source = *parse_network("2001:db8:1::/48");
  six.times = 3;
  six.of_zone = true;
  six.until_unix = 4'000'000'000;
  KeptBan served = ban_of(5);
  served.in_services = true;
  BanStore(file).write({ban_of(0x01020304), six, served}, {});
  {
    BanStore store(file);
    const auto all = store.all();
    ASSERT_EQ(all.size(), 3u);
    for (const KeptBan& ban : all) {
      EXPECT_EQ(ban.of_zone, ban.source == six.source);
      EXPECT_EQ(ban.in_services, ban.source == served.source);
    }
    store.write({}, {served.source});
    store.write({}, {six.source});
  }
  const auto left = BanStore(file).all();
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].source.text(), "1.2.3.4/32");
  EXPECT_EQ(left[0].reason, "ä \"quoted\"");
  EXPECT_EQ(left[0].until_unix, KeptBan::kForEver);
  struct stat info {};
  ASSERT_EQ(stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
}

// What a full disk does to SQLite: no file of this process may grow.
TEST_F(BanStoreTest, a_full_disk_refuses_and_hides_nothing) {
  BanStore(file).write({ban_of(1)}, {});
  const int code = exit_code_with_full_disk([this] {
    BanStore store(file);
    if (store.all().size() != 1) _exit(2);
    store.write({ban_of(2)}, {});
  });
  EXPECT_EQ(code, 0) << "2: it is hidden, 3: it was not noticed, 4: in other words";
  EXPECT_EQ(BanStore(file).all().size(), 1u);
}

// Two bans at a time, which come together or not at all; says each pair that was acknowledged.
void write_pairs(const std::string& file, uint32_t from, const Say& say) {
  BanStore store(file);
  for (uint32_t number = from;; ++number) {
    store.write({ban_of(2 * number), ban_of(2 * number + 1)}, {});
    say(number);
  }
}

TEST_F(BanStoreTest, kill_9_at_any_moment_loses_nothing_that_was_acknowledged_and_leaves_no_half) {
  uint32_t last = 0;
  for (useconds_t i = 0; i < 200; ++i) {
    const int few = static_cast<int>(i % 3);
    const auto acknowledged = static_cast<uint32_t>(last_acknowledged(
        [&](const Say& say) { write_pairs(file, last + 1, say); }, few, i * 7919 % 4000, last));
    ASSERT_GE(acknowledged, last + static_cast<uint32_t>(few)) << "round " << i;
    const size_t there = BanStore(file).all().size();
    ASSERT_EQ(there % 2, 0u) << "half of a change, round " << i;
    ASSERT_GE(there, 2 * acknowledged) << "round " << i;
    last = static_cast<uint32_t>(there / 2);
  }
}

}  // namespace
}  // namespace dam::control
