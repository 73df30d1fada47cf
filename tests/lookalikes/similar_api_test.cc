// SPDX-License-Identifier: BSD-3-Clause
// The API on a real database: who is alike, a ban of exactly these, erasure, and a database that is
// away. Every answer is held against the served document.
#include <httplib.h>
#include <sys/stat.h>

#include <ctime>

#include "controlplane/api/http_server.h"
#include "controlplane/bans/ban_sync.h"
#include "tests/lookalikes/real_database.h"
#include "tests/unit/controlplane/judged_client.h"
#include "tests/unit/controlplane/spare_parts.h"
#include "tests/unit/controlplane/test_dataplane.h"

namespace dam::control {
namespace {

constexpr char kAlikeRules[] = "lookalikes: {within: 5%}\nadmin: [203.0.113.9]\n";

struct SimilarApiTest : testing::Test {
  RealDatabase real;
  TemporaryFolder folder;
  std::string file = folder.write("database", real.keywords());
  std::string socket = folder.file("api.sock");
  TestDataplane dataplane{folder.file("dataplane.sock")};
  DataplaneLink link{folder.file("dataplane.sock"), [](const std::string&) {}};
  PolicyStore store{PolicyStore::kInMemory};
  RunningPolicy policy{folder.write("dam.yaml", std::string(kSamplePolicy) + kAlikeRules), store,
                       [this](auto wanted) { return link.deliver(std::move(wanted)); }};
  SpareParts spare{policy};
  BanSync sync{spare.bans, link, [](const std::string&) {}};
  std::unique_ptr<Lookalikes> lookalikes;
  Endpoints endpoints;
  std::unique_ptr<ApiDocument> document;
  std::unique_ptr<HttpServer> server;
  Role role = Role::operator_;

  void SetUp() override {
    ASSERT_EQ(chmod(file.c_str(), 0600), 0);
    ASSERT_TRUE(comes([&] { return link.state().connected; }));
    ASSERT_EQ(policy.load_config().outcome, ChangeResult::Outcome::applied);
    lookalikes = std::make_unique<Lookalikes>(
        file, Lookalikes::Ends{[this] { return policy.current()->policy; }, spare.ask, {}});
    ApiParts all = spare.parts();
    endpoints =
        all_endpoints({all.policy, all.look, all.metrics_text, all.events, all.trust, all.servers,
                       all.bans, all.ask_dataplane, all.captures, all.signals, *lookalikes});
    document = std::make_unique<ApiDocument>(openapi_document(endpoints));
    server = std::make_unique<HttpServer>([this](httplib::Server& s) {
      serve(s, endpoints, [this](const httplib::Request&) { return Caller{"alice", role}; });
    });
    ASSERT_EQ(server->serve_unix(socket), "");
    ASSERT_TRUE(comes([&] { return lookalikes->counts().rows.connected; }));
  }

  // A herd of twelve, a pair of others, an administrator and the site's own server amid the herd.
  void insert_herd() {
    const int64_t now_s = std::time(nullptr);
    BehaviourRows rows;
    for (int i = 1; i <= 12; ++i) {
      rows.push_back(
          row_of("198.18.77." + std::to_string(i), now_s, 0.7F + static_cast<float>(i) / 1000));
    }
    for (int i = 1; i <= 40; ++i) {
      rows.push_back(row_of("198.18.99." + std::to_string(i), now_s,
                            0.1F + static_cast<float>(i % 7) / 100, 4, 0.9F));
    }
    rows.push_back(row_of("203.0.113.9", now_s, 0.7F));
    rows.push_back(row_of("198.18.1.10", now_s, 0.7F));
    BehaviourDatabase(real.keywords(), std::chrono::seconds(5)).insert(rows);
  }
  template <class Send>
  std::pair<int, Json> ask(Send send) {
    return ask_judged(socket, *document, send);
  }
  std::pair<int, Json> get(const std::string& path) {
    return ask([&](httplib::Client& c) { return c.Get(path); });
  }
  std::pair<int, Json> ban(const Json& body) {
    return ask([&](httplib::Client& c) {
      return c.Post("/v1/bans/similar", body.dump(), "application/json");
    });
  }
  std::pair<int, Json> forget(const std::string& source) {
    return ask([&](httplib::Client& c) { return c.Delete("/v1/behaviour/" + source); });
  }
};

TEST_F(SimilarApiTest, the_nearest_are_told_with_what_they_share) {
  insert_herd();
  const auto [code, body] = get("/v1/similar/198.18.77.1");
  ASSERT_EQ(code, 200) << body;
  EXPECT_EQ(body["source"], "198.18.77.1/32");
  EXPECT_EQ(body["within"], 5.0);
  EXPECT_EQ(body["behaviour"].size(), kFeatureCount);
  EXPECT_EQ(body["similar"].size(), 13u) << "the herd, the administrator, the server";
  for (const Json& one : body["similar"]) EXPECT_LT(one["distance"].get<double>(), 2);
  EXPECT_EQ(body["similar"][0]["share"].size(), 5u);
  EXPECT_EQ(get("/v1/similar/198.18.77.1?within=0.15%25").second["similar"].size(), 3u);
  EXPECT_EQ(get("/v1/similar/198.18.77.1?count=3").second["similar"].size(), 3u);
  EXPECT_EQ(get("/v1/similar/198.18.77.99").first, 404);
  EXPECT_EQ(get("/v1/similar/nobody").first, 400);
  EXPECT_EQ(get("/v1/similar/198.18.77.1?within=near").first, 400);
}

TEST_F(SimilarApiTest, a_ban_hits_whom_it_has_shown_and_spares_whom_none_may_hit) {
  insert_herd();
  Json asked = {{"to", "198.18.77.1"}, {"for", "1h"}, {"dry_run", true}};
  const auto [seen_code, seen] = ban(asked);
  ASSERT_EQ(seen_code, 200) << seen;
  EXPECT_EQ(seen["count"], 12);
  EXPECT_EQ(seen["sources"].size(), 14u);
  EXPECT_EQ(seen["sources"][0]["source"], "198.18.77.1/32");
  EXPECT_EQ(spare.bans.list({}).total, 0u) << "a dry run bans nobody";
  asked["dry_run"] = false;
  EXPECT_EQ(ban(asked).first, 409) << "nothing was seen";
  asked["digest"] = seen["digest"];
  asked["within"] = "90%";
  EXPECT_EQ(ban(asked).first, 409) << "another list";
  EXPECT_EQ(spare.bans.list({}).total, 0u);
  asked.erase("within");
  const auto [code, body] = ban(asked);
  EXPECT_EQ(code, 200) << body;
  EXPECT_EQ(body["count"], 12);
  EXPECT_EQ(dataplane.bans().size(), 12u);
  EXPECT_FALSE(dataplane.bans().contains("203.0.113.9/32"));
  EXPECT_FALSE(dataplane.bans().contains("198.18.1.10/32"));
  EXPECT_EQ(spare.bans.list({}).bans.at(0).reason, "behaves like 198.18.77.1/32");
}

TEST_F(SimilarApiTest, what_is_forgotten_is_nowhere_any_more) {
  insert_herd();
  const auto [code, body] = forget("198.18.77.1");
  EXPECT_EQ(code, 200) << body;
  EXPECT_EQ(body["windows"], 1);
  EXPECT_EQ(get("/v1/similar/198.18.77.1").first, 404);
  EXPECT_EQ(forget("198.18.77.0/24").second["windows"], 11);
  BehaviourDatabase(real.keywords(), std::chrono::seconds(5))
      .insert(std::vector{row_of("2001:db8:7::/64", std::time(nullptr), 0.5F)});
  const Json part = forget("2001:db8:7::/80").second;
  EXPECT_EQ(part["source"], "2001:db8:7::/64") << "what the policy takes for one source";
  EXPECT_EQ(part["windows"], 1);
  EXPECT_EQ(forget("nobody").first, 400);
}

TEST_F(SimilarApiTest, what_may_not_be_forgotten_is_said) {
  folder.write("dam.yaml", std::string(kSamplePolicy) + "lookalikes: {window: 10s}\n");
  ASSERT_EQ(policy.load_config().outcome, ChangeResult::Outcome::applied);
  std::optional<pqxx::connection> other(RealDatabase::place() + " user=postgres");
  std::optional<pqxx::work> holder(*other);
  holder->exec("lock table dam.behaviour_windows in share mode");
  ASSERT_TRUE(comes([&] {
    for (int i = 0; i < 5; ++i) {
      lookalikes->take("web", Signal{*parse_address("198.18.77.1"), 200, "/"});
    }
    return real.value("select count(*) from pg_stat_activity where wait_event_type = 'Lock'") ==
           "1";
  }));
  const auto [code, body] = forget("198.18.77.1");
  EXPECT_EQ(code, 503) << body;
  EXPECT_NE(body.dump().find("it is not erased"), std::string::npos) << body;
  holder.reset();
  ASSERT_TRUE(comes([&] { return forget("198.18.77.1").first == 200; }));
  EXPECT_EQ(real.value("select count(*) from dam.behaviour_windows"), "0");
}

TEST_F(SimilarApiTest, viewers_may_not_and_a_database_that_is_away_is_said) {
  insert_herd();
  role = Role::viewer;
  EXPECT_EQ(get("/v1/similar/198.18.77.1").first, 403);
  EXPECT_EQ(forget("198.18.77.1").first, 403);
  role = Role::operator_;
  real.let_in(false);
  EXPECT_EQ(get("/v1/similar/198.18.77.1").first, 503);
  EXPECT_EQ(ban({{"to", "198.18.77.1"}, {"dry_run", true}}).first, 503);
  EXPECT_EQ(forget("198.18.77.1").first, 503) << "it is not said to be erased";
  EXPECT_EQ(get("/v1/zones").first, 200) << "all else goes on";
  real.let_in(true);
  EXPECT_EQ(get("/v1/similar/198.18.77.1").first, 200);
}

TEST_F(SimilarApiTest, what_sources_do_in_a_window_comes_to_the_database_by_itself) {
  folder.write("dam.yaml", std::string(kSamplePolicy) + "lookalikes: {window: 10s}\n");
  ASSERT_EQ(policy.load_config().outcome, ChangeResult::Outcome::applied);
  v1::Log log;
  for (int i = 0; i < 5; ++i) {
    v1::EndedConnection& one = *log.add_connections();
    one.set_client("198.18.77.1");
    one.set_zone("light");
    one.set_end("closed");
    one.set_ended_unix_ns(static_cast<uint64_t>(std::time(nullptr)) * 1'000'000'000);
  }
  ASSERT_TRUE(comes([&] {
    lookalikes->take(log);
    return lookalikes->counts().rows.written > 0;
  }));
  EXPECT_EQ(get("/v1/similar/198.18.77.1").first, 200);
}

TEST_F(SimilarApiTest, without_the_policys_word_there_are_none) {
  folder.write("dam.yaml", kSamplePolicy);
  ASSERT_EQ(policy.load_config().outcome, ChangeResult::Outcome::applied);
  EXPECT_EQ(get("/v1/similar/198.18.77.1").first, 503);
  EXPECT_TRUE(comes([&] { return !lookalikes->counts().wanted; }));
}

}  // namespace
}  // namespace dam::control
