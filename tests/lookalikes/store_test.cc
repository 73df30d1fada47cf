// SPDX-License-Identifier: BSD-3-Clause
// Rows in a real PostgreSQL with pgvector: schema, batches, what is nearest, retention, erasure,
// and a database that goes and comes.
#include <sys/stat.h>

#include <ctime>

#include "controlplane/lookalikes/behaviour_schema.h"
#include "tests/lookalikes/real_database.h"

namespace dam::control {
namespace {

struct LookalikeStoreTest : testing::Test {
  RealDatabase real;
  TemporaryFolder folder;
  std::string file = folder.write("database", real.keywords());
  std::vector<std::string> said;
  std::mutex said_mutex;
  int64_t now_s = std::time(nullptr) / 60 * 60;

  void SetUp() override { ASSERT_EQ(chmod(file.c_str(), 0640), 0); }

  std::unique_ptr<BehaviourStore> store(StoreLimits limits = quick()) {
    auto made = std::make_unique<BehaviourStore>(
        file, limits, [this](bool well, const std::string& sentence) {
          const std::lock_guard lock(said_mutex);
          said.push_back((well ? "well: " : "away: ") + sentence);
        });
    made->set_rules(std::chrono::hours(48), 1'000'000);
    return made;
  }
  static StoreLimits quick() {
    StoreLimits limits;
    limits.first_pause = std::chrono::milliseconds(20);
    limits.longest_pause = std::chrono::milliseconds(50);
    return limits;
  }
  BehaviourDatabase& database() {
    if (!opened)
      opened = std::make_unique<BehaviourDatabase>(real.keywords(), std::chrono::seconds(5));
    return *opened;
  }
  std::string windows() { return real.value("select count(*) from dam.behaviour_windows"); }

  SimilarAnswer similar(const std::string& source, double within = 1, int64_t since = 0,
                        size_t count = 20) {
    return database().similar({*parse_network(source), since, count, within});
  }
  static std::vector<std::string> names(const SimilarAnswer& answer) {
    std::vector<std::string> names;
    for (const auto& one : answer.similar) names.push_back(one.source.text());
    return names;
  }
  static constexpr std::chrono::seconds kPatience{5};
  std::unique_ptr<BehaviourDatabase> opened;
};

using Names = std::vector<std::string>;

TEST_F(LookalikeStoreTest, the_dam_makes_its_tables_and_needs_no_more_than_its_schema) {
  database().prepare();
  EXPECT_EQ(real.value("select tableowner from pg_tables where tablename = 'behaviour_windows'"),
            "dam");
  EXPECT_EQ(real.value("select schemaname from pg_tables where tablename = 'behaviour_sources'"),
            "dam");
  EXPECT_EQ(real.value("select rolsuper or rolcreatedb or rolcreaterole from pg_roles where "
                       "rolname = 'dam'"),
            "f");
  EXPECT_EQ(real.value("select am.amname from pg_class c join pg_am am on am.oid = c.relam where "
                       "c.relname = 'behaviour_sources_near'"),
            "hnsw");
  EXPECT_EQ(real.value("select has_table_privilege('dam', 'app.documents', 'select')"), "f");
  database().insert(std::vector{row_of("198.51.100.7", now_s, 0.5F)});
  database().prepare();
  EXPECT_EQ(windows(), "1") << "a second start keeps what there is";
}

TEST_F(LookalikeStoreTest, tables_of_another_form_are_made_anew) {
  real.do_as_administrator(
      "set role dam; create table dam.behaviour_windows (old int); "
      "comment on table dam.behaviour_windows is 'Traffic Dam, form 0, vectors 7'; reset role");
  database().prepare();
  database().insert(std::vector{row_of("198.51.100.7", now_s, 0.5F)});
  EXPECT_EQ(windows(), "1");
  EXPECT_EQ(real.value("select version from dam.behaviour_windows"),
            std::to_string(kBehaviourVersion));
}

TEST_F(LookalikeStoreTest, the_nearest_come_first_with_their_distance_and_by_the_index) {
  database().prepare();
  BehaviourRows rows;
  for (int i = 1; i <= 200; ++i) {
    rows.push_back(row_of("198.51.100." + std::to_string(i), now_s, static_cast<float>(i) / 250));
  }
  rows.push_back(row_of("2001:db8:7::/64", now_s, 0.402F));
  database().insert(rows);
  const auto found = similar("198.51.100.100", 1, 0, 3);
  ASSERT_EQ(found.of.size(), 1u);
  EXPECT_EQ(names(found).at(0), "2001:db8:7::/64");
  EXPECT_EQ(found.similar.size(), 3u);
  EXPECT_NEAR(found.similar[0].distance, 0.002, 1e-5);
  EXPECT_NEAR(found.similar[1].distance, 0.004, 1e-5);
  EXPECT_EQ(names(similar("198.51.100.100", 0.003)), Names{"2001:db8:7::/64"});
  EXPECT_EQ(similar("198.51.100.100", 1, 0, 1000).similar.size(), 200u) << "each is found";
  EXPECT_NEAR(found.mean[0], 0.402, 0.001);
  EXPECT_NEAR(found.deviation[0], 0.23, 0.01);
  EXPECT_TRUE(similar("198.51.100.250").of.empty());
  const std::string plan = [&] {
    std::string all;
    pqxx::connection as_dam(real.keywords());
    pqxx::work work(as_dam);
    work.exec("set enable_seqscan = off");
    for (const auto& line : work.exec("explain select source from behaviour_sources order by "
                                      "behaviour <-> (select behaviour from behaviour_sources "
                                      "limit 1) limit 5")) {
      all += line[0].c_str();
    }
    return all;
  }();
  EXPECT_NE(plan.find("behaviour_sources_near"), std::string::npos) << plan;
}

TEST_F(LookalikeStoreTest, a_source_is_the_mean_of_its_last_hour) {
  database().prepare();
  database().insert(std::vector{row_of("198.51.100.7", now_s - 7200, 1.0F),
                                row_of("198.51.100.7", now_s - 120, 0.2F),
                                row_of("198.51.100.8", now_s - 7200, 0.3F)});
  database().insert(std::vector{row_of("198.51.100.7", now_s - 60, 0.4F),
                                row_of("198.51.100.7", now_s - 60, 0.9F)});
  const auto found = similar("198.51.100.7");
  ASSERT_EQ(found.of.size(), 1u);
  EXPECT_NEAR(found.of[0].behaviour[3], 0.3, 1e-4) << "a window counts once";
  EXPECT_EQ(found.of[0].windows, 2u);
  EXPECT_EQ(found.of[0].requests, 10u);
  EXPECT_EQ(found.of[0].last_unix_s, now_s - 60);
  EXPECT_EQ(names(found), Names{"198.51.100.8/32"});
  EXPECT_TRUE(similar("198.51.100.7", 1, now_s - 3600).similar.empty()) << "not so long ago";
}

TEST_F(LookalikeStoreTest, what_is_too_old_or_too_much_goes_oldest_first) {
  database().prepare();
  BehaviourRows rows;
  for (int i = 0; i < 100; ++i) rows.push_back(row_of("198.51.100.7", now_s - i * 60, 0.5F));
  rows.push_back(row_of("198.51.100.8", now_s - 86'400, 0.5F));
  database().insert(rows);
  EXPECT_EQ(database().purge(now_s - 50 * 60, 1'000).windows, 50u);
  EXPECT_EQ(windows(), "51");
  EXPECT_TRUE(similar("198.51.100.8").of.empty());
  EXPECT_EQ(database().purge(now_s - 50 * 60, 20).windows, 31u);
  EXPECT_EQ(real.value("select extract(epoch from min(window_begin))::bigint from "
                       "dam.behaviour_windows"),
            std::to_string(now_s - 19 * 60));
}

// However much there is to delete, no transaction grows with it.
TEST_F(LookalikeStoreTest, much_goes_in_steps_and_sources_without_windows_go_too) {
  database().prepare();
  BehaviourRows rows;
  for (int i = 0; i < 6000; ++i) {  // of a hundred sources each
    const std::string host = std::to_string(i % 100 + 1);
    rows.push_back(row_of("192.0.2." + host, now_s - 86'400 - i / 100, 0.5F));
    rows.push_back(row_of("198.51.100." + host, now_s - 60 - i / 100, 0.5F));
  }
  rows.push_back(row_of("203.0.113.7", now_s, 0.5F));
  database().insert(rows);
  const auto sources = [&] { return real.value("select count(*) from dam.behaviour_sources"); };
  const auto purge = [&] { return database().purge(now_s - 3600, 1'000); };
  const Purged first = purge();
  EXPECT_EQ(first.windows, 2 * BehaviourDatabase::kRowsOfAStep) << "of the old, and beyond";
  EXPECT_TRUE(first.more);
  EXPECT_EQ(windows(), "2001");
  EXPECT_EQ(sources(), "101") << "those who have none went with their last window";
  EXPECT_EQ(purge().windows, 1001u);
  EXPECT_FALSE(purge().more);
  EXPECT_EQ(real.value("select count(*) from dam.behaviour_windows where source = '203.0.113.7'"),
            "1")
      << "the newest stay";
  EXPECT_EQ(sources(), "101");
  EXPECT_EQ(database().purge(now_s - 59, 1'000).windows, 999u);
  EXPECT_EQ(sources(), "1");
}

TEST_F(LookalikeStoreTest, how_many_there_are_is_known_without_counting) {
  database().prepare();
  const auto right = [&] {
    return real.value("select windows from dam.behaviour_total") == windows();
  };
  BehaviourRows rows;
  for (int i = 0; i < 100; ++i) rows.push_back(row_of("198.51.100.7", now_s - i * 60, 0.5F));
  database().insert(rows);
  rows.push_back(row_of("198.51.100.8", now_s, 0.5F));
  database().insert(rows);  // of which one is new
  EXPECT_TRUE(right());
  database().purge(now_s - 90 * 60, 50);
  EXPECT_TRUE(right());
  database().erase(*parse_network("198.51.100.8"));
  EXPECT_TRUE(right());
  EXPECT_EQ(windows(), "49");
  real.do_as_administrator("delete from dam.behaviour_windows");
  database().purge(now_s - 90 * 60, 5);
  EXPECT_TRUE(right()) << "whoever else has deleted some";
}

TEST_F(LookalikeStoreTest, erasing_takes_a_source_or_all_of_a_network) {
  database().prepare();
  database().insert(std::vector{row_of("198.51.100.7", now_s, 0.5F),
                                row_of("198.51.100.8", now_s, 0.5F),
                                row_of("2001:db8:7::/64", now_s, 0.5F)});
  EXPECT_EQ(database().erase(*parse_network("198.51.100.7")).windows, 1u);
  EXPECT_TRUE(similar("198.51.100.7").of.empty());
  EXPECT_EQ(database().erase(*parse_network("2001:db8::/32")).windows, 1u);
  EXPECT_EQ(windows(), "1");
}

TEST_F(LookalikeStoreTest, a_network_of_many_windows_is_erased_in_steps) {
  database().prepare();
  BehaviourRows rows{row_of("203.0.113.7", now_s, 0.5F)};
  for (int i = 0; i < 6000; ++i) {
    rows.push_back(row_of("192.0.2." + std::to_string(i % 200 + 1), now_s - i / 200 * 60, 0.5F));
  }
  database().insert(rows);
  const auto erase = [&] { return database().erase(*parse_network("192.0.2.0/24")); };
  const Purged first = erase();
  EXPECT_EQ(first.windows, BehaviourDatabase::kRowsOfAStep);
  EXPECT_TRUE(first.more);
  EXPECT_EQ(windows(), "1001");
  EXPECT_EQ(real.value("select windows from dam.behaviour_total"), "1001");
  EXPECT_EQ(erase().windows, 1000u);
  EXPECT_FALSE(erase().more);
  EXPECT_EQ(windows(), "1");
  EXPECT_EQ(real.value("select count(*) from dam.behaviour_sources"), "1");
}

// Else two that begin at once could each have what the other waits for.
TEST_F(LookalikeStoreTest, erasing_waits_for_who_inserts_before_it_takes_a_source) {
  database().prepare();
  database().insert(std::vector{row_of("198.51.100.7", now_s, 0.5F)});
  std::optional<pqxx::connection> other(real.place() + " user=postgres");
  std::optional<pqxx::work> inserts(*other);
  inserts->exec("set local lock_timeout = '2s'; update dam.behaviour_total set windows = windows");
  std::thread erases([&] { database().erase(*parse_network("198.51.100.7")); });
  EXPECT_TRUE(comes([&] {
    return real.value("select count(*) from pg_stat_activity where wait_event_type = 'Lock'") ==
           "1";
  }));
  EXPECT_NO_THROW(inserts->exec("update dam.behaviour_sources set windows = windows"));
  inserts->commit();
  erases.join();
  EXPECT_EQ(windows(), "0");
}

TEST_F(LookalikeStoreTest, erasing_takes_a_source_that_a_narrower_network_lies_in) {
  database().prepare();
  database().insert(std::vector{row_of("2001:db8:7::/64", now_s, 0.5F),
                                row_of("2001:db8:8::/64", now_s, 0.5F),
                                row_of("198.51.101.0/24", now_s, 0.5F)});
  EXPECT_EQ(database().erase(*parse_network("2001:db8:7::/80")).windows, 1u);
  EXPECT_TRUE(similar("2001:db8:7::/64").of.empty());
  EXPECT_EQ(database().erase(*parse_network("198.51.101.7")).windows, 1u);
  EXPECT_EQ(database().erase(*parse_network("2001:db8:9::/80")).windows, 0u);
  EXPECT_EQ(windows(), "1");
  EXPECT_EQ(database().erase(*parse_network("::/0")).windows, 1u);
}

TEST_F(LookalikeStoreTest, a_database_that_goes_and_comes_loses_nothing_that_has_room) {
  const auto one = store();
  ASSERT_TRUE(comes([&] { return one->counts().connected; }));
  real.let_in(false);
  for (int i = 0; i < 5; ++i) {
    one->offer({row_of("198.51.100.7", now_s - i * 60, 0.5F)});
  }
  ASSERT_TRUE(comes([&] { return !one->counts().connected; }));
  EXPECT_EQ(one->counts().queued, 5u);
  real.let_in(true);
  ASSERT_TRUE(comes([&] { return one->counts().written == 5; }));
  EXPECT_EQ(windows(), "5");
  EXPECT_TRUE(comes([&] {  // it is told a moment behind what is counted
    const std::lock_guard lock(said_mutex);
    return said.size() >= 3;
  }));
  const std::lock_guard lock(said_mutex);
  ASSERT_EQ(said.size(), 3u) << "once of each change";
  EXPECT_TRUE(said[0].starts_with("well: "));
  EXPECT_TRUE(said[1].starts_with("away: the look-alikes' database is away")) << said[1];
  EXPECT_TRUE(said[2].starts_with("well: "));
}

TEST_F(LookalikeStoreTest, a_full_queue_loses_its_oldest_rows_and_counts_them) {
  real.let_in(false);
  StoreLimits limits = quick();
  limits.queue_rows = 10;
  limits.batch_rows = 3;
  const auto one = store(limits);
  for (int i = 0; i < 25; ++i) {
    one->offer({row_of("198.51.100." + std::to_string(i + 1), now_s, 0.5F)});
  }
  EXPECT_EQ(one->counts().dropped, 15u);
  real.let_in(true);
  ASSERT_TRUE(comes([&] { return one->counts().written == 10; }));
  EXPECT_EQ(real.value("select host(min(source)) from dam.behaviour_windows"), "198.51.100.16");
}

TEST_F(LookalikeStoreTest, who_is_forgotten_is_not_written_afterwards) {
  real.let_in(false);
  const auto one = store();
  one->offer({row_of("198.51.100.7", now_s, 0.5F), row_of("198.51.100.8", now_s, 0.5F)});
  EXPECT_EQ(one->forget(*parse_network("198.51.100.7"), kPatience), 1u);
  real.let_in(true);
  ASSERT_TRUE(comes([&] { return one->counts().written == 1; }));
  EXPECT_EQ(windows(), "1");
}

// A row that is being written is not in the queue any more, and not in the database yet.
TEST_F(LookalikeStoreTest, who_is_being_written_is_waited_for_or_said_not_to_be_forgotten) {
  const auto one = store();
  ASSERT_TRUE(comes([&] { return one->counts().connected; }));
  std::optional<pqxx::connection> other(real.place() + " user=postgres");
  std::optional<pqxx::work> holder(*other);
  holder->exec("lock table dam.behaviour_windows in share mode");
  one->offer({row_of("198.51.100.7", now_s, 0.5F)});
  ASSERT_TRUE(comes([&] {
    return real.value("select count(*) from pg_stat_activity where wait_event_type = 'Lock'") ==
           "1";
  }));
  EXPECT_FALSE(one->forget(*parse_network("198.51.100.7"), std::chrono::milliseconds(200)));
  EXPECT_EQ(one->forget(*parse_network("198.51.100.8"), std::chrono::milliseconds(200)), 0u)
      << "another's is not waited for";
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    holder.reset();
  });
  EXPECT_EQ(one->forget(*parse_network("198.51.100.7"), kPatience), 0u);
  EXPECT_EQ(windows(), "1") << "it is in the database now, whence it can be erased";
  later.join();
}

TEST_F(LookalikeStoreTest, the_store_deletes_by_itself_what_the_policy_keeps_no_longer) {
  database().prepare();
  database().insert(
      std::vector{row_of("198.51.100.7", now_s - 7200, 0.5F), row_of("198.51.100.7", now_s, 0.5F)});
  const auto one = store();
  one->set_rules(std::chrono::seconds(3600), 1000);
  ASSERT_TRUE(comes([&] { return one->counts().deleted == 1; }));
  EXPECT_EQ(windows(), "1");
}

TEST_F(LookalikeStoreTest, a_file_that_others_may_read_is_refused_in_words) {
  ASSERT_EQ(chmod(file.c_str(), 0644), 0);
  const auto one = store();
  ASSERT_TRUE(comes([&] {
    const std::lock_guard lock(said_mutex);
    return !said.empty();
  }));
  {
    const std::lock_guard lock(said_mutex);
    EXPECT_NE(said[0].find("is open to others: chmod 0640"), std::string::npos) << said[0];
  }
  ASSERT_EQ(chmod(file.c_str(), 0600), 0);
  EXPECT_TRUE(comes([&] { return one->counts().connected; })) << "it is read at each try";
}

}  // namespace
}  // namespace dam::control
