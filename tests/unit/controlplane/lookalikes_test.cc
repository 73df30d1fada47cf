// SPDX-License-Identifier: BSD-3-Clause
// Look-alikes where there is no database, or none that answers: tests/lookalikes has a real one.
#include "controlplane/lookalikes/lookalikes.h"

#include <sys/stat.h>

#include "controlplane/lookalikes/database_words.h"
#include "tests/unit/controlplane/sample_policy.h"
#include "tests/unit/controlplane/test_dataplane.h"

namespace dam::control {
namespace {

struct NoDatabaseTest : testing::Test {
  TemporaryFolder folder;
  std::string file = folder.file("database");
  std::shared_ptr<const Policy> policy = std::make_shared<const Policy>(
      *load_policy(std::string(kSamplePolicy) + "lookalikes: {}\n", "dam.yaml", ".").policy);
  std::mutex mutex;
  std::vector<std::string> said;
  Lookalikes lookalikes{
      file,
      {[this] { return policy; },
       [](const v1::Request&, std::string&) { return std::optional<v1::Reply>(); },
       [this](bool, const std::string& sentence) {
         const std::lock_guard lock(mutex);
         said.push_back(sentence);
       }}};

  void tell() { lookalikes.take("web", Signal{*parse_address("198.51.100.7"), 200, "/"}); }
  void write_place() {
    folder.write("database", "host=/nonexistent password=hunter2 dbname=site\n");
    ASSERT_EQ(chmod(file.c_str(), 0600), 0);
  }
};

TEST_F(NoDatabaseTest, without_a_file_that_says_where_nothing_is_looked_at) {
  tell();
  EXPECT_EQ(lookalikes.counts().sources, 0u);
  EXPECT_TRUE(lookalikes.counts().wanted);
  EXPECT_FALSE(lookalikes.wants_log());
  EXPECT_THROW(lookalikes.forget(*parse_network("198.51.100.7")), NoLookalikes);
  write_place();
  ASSERT_TRUE(eventually([&] { return lookalikes.wants_log(); }));
  tell();
  EXPECT_EQ(lookalikes.counts().sources, 1u);
  std::filesystem::remove(file);
  EXPECT_TRUE(eventually([&] { return lookalikes.counts().sources == 0; }));
  EXPECT_FALSE(lookalikes.wants_log());
  const std::lock_guard lock(mutex);
  EXPECT_EQ(std::count(said.begin(), said.end(),
                       "no look-alikes are kept: " + file +
                           " is not there, which says how to reach their database"),
            2);
}

TEST_F(NoDatabaseTest, a_database_that_is_away_is_told_without_its_password) {
  write_place();
  ASSERT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return !said.empty() && said.back().find("/nonexistent/.s.PGSQL") != std::string::npos;
  }));
  const std::lock_guard lock(mutex);
  for (const std::string& sentence : said) {
    EXPECT_EQ(sentence.find("hunter2"), std::string::npos) << sentence;
  }
}

TEST_F(NoDatabaseTest, rows_that_wait_are_forgotten_with_what_lies_in_them_and_around) {
  BehaviourStore store(file, {}, [](bool, const std::string&) {});
  const auto offer = [&store](const char* source) {
    BehaviourRow row;
    row.source = *parse_network(source);
    store.offer({row});
  };
  for (const char* source : {"198.51.100.7", "198.51.101.0/24", "2001:db8:9::/64"}) offer(source);
  const auto forget = [&store](const char* network) {
    return store.forget(*parse_network(network), std::chrono::seconds(3));
  };
  EXPECT_EQ(forget("2001:db8:9:1::/80"), 0u);
  EXPECT_EQ(forget("2001:db8:9::/80"), 1u);
  EXPECT_EQ(forget("198.51.101.7"), 1u);
  EXPECT_EQ(forget("198.51.100.0/22"), 1u);
}

std::string words_of(const std::string& keywords) {
  try {
    BehaviourDatabase database(keywords, std::chrono::seconds(1));
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

// libpq quotes what it does not take: the rest of a password that needs quotes, say.
TEST(DatabaseWords, whatever_is_wrong_no_part_of_a_password_is_told) {
  for (const char* keywords :
       {"host=x password=my hunter2", "password=my hunter2=1 host=x", "password='hunter2 host=x",
        "hunter2", "password=my hunter2 2 host=x", "postgres://dam:hunter2@db/site",
        "\n postgresql://dam:hunter2@db/site", "dbname=postgres://dam:hunter2@db/site",
        "host=/hunter2 password=hunter2", "host=/x password=hunter2 sslmode=hunter2",
        "host=/hunter2 sslpassword='hunter2'"}) {
    const std::string words = words_of(keywords);
    EXPECT_NE(words, "") << keywords;
    EXPECT_EQ(words.find("hunter2"), std::string::npos) << words;
  }
  EXPECT_NE(words_of("host=/x port=1 password=hunter2").find("/x/.s.PGSQL.1"), std::string::npos)
      << "what is wrong is told";
}

TEST(DatabaseWords, the_first_line_without_what_is_secret) {
  EXPECT_EQ(secrets_in("host=db password='it\\'s \\\\' user=dam"),
            std::vector<std::string>{"it's \\"});
  EXPECT_EQ(without_secrets("no ab, no cdab\nmore", {"ab", "cd"}), "no …, no ……");
}

}  // namespace
}  // namespace dam::control
