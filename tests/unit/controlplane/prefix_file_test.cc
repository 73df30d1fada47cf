// SPDX-License-Identifier: BSD-3-Clause
#include <chrono>

#include "tests/unit/controlplane/sample_policy.h"

namespace dam::control {
namespace {

Loaded load_with_deny(const TemporaryFolder& folder, const std::string& entry) {
  return load_policy(sample_with("version: 1", "version: 1\ndeny: [" + entry + "]"), "dam.yaml",
                     folder.path());
}

TEST(PrefixFile, comments_blanks_and_host_bits_are_forgiven) {
  const TemporaryFolder folder;
  folder.write("list.txt",
               "# from somewhere\n\n198.51.100.0/24 # a comment\r\n  203.0.113.7\n"
               "203.0.113.9/25\n2001:db8::/32");
  const Loaded loaded = load_with_deny(folder, "198.18.0.0/15, {file: list.txt}");
  ASSERT_TRUE(loaded.policy) << loaded.problems[0].text();
  std::vector<std::string> texts;
  for (const Network& network : loaded.policy->deny) texts.push_back(network.text());
  EXPECT_EQ(texts, (std::vector<std::string>{"198.18.0.0/15", "198.51.100.0/24", "203.0.113.7/32",
                                             "203.0.113.0/25", "2001:db8::/32"}));
}

TEST(PrefixFile, bad_lines_are_all_named_but_never_quoted) {
  const TemporaryFolder folder;
  const std::string path = folder.write("list.txt", "198.51.100.0/24\nsecret\n203.0.113.0/33\n");
  const Loaded loaded = load_with_deny(folder, "{file: list.txt}");
  ASSERT_EQ(loaded.problems.size(), 2u);
  EXPECT_EQ(loaded.problems[0].text(),
            path + ":2:1: error: not a network; write one network a line, e.g. 198.51.100.0/24");
  EXPECT_EQ(loaded.problems[1].mark.line, 3);
}

TEST(PrefixFile, a_file_of_nothing_but_errors_stays_readable) {
  const TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "x\n";
  folder.write("list.txt", text);
  const Loaded loaded = load_with_deny(folder, "{file: list.txt}");
  ASSERT_EQ(loaded.problems.size(), 21u);
  EXPECT_EQ(loaded.problems[0].message, "980 more lines are not networks");
}

TEST(PrefixFile, what_is_no_file_is_refused_at_its_place_in_the_policy) {
  const TemporaryFolder folder;
  for (const char* name : {"missing.txt", ".", "/dev/zero"}) {
    const Loaded loaded = load_with_deny(folder, "{file: " + std::string(name) + "}");
    ASSERT_EQ(loaded.problems.size(), 1u) << name;
    EXPECT_EQ(loaded.problems[0].text(), "dam.yaml:2:15: error: file \"" + std::string(name) +
                                             "\" does not exist or is not a file; paths are "
                                             "relative to the folder of dam.yaml");
  }
}

TEST(PrefixFile, a_million_networks_are_read_in_seconds) {
  const TemporaryFolder folder;
  std::string text;
  for (uint32_t i = 0; i < 1'000'000; ++i) {
    text += "198." + std::to_string(i >> 16 & 0xff) + "." + std::to_string(i >> 8 & 0xff) + "." +
            std::to_string(i & 0xff) + "/32\n";
  }
  folder.write("list.txt", text);
  const auto before = std::chrono::steady_clock::now();
  const Loaded loaded = load_with_deny(folder, "{file: list.txt}");
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - before;
  ASSERT_TRUE(loaded.policy);
  EXPECT_EQ(loaded.policy->deny.size(), 1'000'000u);
  RecordProperty("milliseconds", static_cast<int>(took.count() * 1000));
  // Generous: the machine may be busy, the build unoptimised. It takes about 0.3 s alone.
  EXPECT_LT(took.count(), 20.0);
}

}  // namespace
}  // namespace dam::control
