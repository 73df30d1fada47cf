// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/policy/text_edit.h"

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

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
  std::string result = with_entry(text, section, name, entry, problems);
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
  EXPECT_EQ(with(Section::routes, "www", "servers: [web-2]\nserver_names: [www.example]"),
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
  EXPECT_EQ(with(Section::servers, "web-3", "addresses: [198.51.100.12]\nport: 8443"),
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
  const auto policy = YAML::Load(with(Section::routes, "blog", "servers: [a]", json));
  ASSERT_EQ(policy["routes"].size(), 2u);
  EXPECT_EQ(policy["routes"][1]["name"].Scalar(), "blog");
  EXPECT_EQ(policy["servers"]["a"]["port"].Scalar(), "1");
  const auto less = YAML::Load(without(Section::servers, "a", json));
  EXPECT_EQ(less["servers"].size(), 0u);
  EXPECT_EQ(less["routes"][0]["name"].Scalar(), "www");
}

TEST(TextEdit, the_first_of_a_section_that_is_not_there) {
  const auto policy = YAML::Load(with(Section::servers, "a", "port: 1", "version: 1\n"));
  EXPECT_EQ(policy["servers"]["a"]["port"].Scalar(), "1");
  const auto routes = YAML::Load(with(Section::routes, "a", "zone: light", "routes: []\n"));
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
    const auto more = YAML::Load(with(Section::routes, "c", "zone: light", text))["routes"];
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

TEST(TextEdit, an_entry_that_is_no_yaml_changes_nothing) {
  Problems problems("");
  EXPECT_EQ(with_entry(kText, Section::routes, "x", "servers: [a", problems), kText);
  EXPECT_TRUE(problems.failed());
}

}  // namespace
}  // namespace dam::control
