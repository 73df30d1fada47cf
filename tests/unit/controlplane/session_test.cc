// SPDX-License-Identifier: BSD-3-Clause
// A browser's session: how it begins and ends, and what it does not open. The last tests ask the
// function that every request over the network goes through.
#include <gtest/gtest.h>
#include <httplib.h>

#include <ctime>
#include <fstream>
#include <regex>

#include "controlplane/api/door.h"
#include "controlplane/api/endpoints.h"
#include "controlplane/trust/secret.h"
#include "tests/unit/controlplane/sample_policy.h"

namespace dam::control {
namespace {

constexpr int64_t kNow = 1'000'000;

TEST(Sessions, stand_in_for_their_token_until_they_end) {
  Sessions sessions;
  const std::string id = sessions.begin("digest", kNow);
  EXPECT_EQ(id.size(), 64U);
  EXPECT_EQ(sessions.token_digest(id, kNow + Sessions::kLasts_s - 1), "digest");
  EXPECT_EQ(sessions.token_digest(id, kNow + Sessions::kLasts_s), "");
  EXPECT_EQ(sessions.token_digest(id.substr(1), kNow), "");
  EXPECT_EQ(sessions.token_digest("", kNow), "");
  EXPECT_EQ(sessions.token_digest(sha256_hex(id), kNow), "") << "what is kept opens nothing";
  EXPECT_TRUE(sessions.end(id));
  EXPECT_FALSE(sessions.end(id));
  EXPECT_EQ(sessions.token_digest(id, kNow), "");
}

TEST(Sessions, many_of_one_token_end_none_of_another) {
  Sessions sessions;
  const std::string mine = sessions.begin("mine", kNow);
  const std::string first = sessions.begin("greedy", kNow);
  for (int i = 0; i < 1000; ++i) sessions.begin("greedy", kNow + 1);
  EXPECT_EQ(sessions.size(), 1 + Sessions::kMostOfOneToken);
  EXPECT_EQ(sessions.token_digest(mine, kNow + 1), "mine");
  EXPECT_EQ(sessions.token_digest(first, kNow + 1), "") << "the oldest made room";
}

TEST(Sessions, there_are_never_more_than_the_bound) {
  Sessions sessions;
  std::string last;
  for (int i = 0; i < 1000; ++i) last = sessions.begin(std::to_string(i), kNow);
  EXPECT_EQ(sessions.size(), Sessions::kMost);
  EXPECT_EQ(sessions.token_digest(last, kNow), "999");
  sessions.begin("later", kNow + Sessions::kLasts_s);
  EXPECT_EQ(sessions.size(), 1U) << "what has ended is forgotten";
}

struct SessionDoorTest : testing::Test {
  Trust trust{StateFile::kInMemory};
  Identify identify = network_caller(trust);
  std::string token = AccessStore::new_token_text();
  Endpoints endpoints = session_endpoints(trust);

  void SetUp() override { trust.access.add_token({"alice", "", Role::operator_, "test"}, token); }

  std::string begin() { return trust.sessions.begin(sha256_hex(token), std::time(nullptr)); }
  Caller caller(const std::string& method, const httplib::Headers& headers) {
    httplib::Request request;
    request.method = method;
    request.path = "/v1/bans";
    request.headers = headers;
    request.headers.emplace("Host", "dam:9443");
    return identify(request);
  }
  static std::pair<std::string, std::string> with_cookie(const std::string& id) {
    return {"Cookie", "a=b; " + std::string(kSessionCookie) + "=" + id + "; c=d"};
  }
  httplib::Response answer_of(size_t which, const httplib::Headers& headers) {
    httplib::Request request;
    request.headers = headers;
    httplib::Response response;
    endpoints[which].handle({request, {"alice", Role::operator_}, Json(), Json()}, response);
    return response;
  }
};

TEST_F(SessionDoorTest, a_session_is_who_its_token_is) {
  const Caller known = caller("GET", {with_cookie(begin())});
  EXPECT_EQ(known.name, "alice");
  EXPECT_EQ(known.role, Role::operator_);
}

TEST_F(SessionDoorTest, a_change_needs_the_header_and_the_origin_of_the_page) {
  const auto cookie = with_cookie(begin());
  const std::pair<std::string, std::string> header{"X-Dam-Request", "1"};
  const std::pair<std::string, std::string> origin{"Origin", "https://dam:9443"};
  EXPECT_EQ(caller("POST", {cookie, header, origin}).role, Role::operator_);
  const Caller without = caller("POST", {cookie, origin});
  EXPECT_EQ(without.role, Role::anyone);
  EXPECT_EQ(without.name, "alice") << "a 403, not a 401";
  EXPECT_NE(without.refusal.find("X-Dam-Request"), std::string::npos);
  EXPECT_EQ(caller("PATCH", {cookie, origin, {"X-Dam-Request", "0"}}).role, Role::anyone);
  for (const char* other : {"https://evil.example", "null", "http://dam:9443", "https://dam"}) {
    const Caller refused = caller("DELETE", {cookie, header, {"Origin", other}});
    EXPECT_EQ(refused.role, Role::anyone) << other;
    EXPECT_NE(refused.refusal.find("another site"), std::string::npos);
  }
  EXPECT_EQ(caller("PUT", {cookie, header}).role, Role::anyone) << "no Origin at all";
}

TEST_F(SessionDoorTest, a_removed_token_takes_its_sessions_along) {
  const auto cookie = with_cookie(begin());
  const Caller before = caller("GET", {cookie});
  EXPECT_EQ(before.refused_by_now(Role::viewer), "");
  trust.access.remove_token("alice");
  EXPECT_NE(before.refused_by_now(Role::viewer).find("removed"), std::string::npos);
  const Caller after = caller("GET", {cookie});
  EXPECT_EQ(after.role, Role::anyone);
  EXPECT_EQ(after.name, "");
  EXPECT_NE(after.refusal.find("removed"), std::string::npos) << after.refusal;
}

TEST_F(SessionDoorTest, what_has_ended_or_was_never_begun_opens_nothing) {
  const std::string old =
      trust.sessions.begin(sha256_hex(token), std::time(nullptr) - Sessions::kLasts_s);
  for (const std::string& id : {old, std::string(64, '0'), std::string("x"), token}) {
    const Caller refused = caller("GET", {with_cookie(id)});
    EXPECT_EQ(refused.role, Role::anyone) << id;
    EXPECT_NE(refused.refusal.find("log in again"), std::string::npos);
  }
  EXPECT_EQ(caller("GET", {{"Cookie", std::string("x") + kSessionCookie + "=" + begin()}}).role,
            Role::anyone)
      << "a cookie of another name";
}

TEST_F(SessionDoorTest, logging_in_answers_a_cookie_and_logging_out_ends_it) {
  const httplib::Response in = answer_of(0, {{"Authorization", "Bearer " + token}});
  ASSERT_EQ(in.status, 201) << in.body;
  const std::string cookie = in.get_header_value("Set-Cookie");
  std::smatch found;
  ASSERT_TRUE(std::regex_match(cookie, found,
                               std::regex("__Host-dam_session=([0-9a-f]{64}); Path=/; "
                                          "Max-Age=43200; HttpOnly; Secure; SameSite=Strict")))
      << cookie;
  EXPECT_EQ(in.body.find(found[1]), std::string::npos) << "no script may read it";
  EXPECT_EQ(caller("GET", {with_cookie(found[1])}).name, "alice");
  const httplib::Response out = answer_of(1, {with_cookie(found[1])});
  EXPECT_NE(out.body.find("true"), std::string::npos);
  EXPECT_NE(out.get_header_value("Set-Cookie").find("Max-Age=0"), std::string::npos);
  EXPECT_EQ(caller("GET", {with_cookie(found[1])}).role, Role::anyone);
}

TEST_F(SessionDoorTest, a_session_begins_with_a_token_alone) {
  EXPECT_EQ(answer_of(0, {with_cookie(begin())}).status, 409) << "no session lasts for ever";
}

httplib::Response page_of(const Endpoint& endpoint) {
  const httplib::Request request;
  httplib::Response response;
  endpoint.handle({request, {}, Json(), Json()}, response);
  return response;
}

TEST(Web, serves_its_fixed_list_of_files_and_says_how_to_get_them) {
  TemporaryFolder folder;
  folder.write("secret.txt", "not for you");
  const Endpoints without = web_endpoints(folder.path());
  ASSERT_EQ(without.size(), 1U);
  EXPECT_NE(page_of(without[0]).body.find("--target web"), std::string::npos);
  for (const char* name : {"index.html", "app.js", "app.css"}) folder.write(name, name);
  const Endpoints all = web_endpoints(folder.path());
  ASSERT_EQ(all.size(), 3U);
  for (const Endpoint& one : all) {
    EXPECT_EQ(one.role, Role::anyone);
    const httplib::Response response = page_of(one);
    const std::string policy = response.get_header_value("Content-Security-Policy");
    EXPECT_NE(policy.find("default-src 'none'; script-src 'self'"), std::string::npos);
    EXPECT_EQ(policy.find("unsafe"), std::string::npos);
    EXPECT_EQ(response.get_header_value("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(response.get_header_value("Cache-Control"), "no-store");
  }
  EXPECT_EQ(page_of(all[1]).body, "app.js");
}

}  // namespace
}  // namespace dam::control
