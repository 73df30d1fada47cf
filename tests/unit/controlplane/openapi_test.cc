// SPDX-License-Identifier: BSD-3-Clause
// The OpenAPI document: sound in itself, and the same as the endpoints. That answers match it is
// looked at in every test of the API (api_document.h).
#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "tests/unit/controlplane/api_document.h"
#include "tests/unit/controlplane/sample_policy.h"
#include "tests/unit/controlplane/spare_parts.h"

namespace dam::control {
namespace {

struct OpenApiTest : testing::Test {
  TemporaryFolder folder;
  PolicyStore store{PolicyStore::kInMemory};
  RunningPolicy policy{folder.write("dam.yaml", kSamplePolicy), store,
                       [](auto) { return Delivery(); }};
  SpareParts spare{policy};
  Endpoints endpoints = all_endpoints(spare.parts());
  ApiDocument document{openapi_document(endpoints)};
};

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(c));
  return text;
}

std::set<std::string> names_in(const std::string& path) {
  std::set<std::string> names;
  const std::regex name(R"(\{([^}]*)\})");
  for (auto at = std::sregex_iterator(path.begin(), path.end(), name); at != std::sregex_iterator();
       ++at) {
    names.insert((*at)[1]);
  }
  return names;
}

TEST_F(OpenApiTest, has_every_endpoint_once_with_an_id_of_its_own) {
  std::set<std::string> ids;
  size_t operations = 0;
  for (const auto& [path, item] : document.json()["paths"].items()) {
    EXPECT_TRUE(path.starts_with('/'));
    for (const auto& [method, operation] : item.items()) {
      ++operations;
      EXPECT_TRUE(ids.insert(operation["operationId"]).second) << operation["operationId"];
      EXPECT_FALSE(operation["summary"].get<std::string>().empty());
    }
  }
  EXPECT_EQ(operations, endpoints.size());
  EXPECT_EQ(document.json()["openapi"], "3.1.0");
}

TEST_F(OpenApiTest, declares_the_parameters_of_its_paths_and_no_other) {
  for (const Endpoint& endpoint : endpoints) {
    std::set<std::string> declared;
    for (const Json& one : document.json()["paths"][endpoint.path][lower(endpoint.method)].value(
             "parameters", Json::array())) {
      if (one["in"] == "path") declared.insert(one["name"]);
      EXPECT_FALSE(one["description"].get<std::string>().empty()) << endpoint.path << one["name"];
    }
    EXPECT_EQ(declared, names_in(endpoint.path)) << endpoint.path;
  }
}

TEST_F(OpenApiTest, every_reference_leads_somewhere_and_every_success_has_a_schema) {
  for (const Endpoint& endpoint : endpoints) {
    const Json& operation = document.json()["paths"][endpoint.path][lower(endpoint.method)];
    bool success = false;
    for (const auto& [status, one] : operation["responses"].items()) {
      const Json response = document.resolved(one);
      ASSERT_TRUE(response.contains("description")) << endpoint.path << " " << status;
      for (const auto& [media_type, content] : response["content"].items()) {
        EXPECT_TRUE(document.resolved(content["schema"]).is_object());
      }
      success |= status.starts_with('2');
    }
    EXPECT_TRUE(success) << endpoint.path;
  }
}

// Whoever only looks changes nothing, and whoever changes something is no mere viewer.
TEST_F(OpenApiTest, viewers_read_and_only_more_than_viewers_change) {
  for (const Endpoint& endpoint : endpoints) {
    if (endpoint.method == "GET" || endpoint.path == "/v1/session") continue;  // their own alone
    EXPECT_FALSE(may(Role::viewer, endpoint.role)) << endpoint.method << " " << endpoint.path;
    EXPECT_TRUE(may(Role::admin, endpoint.role)) << endpoint.method << " " << endpoint.path;
  }
}

// What a server's program has in its hands when somebody has taken the server.
TEST_F(OpenApiTest, a_reporter_sends_signals_and_does_nothing_else) {
  std::set<std::string> open;
  for (const Endpoint& endpoint : endpoints) {
    const std::string one = endpoint.method + " " + endpoint.path;
    if (may(Role::reporter, endpoint.role) && !may(Role::anyone, endpoint.role)) open.insert(one);
  }
  EXPECT_EQ(open, std::set<std::string>{"POST /v1/signals"});
}

TEST(JsonSchema, names_every_place_that_does_not_match) {
  const Json schema =
      schema::object({{"name", schema::string("whom")},
                      {"list?", schema::array(schema::object({{"n", schema::integer(1, 9)}}))},
                      {"mode?", schema::one_of({"a", "b"})}});
  const auto problems = mismatches(
      schema, Json::parse(R"({"list": [{"n": 3}, {"n": 1e300}], "mode": "c", "more": 1})"));
  std::set<std::string> messages;
  for (const Problem& problem : problems) messages.insert(problem.message);
  EXPECT_EQ(messages, (std::set<std::string>{"name is missing", "more is not known",
                                             "list[1].n is not integer from 1 to 9",
                                             "mode is not one of a, b"}));
  EXPECT_TRUE(mismatches(schema, Json::parse(R"({"name": "x", "list": [{"n": 9}]})")).empty());
}

TEST(JsonSchema, json_that_is_none_or_too_deep_or_too_large_a_number_is_refused) {
  Json value;
  EXPECT_TRUE(read_json(R"({"a": [1, {"b": 2}]})", 3, value).empty());
  EXPECT_NE(read_json("{\"a\": 1,\n }", 3, value)[0].message.find("line 2"), std::string::npos);
  EXPECT_FALSE(read_json("{\"a\": 1e999}", 3, value).empty());
  EXPECT_EQ(read_json(std::string(100'000, '[') + std::string(100'000, ']'), 3, value)[0].message,
            "the body has more than 3 levels");
  EXPECT_FALSE(read_json("{\"a\": \"\xff\"}", 3, value).empty());
}

}  // namespace
}  // namespace dam::control
