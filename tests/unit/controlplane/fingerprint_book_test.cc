// SPDX-License-Identifier: BSD-3-Clause
// Bans of kinds of clients: for how long, what lasts of them, what the dataplane is told.
#include "controlplane/bans/fingerprint_book.h"

#include "controlplane/bans/ban_sync.h"
#include "dataplane/ipc/bounds.h"
#include "tests/unit/controlplane/sample_policy.h"
#include "tests/unit/controlplane/test_dataplane.h"

namespace dam::control {
namespace {

constexpr int64_t kBookHour = 3600;
const std::string kBookKind = "t13d1516h2_8daaf6152771_e5627efa2ab1",
                  kBookSome = "*_8daaf6152771_*";

struct FingerprintBookTest : testing::Test {
  TemporaryFolder folder;
  std::unique_ptr<BanStore> store = opened();
  std::shared_ptr<const Policy> policy = std::make_shared<const Policy>(
      *load_policy(std::string(kSamplePolicy) + "bans: {repeat_within: 2h, repeat_factor: 3}\n", "",
                   ".")
           .policy);
  int64_t now = 1'000'000;
  std::vector<std::string> said;
  std::unique_ptr<BanBook> book_ = fresh();

  std::unique_ptr<BanStore> opened() { return std::make_unique<BanStore>(folder.file("bans.db")); }
  std::unique_ptr<BanBook> fresh() {
    return std::make_unique<BanBook>(
        *store, [this] { return policy; }, [this] { return now; },
        [this](const std::string&, uint64_t, const std::string& text) { said.push_back(text); });
  }
  FingerprintBook& book() { return book_->fingerprints(); }
  static BanRequest request_for(const std::string& ja4, std::optional<int64_t> for_s = kBookHour) {
    BanRequest request;
    request.ja4 = ja4;
    request.for_s = for_s;
    request.reason = "a macro";
    return request;
  }
  BanResult ban(const std::string& ja4, std::optional<int64_t> for_s = kBookHour,
                bool force = false) {
    return book_->ban({request_for(ja4, for_s)}, {"somebody", {}, "operator", force});
  }
  int64_t length_of(const BanResult& result) { return result.fingerprint->until_unix - now; }
  std::set<std::string> told(uint64_t held) {
    std::set<std::string> all;
    const auto news = book().news_for(held);
    if (!news) return all;
    for (const auto& one : news->bans()) all.insert(one.ja4());
    book().told(true);
    return all;
  }
};

TEST_F(FingerprintBookTest, a_ban_holds_until_its_end_and_lasts_longer_the_next_time) {
  EXPECT_EQ(length_of(ban(kBookKind)), kBookHour);
  EXPECT_EQ(said.back(), kBookKind + " is banned for 1h (operator, by somebody): a macro");
  EXPECT_EQ(book().list().size(), 1u);
  now += 60;
  EXPECT_EQ(length_of(ban(kBookKind)), kBookHour) << "one that holds is changed, and counts once";
  now += kBookHour;
  EXPECT_TRUE(book().list().empty());
  EXPECT_EQ(length_of(ban(kBookKind)), 3 * kBookHour);
  now += 3 * kBookHour + 2 * kBookHour + 1;
  EXPECT_EQ(length_of(ban(kBookKind)), kBookHour) << "forgotten";
  EXPECT_EQ(ban(kBookKind, std::nullopt).fingerprint->until_unix, BanTerms::kForEver);
}

TEST_F(FingerprintBookTest, lasts_over_a_restart_and_its_lifting_too) {
  ban(kBookKind);
  ban(kBookSome, std::nullopt);
  const auto again = [&] {
    book_.reset();
    store.reset();
    store = opened();
    book_ = fresh();
    return book().list();
  };
  const auto all = again();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].ja4, kBookSome);
  EXPECT_EQ(all[0].until_unix, BanTerms::kForEver);
  EXPECT_EQ(all[1].reason, "a macro");
  EXPECT_EQ(all[1].author, "somebody");
  EXPECT_EQ(all[1].until_unix, now + kBookHour);
  EXPECT_EQ(book().lift(kBookKind).outcome, BanResult::Outcome::done);
  EXPECT_EQ(book().lift(kBookKind).outcome, BanResult::Outcome::unknown);
  EXPECT_EQ(again().size(), 1u);
}

// As the release before wrote it: without a table of fingerprints, of the same version.
TEST_F(FingerprintBookTest, an_older_file_is_read_and_an_older_program_reads_this_one) {
  book_.reset();
  store.reset();
  const auto version = [&] {
    SQLite::Database file(folder.file("bans.db"), SQLite::OPEN_READWRITE);
    return file.execAndGet("PRAGMA user_version").getInt();
  };
  {
    SQLite::Database file(folder.file("bans.db"), SQLite::OPEN_READWRITE);
    EXPECT_FALSE(file.tableExists("fingerprint_ban"));
    file.exec(
        "INSERT INTO ban VALUES (x'c6336407', 32, 1, 9223372036854775807, 1, 'old', "
        "'operator', 'somebody', 0)");
  }
  EXPECT_EQ(version(), 1);
  store = opened();
  book_ = fresh();
  EXPECT_EQ(book_->list({}).bans.at(0).source.text(), "198.51.100.7/32");
  EXPECT_TRUE(book().list().empty());
  EXPECT_EQ(ban(kBookKind).outcome, BanResult::Outcome::done);
  book_.reset();
  store.reset();
  EXPECT_EQ(version(), 1) << "or an older program would refuse it";
}

TEST_F(FingerprintBookTest, everybody_takes_force_and_there_are_only_so_many) {
  EXPECT_EQ(ban("*_*_*").outcome, BanResult::Outcome::refused);
  EXPECT_EQ(ban("*_*_*", kBookHour, true).outcome, BanResult::Outcome::done);
  const auto kind = [](size_t i) {
    const std::string number = std::to_string(100 + i);
    return "*_" + number + number + number + number + "_*";
  };
  for (size_t i = 1; i < kMaxJa4Bans; ++i) {
    ASSERT_EQ(ban(kind(i)).outcome, BanResult::Outcome::done);
  }
  EXPECT_EQ(ban(kind(kMaxJa4Bans)).outcome, BanResult::Outcome::full);
  EXPECT_EQ(ban(kind(1), 2 * kBookHour).outcome, BanResult::Outcome::done) << "it is there already";
  now += kBookHour;
  EXPECT_EQ(ban(kind(kMaxJa4Bans)).outcome, BanResult::Outcome::done) << "others have ended";
}

TEST_F(FingerprintBookTest, the_dataplane_is_told_all_that_hold) {
  EXPECT_FALSE(book().news_for(0)) << "it has none, and is to have none";
  ban(kBookKind);
  EXPECT_FALSE(book().wait_until_told(std::chrono::milliseconds(1)));
  EXPECT_EQ(told(0), std::set<std::string>{kBookKind});
  EXPECT_TRUE(book().wait_until_told(std::chrono::milliseconds(1)));
  ban(kBookSome, 2 * kBookHour);
  now += kBookHour;
  EXPECT_EQ(told(77), std::set<std::string>{kBookSome}) << "the first one has ended";
  EXPECT_EQ(book().lift(kBookSome).outcome, BanResult::Outcome::done);
  const auto news = book().news_for(77);
  ASSERT_TRUE(news) << "it has some that it must forget";
  EXPECT_EQ(news->bans_size(), 0);
  EXPECT_FALSE(book().news_for(news->version()));
}

TEST_F(FingerprintBookTest, a_list_of_them_and_of_sources_is_taken_whole_or_not_at_all) {
  policy = std::make_shared<const Policy>(
      *load_policy(std::string(kSamplePolicy) + "admin: [203.0.113.50]\n", "", ".").policy);
  BanRequest address;
  address.source = *parse_network("198.51.100.7");
  std::vector<BanRequest> list = {address, request_for(kBookKind), address, request_for("*_*_*")};
  list[2].source = *parse_network("203.0.113.50");
  for (int i = 0; i < 4; ++i) list[static_cast<size_t>(i)].at = {i + 1, 1};
  Objections wrong;
  wrong.add({2, 8}, "as it was read", "");
  const BanResult refused = book_->ban(list, {"somebody", {}, "import"}, wrong);
  EXPECT_EQ(refused.outcome, BanResult::Outcome::refused);
  std::vector<int> lines;
  for (const Problem& problem : refused.problems) lines.push_back(problem.mark.line);
  EXPECT_EQ(lines, (std::vector<int>{2, 3, 4})) << "all at once, in their order";
  EXPECT_TRUE(book().list().empty());
  EXPECT_EQ(book_->list({}).total, 0u);
  list.resize(2);
  list.push_back(request_for(kBookSome));
  EXPECT_EQ(book_->ban(list, {"somebody", {}, "import"}).count, 3u);
  EXPECT_EQ(said.back(), "198.51.100.7/32 is banned for ever (import, by somebody)");
  EXPECT_EQ(said.front(), "2 kinds of clients are banned (import, by somebody)");
  EXPECT_EQ(store->fingerprints().size(), 2u);
  EXPECT_EQ(store->all().size(), 1u);
}

TEST_F(FingerprintBookTest, a_list_for_which_there_is_no_room_or_no_disk_changes_nothing) {
  ban(kBookKind);
  book().lift(kBookKind);
  book_.reset();
  store.reset();
  {
    SQLite::Database file(folder.file("bans.db"), SQLite::OPEN_READWRITE);
    file.exec(
        "CREATE TRIGGER none BEFORE INSERT ON fingerprint_ban BEGIN SELECT RAISE(ABORT, 'full'); "
        "END");
  }
  store = opened();
  book_ = fresh();
  std::vector<BanRequest> list(1);
  list[0].source = *parse_network("198.51.100.7");
  for (size_t i = 0; i <= kMaxJa4Bans; ++i) {
    list.push_back(request_for("*_" + std::to_string(100'000'000'000 + i) + "_*"));
  }
  const BanResult full = book_->ban(list, {});
  EXPECT_EQ(full.outcome, BanResult::Outcome::full);
  EXPECT_EQ(full.problems.at(0).message,
            "that would be 65 bans of fingerprints; at most 64 may hold");
  EXPECT_EQ(book_->list({}).total, 0u);
  list.pop_back();
  EXPECT_EQ(book_->ban(list, {}).outcome, BanResult::Outcome::not_saved);
  EXPECT_EQ(book_->list({}).total, 0u);
  EXPECT_TRUE(store->all().empty()) << "the sources' rows came first, and went with the rest";
}

// A control plane that was started anew with --state none.
TEST_F(FingerprintBookTest, who_remembers_nothing_lifts_nothing_but_what_it_is_told_to) {
  BanStore memory(BanStore::kInMemory);
  BanBook forgetful(
      memory, [this] { return policy; }, [this] { return now; }, {}, memory.remembers());
  FingerprintBook& kinds = forgetful.fingerprints();
  EXPECT_FALSE(kinds.news_for(77)) << "the dataplane keeps what it has";
  EXPECT_EQ(forgetful.ban({request_for(kBookKind)}, {}).outcome, BanResult::Outcome::done);
  auto news = kinds.news_for(77);
  ASSERT_TRUE(news);
  EXPECT_EQ(news->base(), 77u) << "beside what it has";
  EXPECT_EQ(news->bans_size(), 1);
  EXPECT_EQ(news->lift_size(), 0);
  kinds.told(true);
  EXPECT_EQ(kinds.lift(kBookSome).outcome, BanResult::Outcome::done);
  EXPECT_EQ(kinds.lift(kBookKind).fingerprint->ja4, kBookKind);
  news = kinds.news_for(news->version());
  ASSERT_TRUE(news);
  EXPECT_EQ(news->lift_size(), 2);
  EXPECT_EQ(news->bans_size(), 0);
  kinds.told(true);
  EXPECT_EQ(forgetful.ban({request_for(kBookSome)}, {}).outcome, BanResult::Outcome::done);
  EXPECT_EQ(kinds.news_for(news->version())->lift_size(), 0) << "that was done";
  EXPECT_EQ(book().lift(kBookSome).outcome, BanResult::Outcome::unknown) << "who remembers, knows";
}

TEST_F(FingerprintBookTest, who_remembers_nothing_says_that_it_did_not_know_what_it_lifts) {
  BanStore memory(BanStore::kInMemory);
  BanBook forgetful(
      memory, [this] { return policy; }, [this] { return now; }, {}, memory.remembers());
  FingerprintBook& kinds = forgetful.fingerprints();
  const BanResult lifted = kinds.lift(kBookSome);
  EXPECT_EQ(lifted.outcome, BanResult::Outcome::done);
  EXPECT_EQ(lifted.count, 0u);
  ASSERT_EQ(lifted.problems.size(), 1u);
  EXPECT_EQ(lifted.problems[0].severity, Severity::warning);
  EXPECT_TRUE(lifted.problems[0].message.starts_with(kBookSome + " is not known here"));
  EXPECT_TRUE(kinds.news_for(0)) << "an older dataplane says 0 after its clock was set back";
}

TEST_F(FingerprintBookTest, whoever_was_told_of_one_is_told_that_it_is_lifted) {
  ban(kBookKind);
  EXPECT_EQ(told(0).size(), 1u);
  EXPECT_EQ(book().lift(kBookKind).outcome, BanResult::Outcome::done);
  const auto news = book().news_for(0);
  ASSERT_TRUE(news) << "an older dataplane says 0 after its clock was set back";
  EXPECT_EQ(news->bans_size(), 0);
}

TEST_F(FingerprintBookTest, what_is_over_in_a_list_is_skipped_and_changes_no_ban_that_holds) {
  ban(kBookKind);
  BanRequest over = request_for(kBookKind, std::nullopt);
  over.until_unix = now;
  BanRequest fresh_over = over;
  fresh_over.ja4 = "*_*_*";  // that would take force
  const BanResult result =
      book_->ban({over, fresh_over, request_for(kBookSome)}, {"somebody", {}, "import"});
  EXPECT_EQ(result.outcome, BanResult::Outcome::done);
  EXPECT_EQ(result.count, 1u);
  EXPECT_EQ(result.skipped, 2u);
  const auto all = book().list();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[1].until_unix, now + kBookHour);
}

TEST_F(FingerprintBookTest, are_counted_by_an_origin_of_their_own) {
  ban(kBookKind);
  ban(kBookSome, std::nullopt);
  ban("t12d0201h2_*_*");
  EXPECT_EQ(book().lift(kBookSome).outcome, BanResult::Outcome::done);
  now += kBookHour;
  ban(kBookSome);
  const BanCounts counts = book_->counts(0);
  const auto at = static_cast<size_t>(BanOrigin::fingerprint);
  EXPECT_EQ(counts.begun[at], 4u);
  EXPECT_EQ(counts.lifted[at], 1u);
  EXPECT_EQ(counts.expired[at], 2u);
  EXPECT_EQ(counts.held[at], 1u);
  EXPECT_EQ(book_->ended().at("fingerprint").count, 2u);
}

struct FingerprintSyncTest : FingerprintBookTest {
  TestDataplane dataplane{folder.file("dataplane.sock")};
  DataplaneLink link{folder.file("dataplane.sock"), [](const std::string&) {}};

  void SetUp() override {
    ASSERT_TRUE(eventually([&] { return link.state().connected; }));
    ASSERT_EQ(link.deliver(policy).outcome, Delivery::Outcome::applied);
  }
};

TEST_F(FingerprintSyncTest, a_dataplane_is_kept_at_them) {
  const BanSync sync(*book_, link, [](const std::string&) {});
  ban(kBookKind);
  EXPECT_TRUE(book().wait_until_told(std::chrono::seconds(3)));
  EXPECT_EQ(dataplane.fingerprint_bans(), std::set<std::string>{kBookKind});
  EXPECT_EQ(book().lift(kBookKind).outcome, BanResult::Outcome::done);
  EXPECT_TRUE(book().wait_until_told(std::chrono::seconds(3)));
  EXPECT_TRUE(dataplane.fingerprint_bans().empty());
}

TEST_F(FingerprintSyncTest, an_older_dataplane_takes_all_else) {
  std::mutex mutex;
  std::vector<std::string> log;
  dataplane.refuse_fingerprints(true);
  {
    const BanSync sync(*book_, link, [&](const std::string& text) {
      const std::lock_guard lock(mutex);
      log.push_back(text);
    });
    ban(kBookKind);
    BanRequest address;
    address.source = *parse_network("198.51.100.7");
    book_->ban({address}, {"somebody", {}});
    EXPECT_TRUE(book_->wait_until_told(std::chrono::seconds(3)));
    EXPECT_FALSE(book().wait_until_told(std::chrono::milliseconds(700))) << "and is said to be so";
    EXPECT_NE(book().refusal().find("nothing known"), std::string::npos) << book().refusal();
    dataplane.refuse_fingerprints(false);
    EXPECT_TRUE(book().wait_until_told(std::chrono::seconds(3))) << "once it is replaced";
    EXPECT_EQ(book().refusal(), "");
  }
  EXPECT_EQ(dataplane.bans(), std::set<std::string>{"198.51.100.7/32"});
  ASSERT_EQ(log.size(), 1u) << "once, however often it was tried";
  EXPECT_NE(log[0].find("has not taken the bans of fingerprints"), std::string::npos);
}

}  // namespace
}  // namespace dam::control
