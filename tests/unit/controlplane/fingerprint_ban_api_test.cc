// SPDX-License-Identifier: BSD-3-Clause
// Bans of kinds of clients through the API: whom they hit, and what is wrong with a pattern.
#include "controlplane/api/fingerprint_bans.h"
#include "controlplane/api/fingerprint_hits.h"
#include "controlplane/bans/fingerprint_book.h"
#include "tests/unit/controlplane/ban_api.h"

namespace dam::control {
namespace {

const std::string kApiKind = "t13d1516h2_8daaf6152771_e5627efa2ab1";
const std::string kApiOther = "t12d0201h2_002f00350000_000000000000";

struct FingerprintBanApiTest : BanApi {
  void hold(const std::string& ja4, uint8_t client, const std::string& zone = "light",
            int times = 1) {
    v1::Flow flow;
    flow.set_ja4(ja4);
    flow.set_zone(zone);
    flow.mutable_client()->set_address(std::string("\xc6\x33\x64", 3) + static_cast<char>(client));
    flow.mutable_client()->set_prefix_bits(32);
    for (int i = 0; i < times; ++i) dataplane.hold(flow);
  }
  std::string wrong(const std::string& body) {
    const auto [code, answer] = ban(body);
    EXPECT_EQ(code, 400) << answer;
    return answer["errors"][0].value("message", "") + "; " + answer["errors"][0].value("hint", "");
  }
};

TEST_F(FingerprintBanApiTest, is_with_the_dataplane_when_it_is_answered_and_can_be_lifted) {
  const auto [code, body] =
      ban(R"({"ja4": ")" + kApiKind + R"(", "for": "1h", "reason": "macro"})");
  EXPECT_EQ(code, 200) << body;
  EXPECT_EQ(body["fingerprint"]["ja4"], kApiKind);
  EXPECT_EQ(body["count"], 1);
  EXPECT_EQ(dataplane.fingerprint_bans(), std::set<std::string>{kApiKind});
  EXPECT_TRUE(dataplane.bans().empty());
  const auto list = get("/v1/bans").second;
  EXPECT_EQ(list["fingerprints"][0]["reason"], "macro");
  EXPECT_EQ(list["bans"].size(), 0u);
  EXPECT_EQ(get("/v1/bans?origin=zone").second["fingerprints"].size(), 0u);
  EXPECT_EQ(lift(kApiKind).first, 200);
  EXPECT_TRUE(dataplane.fingerprint_bans().empty());
  EXPECT_EQ(lift(kApiKind).first, 404);
  EXPECT_EQ(ban(R"({"ja4": "*_8daaf6152771_*"})").first, 200);
  EXPECT_EQ(lift("*_8daaf6152771_*").first, 200);
}

TEST_F(FingerprintBanApiTest, says_whom_it_hits_and_a_dry_run_says_no_more) {
  hold(kApiKind, 7, "light", 2);
  hold(kApiKind, 8);
  hold(kApiKind, 9, "admin");
  hold(kApiOther, 7);
  const auto [code, body] = ban(R"({"ja4": ")" + kApiKind + R"(", "dry_run": true})");
  EXPECT_EQ(code, 200) << body;
  EXPECT_EQ(body["hits"]["connections"], 3) << "not management's";
  EXPECT_EQ(body["hits"]["sources"], 2);
  EXPECT_EQ(body["hits"]["of"], 4);
  EXPECT_EQ(body["count"], 0);
  EXPECT_TRUE(body["warnings"].empty()) << body;
  EXPECT_TRUE(book.fingerprints().list().empty());
  EXPECT_TRUE(dataplane.fingerprint_bans().empty());
  EXPECT_EQ(ban(R"({"ja4": ")" + kApiKind + R"("})").second["hits"]["connections"], 3);
}

TEST_F(FingerprintBanApiTest, warns_of_a_common_one) {
  for (uint8_t client = 1; client <= 9; ++client) hold(kApiKind, client);
  const auto body = ban(R"({"ja4": "*_8daaf6152771_*"})").second;
  ASSERT_EQ(body["warnings"].size(), 1u) << body;
  const std::string text = body["warnings"][0].value("message", "");
  EXPECT_TRUE(text.starts_with("a common fingerprint: 9 connections of 9 sources")) << text;
  EXPECT_EQ(body["count"], 1) << "it is a warning";
}

TEST_F(FingerprintBanApiTest, a_list_warns_of_each_common_one) {
  for (uint8_t client = 1; client <= 9; ++client) hold(kApiKind, client);
  for (int i = 0; i < 90; ++i) hold("", 1);  // that show none
  hold(kApiOther, 7);
  const auto [code, body] = import(kApiKind + "\n" + kApiOther + "\n*_8daaf6152771_*\n");
  EXPECT_EQ(code, 200) << body;
  ASSERT_EQ(body["warnings"].size(), 2u) << body;
  const auto said = [&body = body](size_t i) { return body["warnings"][i].value("message", ""); };
  EXPECT_TRUE(said(0).starts_with("*_8daaf6152771_* is common: 9 connections of 9 sources"));
  EXPECT_TRUE(said(1).starts_with(kApiKind + " is common: ")) << said(1);
  EXPECT_NE(said(1).find("of 10 that show any"), std::string::npos) << said(1);
  EXPECT_TRUE(import("198.18.77.7\n").second["warnings"].empty());
}

TEST_F(FingerprintBanApiTest, a_list_of_kinds_does_not_wait_for_bans_of_addresses) {
  dataplane.refuse_bans(true);
  BanRequest address;
  address.source = *parse_network("198.18.77.7");
  ASSERT_TRUE(book.ban({address}, {}).done());
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(import(kApiKind + "\n").first, 200);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

TEST_F(FingerprintBanApiTest, what_the_dataplane_refuses_is_said_with_its_words) {
  dataplane.refuse_fingerprints(true);
  const auto said = [](const std::pair<int, Json>& answer) {
    EXPECT_EQ(answer.first, 202) << answer.second;
    return answer.second["warnings"].empty() ? ""
                                             : answer.second["warnings"][0].value("message", "");
  };
  const std::string words =
      "the dataplane refuses the bans of fingerprints: A request that asks for nothing known.";
  EXPECT_EQ(said(ban(R"({"ja4": ")" + kApiKind + R"("})")), words);
  EXPECT_EQ(said(import(kApiKind + "\n")), words);
  EXPECT_EQ(said(lift(kApiKind)), words);
}

// Much traffic takes its time to be looked through, and that is when bans are made.
TEST_F(FingerprintBanApiTest, the_ban_is_made_before_anybody_is_counted) {
  size_t banned_at_first = 0, questions = 0;
  const Ask ask = [&](const v1::Request&, std::string&) {
    if (questions++ == 0) banned_at_first = book.fingerprints().list().size();
    return std::optional<v1::Reply>();
  };
  const httplib::Request request;
  httplib::Response response;
  const Json body = {{"ja4", "*_8daaf6152771_*"}};
  post_fingerprint_ban(book, ask, Call{request, {"alice", Role::operator_}, {}, body}, response);
  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(banned_at_first, 1u);
  EXPECT_EQ(questions, 1u);
}

TEST(FingerprintHits, are_looked_for_so_long_and_then_at_least_so_many) {
  uint64_t questions = 0;
  const Ask ask = [&](const v1::Request&, std::string&) {
    v1::Reply reply;
    reply.set_ok(true);
    reply.mutable_flows()->set_matched(1);
    reply.mutable_flows()->set_next(1 + questions++);  // more each time
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return std::optional(reply);
  };
  const auto hits =
      fingerprint_hits(ask, {"light", "heavy"}, kApiKind, std::chrono::milliseconds(50));
  ASSERT_TRUE(hits);
  EXPECT_TRUE(hits->more);
  EXPECT_LE(questions, 60u);
  EXPECT_EQ(hits->connections, questions);
}

TEST_F(FingerprintBanApiTest, a_list_goes_out_and_comes_in_as_it_was) {
  ban(R"({"ja4": ")" + kApiKind + R"(", "until": 4000000000, "reason": "macro"})");
  ban(R"({"ja4": "*_002f00350000_*"})");
  ban(R"({"source": "198.18.77.7"})");
  const auto exported = [&] {
    httplib::Client client(socket);
    client.set_address_family(AF_UNIX);
    return client.Get("/v1/bans/export")->body;
  };
  const std::string text = exported();
  EXPECT_EQ(text, R"({"source":"198.18.77.7/32"}
{"ja4":"*_002f00350000_*"}
{"ja4":")" + kApiKind +
                      R"(","until":4000000000,"reason":"macro"}
)");
  for (const std::string& one :
       {kApiKind, std::string("*_002f00350000_*"), std::string("198.18.77.7")}) {
    EXPECT_EQ(lift(one).first, 200);
  }
  EXPECT_EQ(exported(), "");
  const auto [code, body] = import(text);
  EXPECT_EQ(code, 200) << body;
  EXPECT_EQ(body["count"], 3);
  EXPECT_EQ(exported(), text);
  EXPECT_EQ(dataplane.fingerprint_bans().size(), 2u);
  EXPECT_EQ(dataplane.bans().size(), 1u);
  EXPECT_EQ(get("/v1/bans").second["fingerprints"][1]["origin"], "import");
  const auto wrong = import("198.18.77.8\n  t13d1516h2_8daaf6152771\n*_*_*\n203.0.113.50\n");
  EXPECT_EQ(wrong.first, 422);
  ASSERT_EQ(wrong.second["errors"].size(), 3u) << wrong.second;
  EXPECT_EQ(wrong.second["errors"][0]["line"], 2);
  EXPECT_EQ(wrong.second["errors"][0]["column"], 3);
  EXPECT_EQ(wrong.second["errors"][1]["line"], 3);
  EXPECT_EQ(wrong.second["errors"][2]["line"], 4) << "an administrator";
  EXPECT_EQ(exported(), text);
}

TEST_F(FingerprintBanApiTest, what_is_wrong_is_named_with_what_would_be_right) {
  for (const std::string pattern :
       {"t13d1516h2", "", "t13d1516h2_8daaf6152771", "T13d1516h2_8daaf6152771_e5627efa2ab1",
        "q13d1516h2_8daaf6152771_e5627efa2ab1", "t13d1516h2_8daaf615277*_*", "*_*_*_*"}) {
    const std::string said = wrong(R"({"ja4": ")" + pattern + R"("})");
    EXPECT_NE(said.find("no JA4 fingerprint; three parts between _"), std::string::npos) << said;
    EXPECT_NE(said.find("t13d1516h2_8daaf6152771_*"), std::string::npos) << said;
  }
  EXPECT_NE(wrong(R"({"ja4": "*_8daaf6152771_*", "source": "198.51.100.7"})").find("exclude"),
            std::string::npos);
  EXPECT_NE(wrong(R"({"reason": "whom?"})").find("whom?"), std::string::npos);
  EXPECT_NE(wrong(R"({"source": "198.51.100.7", "dry_run": true})").find("dry_run is for ja4"),
            std::string::npos);
  wrong(R"({"ja4": "*_8daaf6152771_*", "for": "0s"})");
  EXPECT_EQ(ban(R"({"ja4": "*_*_*"})").first, 422);
  EXPECT_EQ(lift("t13d1516h2").first, 400);
  EXPECT_TRUE(book.fingerprints().list().empty());
}

TEST_F(FingerprintBanApiTest, explain_names_the_ban_that_has_refused_its_client) {
  v1::Explanation seen;
  v1::RecentDrop& drop = *seen.add_drops();
  drop.set_reason("banned_fingerprint");
  drop.set_zone("light");
  drop.set_count(3);
  drop.set_ago_ms(5000);
  drop.set_proven(true);
  drop.set_ja4(kApiKind);
  dataplane.explain_as(seen);
  const auto verdict = [&] { return get("/v1/explain/198.18.1.99").second.value("verdict", ""); };
  EXPECT_EQ(verdict(), "let in: nothing holds it back now");
  ban(R"({"ja4": "*_8daaf6152771_*", "reason": "macro"})");
  const std::string words = verdict();
  EXPECT_NE(words.find("its fingerprint " + kApiKind + " is banned for ever by"), std::string::npos)
      << words;
  EXPECT_NE(words.find("macro. To lift it: damctl unban '*_8daaf6152771_*'"), std::string::npos);
  EXPECT_EQ(get("/v1/explain/198.18.1.99").second["drops"][0]["ja4"], kApiKind);
}

}  // namespace
}  // namespace dam::control
