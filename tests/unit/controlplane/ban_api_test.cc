// SPDX-License-Identifier: BSD-3-Clause
// Bans and explain over the real socket; every answer is held against the served document.
#include "tests/unit/controlplane/ban_api.h"

namespace dam::control {
namespace {

struct BanApiTest : BanApi {};

TEST_F(BanApiTest, what_a_zone_has_no_room_for_is_told_again_unless_it_was_lifted) {
  dataplane.refuse_zone_bans(true);
  BanRequest told;
  for (const char* source : {"198.18.77.8", "198.18.77.9"}) {
    told.source = *parse_network(source);
    told.for_s = 86'400;
    ASSERT_EQ(book.ban_in_services(told, {"web", {}, "signal honey"}, 10).count, 1u);
  }
  ASSERT_TRUE(eventually([&] { return dataplane.zone_changes().size() == 2; }));
  book.lift(*parse_network("198.18.77.8"));
  dataplane.refuse_zone_bans(false);
  ASSERT_TRUE(eventually([&] { return dataplane.zone_changes().size() == 4; }));
  EXPECT_EQ(dataplane.zone_changes().at(2), " 198.18.77.8/32");
  EXPECT_EQ(dataplane.zone_changes().at(3), "light 198.18.77.9/32");
}

TEST_F(BanApiTest, a_ban_is_with_the_dataplane_when_it_is_answered_and_can_be_lifted) {
  const auto [code, body] =
      ban(R"({"source": "198.18.77.7/24", "for": "1h", "reason": "it floods"})");
  EXPECT_EQ(code, 200) << body;
  EXPECT_EQ(body["bans"][0]["source"], "198.18.77.0/24");
  EXPECT_EQ(dataplane.bans(), std::set<std::string>{"198.18.77.0/24"});
  const auto [listed, list] = get("/v1/bans?address=198.18.77.200&origin=op&count=5");
  EXPECT_EQ(listed, 200);
  EXPECT_EQ(list["bans"][0]["reason"], "it floods");
  EXPECT_EQ(list["total"], 1);
  EXPECT_EQ(get("/v1/bans?origin=zone").second["bans"].size(), 0u);
  EXPECT_EQ(lift("198.18.77.0/24").first, 200);
  EXPECT_TRUE(dataplane.bans().empty());
  EXPECT_EQ(lift("198.18.77.0/24").first, 404);
}

TEST_F(BanApiTest, what_is_wrong_is_named_and_changes_nothing) {
  EXPECT_EQ(ban(R"({"source": "nobody"})").first, 400);
  EXPECT_EQ(ban(R"({"reason": "no source"})").first, 400);
  EXPECT_EQ(ban(R"({"source": "198.18.77.7", "for": "1h", "until": 4000000000})").first, 400);
  EXPECT_EQ(ban(R"({"source": "198.18.77.7", "sauce": 1})").first, 400);
  EXPECT_EQ(ban(R"({"source": "203.0.113.50"})").first, 422);
  const auto [code, body] =
      ban(R"({"source": "198.18.77.0/24", "force": true})", {{"X-Dam-Client", "198.18.77.9"}});
  EXPECT_EQ(code, 422);
  EXPECT_NE(body["errors"][0]["message"].get<std::string>().find("your own address 198.18.77.9"),
            std::string::npos);
  EXPECT_EQ(get("/v1/bans").second["total"], 0);
  EXPECT_EQ(get("/v1/bans?after=x").first, 400);
  EXPECT_EQ(get("/v1/bans?count=0").first, 400);
}

TEST_F(BanApiTest, a_list_comes_in_whole_and_goes_out_as_it_came) {
  const auto [wrong, problems] = import("198.18.77.7\n198.18.77.x\n");
  EXPECT_EQ(wrong, 422);
  EXPECT_EQ(problems["errors"][0]["line"], 2);
  EXPECT_EQ(get("/v1/bans").second["total"], 0);
  const auto [code, body] = import("198.18.77.7 one\n198.18.77.8 two\n", "?for=1h&reason=list");
  EXPECT_EQ(code, 200) << body;
  EXPECT_EQ(body["count"], 2);
  EXPECT_EQ(dataplane.bans().size(), 2u);
  httplib::Client client(socket);
  client.set_address_family(AF_UNIX);
  const std::string text = client.Get("/v1/bans/export")->body;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  lift("198.18.77.7");
  EXPECT_EQ(import(text).first, 200);
  EXPECT_EQ(get("/v1/bans").second["total"], 2);
}

TEST_F(BanApiTest, a_backup_comes_in_though_some_of_it_is_over) {
  ASSERT_EQ(ban(R"({"source": "198.18.77.7"})").first, 200);
  const auto [code, body] = import(R"({"source": "198.18.77.7", "until": 1000000}
{"source": "198.18.77.8", "until": 4000000000}
)");
  EXPECT_EQ(code, 200) << body;
  EXPECT_EQ(body["count"], 1);
  EXPECT_EQ(body["skipped"], 1);
  ASSERT_EQ(body["warnings"].size(), 1u) << body;
  EXPECT_EQ(dataplane.bans(), (std::set<std::string>{"198.18.77.7/32", "198.18.77.8/32"}));
  EXPECT_EQ(import(R"({"source": "198.18.77.7", "until": 1000000})").first, 200);
  const auto [wrong, problems] = import(R"({"source": "198.18.77.9", "until": 1e999})");
  EXPECT_EQ(wrong, 422) << problems;
  EXPECT_EQ(problems["errors"][0]["line"], 1);
  EXPECT_EQ(problems["errors"][0]["column"], 1);
}

TEST_F(BanApiTest, explain_says_which_list_which_ban_and_what_the_zones_hold) {
  const auto verdict = [&](const std::string& address) {
    const auto [code, body] = get("/v1/explain/" + address);
    EXPECT_EQ(code, 200) << body;
    return body.value("verdict", "");
  };
  EXPECT_TRUE(verdict("203.0.113.50").starts_with("let in: it is on the admin list (203.0.113.50"));
  EXPECT_TRUE(verdict("192.0.2.9")
                  .starts_with("kept out: it is on the deny list of the policy (192.0.2.0/24"));
  ban(R"({"source": "198.18.77.0/24", "for": "1h", "reason": "it floods"})");
  EXPECT_TRUE(verdict("198.18.77.9").starts_with("kept out: 198.18.77.0/24 is banned for "));
  BanRequest told;
  told.source = *parse_network("198.18.77.9");
  told.for_s = 86'400;
  ASSERT_EQ(book.ban_in_services(told, {"web", {}, "signal honey"}, 10).count, 1u);
  EXPECT_TRUE(verdict("198.18.77.9").starts_with("kept out: 198.18.77.0/24 is banned for "));
  lift("198.18.77.0/24");
  EXPECT_TRUE(verdict("198.18.77.9").starts_with("kept out of the service zones: 198.18.77.9/32"));
  v1::Explanation seen;
  v1::Standing& zone = *seen.add_zones();
  zone.set_zone("light");
  zone.mutable_source()->set_address(std::string("\xc6\x12\x01\x63", 4));
  zone.mutable_source()->set_prefix_bits(32);
  zone.set_connections(3);
  v1::Level& level = *zone.add_levels();
  level.set_bucket("packets");
  level.set_used_permille(1000);
  level.set_wait_ns(250'000'000);
  dataplane.explain_as(seen);
  const auto [code, body] = get("/v1/explain/198.18.1.99");
  EXPECT_EQ(body["verdict"],
            "held back: it is over the limit of packets of zone light: one more in 250ms");
  EXPECT_EQ(body["connections"], 3);
  EXPECT_EQ(body["zones"][0]["source"], "198.18.1.99/32");
  EXPECT_EQ(get("/v1/explain/nobody").first, 400);
}

}  // namespace
}  // namespace dam::control
