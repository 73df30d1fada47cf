// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/router.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

namespace dam {
namespace {

constexpr uint16_t kTls = 0, kHttp = 1, kSsh = 2, kMixed = 3, kUnused = 4;
constexpr int32_t kNoRoute = Router::kNoRoute, kNoName = Router::kNoServerName;

dam_address v4(const char* text) {
  uint32_t raw = 0;
  EXPECT_EQ(inet_pton(AF_INET, text, &raw), 1);
  return dam_address_v4(raw);
}

std::vector<RouteRule> site() {
  const SourcePrefix lan{v4("198.51.100.0"), 120};
  return {
      {.route = 10, .listener_group = kTls, .server_names = {"www.example.org", "example.org"}},
      {.route = 11, .listener_group = kTls, .server_names = {"*.example.org"}},
      {.route = 12, .listener_group = kTls, .server_names = {"*.api.example.org"}},
      {.route = 13, .listener_group = kTls, .server_names = {"*.api.example.org"}},
      {.route = 14,
       .listener_group = kTls,
       .server_names = {"admin.example.org"},
       .sources = {lan}},
      {.route = 15, .listener_group = kTls, .server_names = {"acme.example"}},
      {.route = 16, .listener_group = kTls, .server_names = {"only.example"}, .alpn = {"h2", "h3"}},
      {.route = 17, .listener_group = kTls, .absent_name = true, .sources = {lan}},
      {.route = 20, .listener_group = kHttp, .server_names = {"a.example"}},
      {.route = 21,
       .listener_group = kHttp,
       .server_names = {"a.example"},
       .path_prefix = "/.well-known/acme-challenge/"},
      {.route = 22,
       .listener_group = kHttp,
       .server_names = {"a.example"},
       .path_prefix = "/.well"},
      {.route = 23, .listener_group = kHttp, .server_names = {"b.example"}, .path_prefix = "/api/"},
      {.route = 24, .listener_group = kHttp, .server_names = {"c.example"}, .absent_name = true},
      {.route = 30, .listener_group = kSsh, .sources = {lan}},
      {.route = 31, .listener_group = kSsh, .sources = {{v4("203.0.113.7"), 128}}},
      {.route = 40, .listener_group = kMixed},
      {.route = 41, .listener_group = kMixed, .server_names = {"x.example"}},
  };
}

struct RouterRow {
  const char* sentence;
  uint16_t group;
  std::string name;
  std::string path;
  std::string alpn_wire;
  const char* source;
  int32_t expected;
};
constexpr const char* kStranger = "192.0.2.9";
constexpr const char* kLan = "198.51.100.20";

const RouterRow kRouterRows[] = {
    {"an exact name", kTls, "www.example.org", "", "", kStranger, 10},
    {"another name of the same rule", kTls, "example.org", "", "", kStranger, 10},
    {"exact goes before wildcard", kTls, "admin.example.org", "", "", kLan, 14},
    {"an exact rule that does not hold leaves the wildcard", kTls, "admin.example.org", "", "",
     kStranger, 11},
    {"a wildcard", kTls, "x.example.org", "", "", kStranger, 11},
    {"a wildcard at any depth", kTls, "a.b.c.example.org", "", "", kStranger, 11},
    {"the longest wildcard, and of two rules the first", kTls, "v1.api.example.org", "", "",
     kStranger, 12},
    {"a wildcard does not take its own parent", kTls, "api.example.org", "", "", kStranger, 11},
    {"nor a name that only ends alike", kTls, "xexample.org", "", "", kStranger, kNoRoute},
    {"an unknown name", kTls, "www.example.com", "", "", kStranger, kNoRoute},
    {"an unknown name never takes absent_name rules", kTls, "www.example.com", "", "", kLan,
     kNoRoute},
    {"nor does one in a group with a bare rule", kMixed, "y.example", "", "", kStranger, kNoRoute},
    {"a top-level domain", kTls, "org", "", "", kStranger, kNoRoute},
    {"a name that starts with a dot", kTls, ".example.org", "", "", kStranger, kNoRoute},
    {"the wildcard's own text", kTls, "*.example.org", "", "", kStranger, 11},
    {"names of another listener", kHttp, "www.example.org", "/", "", kStranger, kNoRoute},
    {"one of the protocols, second in both lists", kTls, "only.example", "", "\x08http/1.1\x02h3",
     kStranger, 16},
    {"none of the protocols", kTls, "only.example", "", "\x08http/1.1\x03h2c", kStranger, kNoRoute},
    {"no protocols at all", kTls, "only.example", "", "", kStranger, kNoRoute},
    {"no name, from a source that may", kTls, "", "", "", kLan, 17},
    {"no name, from one that may not", kTls, "", "", "", kStranger, kNoRoute},
    {"a path without a prefix rule", kHttp, "a.example", "/index.html", "", kStranger, 20},
    {"the longest path prefix", kHttp, "a.example", "/.well-known/acme-challenge/tok", "",
     kStranger, 21},
    {"a shorter prefix", kHttp, "a.example", "/.well-known/other", "", kStranger, 22},
    {"no prefix fits", kHttp, "b.example", "/other", "", kStranger, kNoRoute},
    {"a prefix's own text without its slash", kHttp, "b.example", "/api", "", kStranger, kNoRoute},
    {"case counts in a path", kHttp, "b.example", "/API/", "", kStranger, kNoRoute},
    {"a rule with names and absent_name, named", kHttp, "c.example", "/", "", kStranger, 24},
    {"a rule with names and absent_name, nameless", kHttp, "", "/", "", kStranger, 24},
    {"a port route", kSsh, "", "", "", kLan, 30},
    {"the next port route", kSsh, "", "", "", "203.0.113.7", 31},
    {"a port route for other sources", kSsh, "", "", "", kStranger, kNoRoute},
    {"a name on a port route's listener", kSsh, "www.example.org", "", "", kLan, kNoRoute},
    {"a bare rule beside named ones never holds", kMixed, "", "", "", kStranger, kNoName},
    {"no name where nothing takes that", kUnused, "", "", "", kStranger, kNoName},
    {"a group beyond all rules", kUnused, "www.example.org", "", "", kStranger, kNoRoute},
};

int32_t ask(const Router& router, const RouterRow& row) {
  return router.route({.listener_group = row.group,
                       .server_name = row.name,
                       .alpn_wire = row.alpn_wire,
                       .path = row.path,
                       .source = v4(row.source)});
}

TEST(Router, TakesTheRouteThatThePolicySays) {
  const Router router(site());
  for (const RouterRow& row : kRouterRows)
    EXPECT_EQ(ask(router, row), row.expected) << row.sentence;
}

TEST(Router, TakesFingerprintsByAnyOfTheirPatterns) {
  const auto pattern = [](const char* text) { return *Ja4Pattern::parse(text); };
  const Router router(
      {{.route = 1,
        .server_names = {"a.example"},
        .ja4 = {pattern("t13d1516h2_8daaf6152771_e5627efa2ab1"), pattern("*_*_845d286b0d67")}},
       {.route = 2, .server_names = {"a.example"}}});
  const auto route = [&](const Ja4& ja4) {
    return router.route({.server_name = "a.example", .ja4 = ja4});
  };
  EXPECT_EQ(route(pattern("t13d1516h2_8daaf6152771_e5627efa2ab1").wanted), 1);
  EXPECT_EQ(route(pattern("t13d2613h2_2802a3db6c62_845d286b0d67").wanted), 1);
  EXPECT_EQ(route(pattern("t13d1516h1_8daaf6152771_e5627efa2ab1").wanted), 2);
  EXPECT_EQ(route({}), 2) << "who has shown none";
}

TEST(Router, StillWorksAfterItIsMovedAndCopied) {
  Router first(site());
  const Router copy = first;
  first = Router();
  const Router moved = Router(Router(copy));
  for (const RouterRow& row : kRouterRows) EXPECT_EQ(ask(moved, row), row.expected) << row.sentence;
}

TEST(Router, RefusesEverythingWithoutRules) {
  for (const Router& router : {Router(), Router(std::vector<RouteRule>{})}) {
    EXPECT_EQ(router.route({.server_name = "a.example"}), kNoRoute);
    EXPECT_EQ(router.route({}), kNoName);
  }
}

TEST(Router, RefusesNamesLongerThanAnyHostName) {
  const Router router(site());
  const std::string name = std::string(400, 'a') + ".example.org";
  EXPECT_EQ(router.route({.listener_group = kTls, .server_name = name}), kNoRoute);
}

TEST(Router, FindsWildcardsHoweverManyLabelsANameHas) {
  const std::string deep_suffix = [] {
    std::string s = "example.org";
    for (int i = 0; i < 80; ++i) s.insert(0, "a.");
    return s;
  }();
  const Router router({{.route = 1, .server_names = {"*." + deep_suffix}},
                       {.route = 2, .server_names = {"*.example.org"}}});
  EXPECT_EQ(router.route({.server_name = "x." + deep_suffix}), 1);
  EXPECT_EQ(router.route({.server_name = "b.b." + deep_suffix}), 1);
  EXPECT_EQ(router.route({.server_name = deep_suffix}), 2);
}

// What the header says, one rule after the other.
int32_t naive_route(const std::vector<RouteRule>& rules, const RouteQuery& query) {
  const auto rank = [&](const RouteRule& rule) {
    int best = -1;  // longer is better; exact is best
    for (const std::string& name : rule.server_names) {
      const bool wildcard = name[0] == '*';
      if (!wildcard && name == query.server_name) best = 1000;
      if (wildcard && query.server_name.ends_with(name.substr(1))) {
        best = std::max(best, static_cast<int>(name.size()));
      }
    }
    return best;
  };
  int32_t route = kNoRoute;
  int best = -1;
  size_t best_prefix = 0;
  for (const RouteRule& rule : rules) {
    const int now = rank(rule);
    if (now < 0 || !query.path.starts_with(rule.path_prefix)) continue;
    if (now > best || (now == best && rule.path_prefix.size() > best_prefix)) {
      best = now;
      best_prefix = rule.path_prefix.size();
      route = rule.route;
    }
  }
  return route;
}

TEST(Router, AgreesWithTheDefinitionOnRandomPolicies) {
  std::mt19937_64 random(99);
  const auto pick = [&](uint32_t bound) { return static_cast<uint32_t>(random() % bound); };
  const auto name = [&](uint32_t labels) {
    std::string result;
    for (uint32_t i = 0; i < labels; ++i) {
      result += (i != 0 ? "." : "") + std::string(1, static_cast<char>('a' + pick(3)));
    }
    return result;
  };
  const std::string paths[] = {"", "/", "/a", "/a/b", "/b"};
  for (int round = 0; round < 300; ++round) {
    std::vector<RouteRule> rules;
    for (uint32_t i = 0; i < 1 + pick(60); ++i) {
      RouteRule rule{.route = static_cast<uint16_t>(i), .path_prefix = paths[pick(5)]};
      for (uint32_t n = 0; n < 1 + pick(3); ++n) {
        rule.server_names.push_back((pick(2) != 0 ? "*." : "") + name(1 + pick(3)));
      }
      rules.push_back(rule);
    }
    const Router router(rules);
    for (int i = 0; i < 100; ++i) {
      const std::string given = name(1 + pick(4));
      const std::string path = "/" + std::string(pick(2) != 0 ? "a/b" : "b");
      const RouteQuery query{.server_name = given, .path = path};
      ASSERT_EQ(router.route(query), naive_route(rules, query)) << given << path;
    }
  }
}

}  // namespace
}  // namespace dam
