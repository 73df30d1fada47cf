// SPDX-License-Identifier: BSD-3-Clause
// POST /v1/signals over the real socket, and what a dataplane hears of it.
#include <httplib.h>

#include "controlplane/api/http_server.h"
#include "controlplane/bans/ban_sync.h"
#include "tests/unit/controlplane/judged_client.h"
#include "tests/unit/controlplane/sample_policy.h"
#include "tests/unit/controlplane/spare_parts.h"
#include "tests/unit/controlplane/test_dataplane.h"

namespace dam::control {
namespace {

constexpr char kHoneyRule[] = "signals: {rules: [{name: honey, path: /.env, ban: 1h}]}\n";

struct SignalApiTest : testing::Test {
  TemporaryFolder folder;
  std::string socket = folder.file("api.sock");
  TestDataplane dataplane{folder.file("dataplane.sock")};
  DataplaneLink link{folder.file("dataplane.sock"), [](const std::string&) {}};
  PolicyStore store{PolicyStore::kInMemory};
  RunningPolicy policy{folder.write("dam.yaml", std::string(kSamplePolicy) + kHoneyRule), store,
                       [this](auto wanted) { return link.deliver(std::move(wanted)); }};
  SpareParts spare{policy};
  BanSync sync{spare.bans, link, [](const std::string&) {}};
  Endpoints endpoints = all_endpoints(spare.parts());
  ApiDocument document{openapi_document(endpoints)};
  Role role = Role::reporter;
  HttpServer server{[this](httplib::Server& s) {
    serve(s, endpoints, [this](const httplib::Request&) { return Caller{"shop", role}; });
  }};

  void SetUp() override {
    ASSERT_TRUE(eventually([&] { return link.state().connected; }));
    ASSERT_EQ(policy.load_config().outcome, ChangeResult::Outcome::applied);
    ASSERT_EQ(server.serve_unix(socket), "");
  }
  std::pair<int, Json> post(const std::string& body) {
    return ask_judged(socket, document, [&](httplib::Client& c) {
      return c.Post("/v1/signals", body, "application/json");
    });
  }
};

TEST_F(SignalApiTest, a_reporter_tells_and_the_service_zones_hear_of_the_ban) {
  const auto [code, body] = post(R"({"signals": [
    {"client": "198.51.100.7", "status": 404, "path": "/%2eenv?x"},
    {"client": "::ffff:198.51.100.8", "status": 200, "path": "/", "class": "search"}]})");
  EXPECT_EQ(code, 200) << body;
  EXPECT_EQ(body, (Json{{"accepted", 2}, {"refused", 0}, {"banned", 1}}));
  ASSERT_TRUE(eventually([&] { return !dataplane.zone_changes().empty(); }));
  for (const std::string& one : dataplane.zone_changes()) EXPECT_EQ(one, "light 198.51.100.7/32");
  EXPECT_TRUE(dataplane.bans().empty()) << "nothing for the whole dam, management's zone included";
  EXPECT_EQ(spare.bans.list({}).bans.at(0).author, "shop");
}

TEST_F(SignalApiTest, a_ban_for_which_a_zone_has_no_room_is_told_again) {
  dataplane.refuse_zone_bans(true);
  const std::string body = R"({"signals": [{"client": "198.51.100.7", "path": "/.env"}]})";
  EXPECT_EQ(post(body).second["banned"], 1) << "it is kept";
  ASSERT_TRUE(eventually([&] { return dataplane.zone_changes().size() == 1; }));
  EXPECT_EQ(post(body).second["banned"], 0) << "who is banned already is not told of again";
  ASSERT_TRUE(eventually([&] { return dataplane.zone_changes().size() == 2; })) << "still no room";
  dataplane.refuse_zone_bans(false);
  ASSERT_TRUE(eventually([&] { return dataplane.zone_changes().size() == 3; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(2300));
  EXPECT_EQ(dataplane.zone_changes(), std::vector<std::string>(3, "light 198.51.100.7/32"))
      << "and then no more";
}

TEST_F(SignalApiTest, one_wrong_entry_and_none_counts) {
  const auto [code, body] =
      post(R"({"signals": [{"client": "198.51.100.7", "path": "/.env"}, {"client": "nobody"}]})");
  EXPECT_EQ(code, 422);
  EXPECT_TRUE(body["errors"][0]["message"].get<std::string>().starts_with("signals[1]: client"));
  EXPECT_EQ(post(R"({"signals": [{"path": "/.env"}]})").first, 400);
  EXPECT_EQ(post(R"({"signals": [{"client": "198.51.100.7", "force": true}]})").first, 400);
  EXPECT_EQ(post(R"({"signals": [{"client": "127.0.0.1", "path": "/.env"}]})").first, 422);
  std::string many = "{\"client\": \"198.51.100.7\"}";
  for (int i = 0; i < 1000; ++i) many += ", {\"client\": \"198.51.100.7\"}";
  EXPECT_EQ(post("{\"signals\": [" + many + "]}").first, 422);
  EXPECT_EQ(spare.bans.list({}).total, 0u);
}

TEST_F(SignalApiTest, viewers_may_not_and_operators_may) {
  const std::string body = R"({"signals": [{"client": "198.51.100.7"}]})";
  role = Role::viewer;
  EXPECT_EQ(post(body).first, 403);
  role = Role::operator_;
  EXPECT_EQ(post(body).first, 200);
}

TEST_F(SignalApiTest, without_rules_it_says_so) {
  folder.write("dam.yaml", kSamplePolicy);
  ASSERT_EQ(policy.load_config().outcome, ChangeResult::Outcome::applied);
  EXPECT_EQ(post(R"({"signals": [{"client": "198.51.100.7"}]})").first, 409);
}

}  // namespace
}  // namespace dam::control
