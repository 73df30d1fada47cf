// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/policy/text_edit.h"

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include "controlplane/policy/reader.h"

namespace dam::control {
namespace {

constexpr const char* kText = R"(# The site.
version: 1
servers:
  # The first one.
  web-1:
    addresses: [198.51.100.10]
    port: 443  # TLS

  web-2: {addresses: [198.51.100.11], port: 443}

# What goes where.
routes:
  - name: www
    server_names: [www.example]
    servers:
      - web-1
  # For robots.
  - name: api
    server_names: ["api.example"]
    servers: [web-2]

# The end.
zones:
  light: {}
)";

std::string with(Section section, const std::string& name, const std::string& entry,
                 const std::string& text = kText) {
  Problems problems("");
  std::string result = with_entry(text, section, name, Json::parse(entry), problems);
  EXPECT_FALSE(problems.failed());
  return result;
}

std::string without(Section section, const std::string& name, const std::string& text = kText) {
  Problems problems("");
  std::string result = without_entry(text, section, name, problems);
  EXPECT_FALSE(problems.failed());
  return result;
}

// `text` with one piece replaced.
std::string but(const std::string& piece, const std::string& other) {
  std::string text = kText;
  const size_t at = text.find(piece);
  EXPECT_NE(at, std::string::npos) << piece;
  return text.replace(at, piece.size(), other);
}

TEST(TextEdit, a_new_route_comes_last_and_all_else_stays_as_it_was) {
  EXPECT_EQ(
      with(Section::routes, "blog", R"({"server_names": ["blog.example"], "servers": ["web-1"]})"),
      but("    servers: [web-2]\n",
          "    servers: [web-2]\n  - name: blog\n    server_names: [blog.example]\n"
          "    servers: [web-1]\n"));
}

TEST(TextEdit, a_route_of_that_name_is_replaced_where_it_stands) {
  EXPECT_EQ(
      with(Section::routes, "www", R"({"servers": ["web-2"], "server_names": ["www.example"]})"),
      but("  - name: www\n    server_names: [www.example]\n    servers:\n      - web-1\n",
          "  - name: www\n    servers: [web-2]\n    server_names: [www.example]\n"));
}

TEST(TextEdit, a_route_goes_and_comments_of_others_stay) {
  EXPECT_EQ(
      without(Section::routes, "www"),
      but("  - name: www\n    server_names: [www.example]\n    servers:\n      - web-1\n", ""));
  EXPECT_EQ(without(Section::routes, "api"),
            but("  - name: api\n    server_names: [\"api.example\"]\n    servers: [web-2]\n", ""));
}

TEST(TextEdit, servers_come_and_go) {
  EXPECT_EQ(with(Section::servers, "web-3", R"({"addresses": ["198.51.100.12"], "port": 8443})"),
            but("  web-2: {addresses: [198.51.100.11], port: 443}\n",
                "  web-2: {addresses: [198.51.100.11], port: 443}\n  web-3:\n"
                "    addresses: [198.51.100.12]\n    port: 8443\n"));
  EXPECT_EQ(without(Section::servers, "web-1"),
            but("  web-1:\n    addresses: [198.51.100.10]\n    port: 443  # TLS\n", ""));
  EXPECT_EQ(without(Section::servers, "web-2"),
            but("  web-2: {addresses: [198.51.100.11], port: 443}\n", ""));
}

TEST(TextEdit, what_is_no_block_is_written_anew_and_means_the_same) {
  const std::string json =
      R"({"version": 1, "routes": [{"name": "www", "servers": ["a"]}], "servers": {"a": {"port": 1}}})";
  const auto policy = YAML::Load(with(Section::routes, "blog", R"({"servers": ["a"]})", json));
  ASSERT_EQ(policy["routes"].size(), 2u);
  EXPECT_EQ(policy["routes"][1]["name"].Scalar(), "blog");
  EXPECT_EQ(policy["servers"]["a"]["port"].Scalar(), "1");
  const auto less = YAML::Load(without(Section::servers, "a", json));
  EXPECT_EQ(less["servers"].size(), 0u);
  EXPECT_EQ(less["routes"][0]["name"].Scalar(), "www");
}

TEST(TextEdit, the_first_of_a_section_that_is_not_there) {
  const auto policy = YAML::Load(with(Section::servers, "a", R"({"port": 1})", "version: 1\n"));
  EXPECT_EQ(policy["servers"]["a"]["port"].Scalar(), "1");
  const auto routes =
      YAML::Load(with(Section::routes, "a", R"({"zone": "light"})", "routes: []\n"));
  EXPECT_EQ(routes["routes"][0]["zone"].Scalar(), "light");
}

TEST(TextEdit, layouts_that_mislead_a_reader_of_lines_mean_the_same_afterwards) {
  for (const std::string& text :
       {std::string("routes:\n- {name: a, servers: [x,\n  y]}\n- name: b\n  servers: [z]\n"),
        std::string("routes:\n- name: a\n  note: |\n    text\n   \n    more\n- name: b\n"),
        std::string("routes:\n  -\n    name: a\n  -\n    name: b\n"),
        std::string("routes: &r\n  - name: a\n  - name: b\nother: *r\n"),
        std::string("routes: [{name: a}, {name: b}]\n")}) {
    for (const char* name : {"a", "b"}) {
      const auto left = YAML::Load(without(Section::routes, name, text))["routes"];
      ASSERT_EQ(left.size(), 1u) << text;
      EXPECT_EQ(left[0]["name"].Scalar(), name[0] == 'a' ? "b" : "a") << text;
    }
    const auto more =
        YAML::Load(with(Section::routes, "c", R"({"zone": "light"})", text))["routes"];
    ASSERT_EQ(more.size(), 3u) << text;
    EXPECT_EQ(more[2]["name"].Scalar(), "c") << text;
  }
}

TEST(TextEdit, who_is_not_there_cannot_go) {
  Problems problems("");
  EXPECT_EQ(without_entry(kText, Section::routes, "nobody", problems), kText);
  ASSERT_TRUE(problems.failed());
  EXPECT_EQ(problems.sorted()[0].message, "no route is named \"nobody\"");
}

TEST(TextEdit, a_value_is_a_value_however_it_looks) {
  for (const std::string& value :
       {std::string("&a [*a]"), std::string("*.example.org"), std::string("/api #v2"),
        std::string("light\nsources: [10.0.0.0/8]"), std::string("404"), std::string("true"),
        std::string("null"), std::string("a: b"), std::string("- x"), std::string("\"quoted\" \\ "),
        std::string(""), std::string("!tag x"), std::string("{a: 1}")}) {
    const Json entry = {{"zone", value}, {"servers", {value, "b"}}};
    Problems problems("");
    const std::string text = with_entry(kText, Section::routes, "x", entry, problems);
    EXPECT_TRUE(problems.sorted().empty()) << value;  // line by line: comments stay
    const auto route = YAML::Load(text)["routes"][2];
    EXPECT_EQ(route["zone"].Scalar(), value);
    EXPECT_EQ(route["zone"].Tag() == "!" || !is_typed_scalar(route["zone"]), true) << value;
    EXPECT_EQ(route["servers"][0].Scalar(), value);
    EXPECT_EQ(route.size(), 3u) << value;
  }
}

TEST(TextEdit, what_was_quoted_stays_text_where_all_is_written_anew) {
  const std::string json =
      R"({"version": 1, "routes": [{"name": "404", "servers": ["1", "true"]}]})";
  const auto route = YAML::Load(with(Section::routes, "b", R"({"zone": "c"})", json))["routes"][0];
  EXPECT_FALSE(is_typed_scalar(route["name"]));
  EXPECT_FALSE(is_typed_scalar(route["servers"][0]));
  EXPECT_FALSE(is_typed_scalar(route["servers"][1]));
}

TEST(TextEdit, of_two_that_share_an_alias_only_one_changes) {
  const std::string text = "servers:\n  a: &w\n    port: 1\n  b: *w\n";
  for (const char* name : {"a", "b"}) {
    const auto servers =
        YAML::Load(with(Section::servers, name, R"({"port": 2})", text))["servers"];
    ASSERT_EQ(servers.size(), 2u);
    EXPECT_EQ(servers[name]["port"].Scalar(), "2");
    EXPECT_EQ(servers[name[0] == 'a' ? "b" : "a"]["port"].Scalar(), "1");
  }
}

TEST(TextEdit, a_server_whose_name_looks_like_something_else) {
  const auto servers = YAML::Load(with(Section::servers, "null", R"({"port": 2})"))["servers"];
  ASSERT_EQ(servers.size(), 3u);
  EXPECT_EQ(servers["null"]["port"].Scalar(), "2");
}

TEST(TextEdit, lost_comments_are_said) {
  Problems problems("");
  with_entry("routes: []\n", Section::routes, "a", Json::parse(R"({"zone": "x"})"), problems);
  ASSERT_EQ(problems.sorted().size(), 1u);
  EXPECT_EQ(problems.sorted()[0].severity, Severity::warning);
}

}  // namespace
}  // namespace dam::control
