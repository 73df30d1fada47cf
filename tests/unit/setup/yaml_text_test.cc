// SPDX-License-Identifier: BSD-3-Clause
// Values changed where they stand, in whatever way people have written them.
#include "tools/damctl/setup/yaml_text.h"

#include <gtest/gtest.h>

namespace dam::ctl {
namespace {

std::string as_it_is(const std::string& value) { return value; }

constexpr char kBlock[] = R"(# a comment
driver: auto  # and why
interfaces:
  front:
    device: "enp1s0"   # the left one

  # the second card
  back:
    device: enp2s0
    vlan: 10
admin:
  - 198.51.100.1  # Ann
  - file: more.txt
  - 198.51.100.2
routes:
  - name: pages
    server_names: [a.example, b.example]  # two
  - {name: api, server_names: c.example}
)";

// `text` with one piece of it replaced.
std::string with(std::string text, const std::string& old_piece, const std::string& piece) {
  const size_t at = text.find(old_piece);
  EXPECT_NE(at, std::string::npos) << old_piece;
  return text.replace(at, old_piece.size(), piece);
}

TEST(YamlText, SetsScalarsInTheirPlace) {
  YamlText text(kBlock);
  EXPECT_TRUE(text.set({"driver"}, "xdp"));
  EXPECT_TRUE(text.set({"interfaces", "front", "device"}, "eno1"));
  EXPECT_EQ(text.text(), with(with(kBlock, "driver: auto", "driver: xdp"), "\"enp1s0\"", "eno1"));
}

TEST(YamlText, AddsKeysBehindTheOthers) {
  YamlText text(kBlock);
  EXPECT_TRUE(text.set({"interfaces", "front", "vlan"}, "7"));
  EXPECT_EQ(text.text(), with(kBlock, "# the left one\n", "# the left one\n    vlan: 7\n"));
  YamlText whole(kBlock);
  EXPECT_TRUE(
      whole.set_list({"interfaces", "third", "addresses"}, {"198.18.0.1/24", "2001:db8::1/64"}));
  EXPECT_EQ(whole.text(),
            with(kBlock, "    vlan: 10\n",
                 "    vlan: 10\n  third:\n    addresses: [198.18.0.1/24, \"2001:db8::1/64\"]\n"));
}

TEST(YamlText, RemovesAKeyWithItsCommentAndNothingElse) {
  YamlText text(kBlock);
  EXPECT_TRUE(text.remove({"interfaces", "back"}));
  EXPECT_EQ(text.text(),
            with(kBlock, "  # the second card\n  back:\n    device: enp2s0\n    vlan: 10\n", ""));
}

TEST(YamlText, KeepsTheCommentsOfEntriesThatStay) {
  YamlText text(kBlock);
  EXPECT_TRUE(text.change_list({"admin"}, {"203.0.113.9"}, {"198.51.100.2"}, as_it_is));
  EXPECT_EQ(text.text(), with(kBlock, "  - 198.51.100.2\n", "  - 203.0.113.9\n"));
}

TEST(YamlText, ChangesListsInBrackets) {
  YamlText text(kBlock);
  EXPECT_TRUE(text.change_list({"routes", "pages", "server_names"}, {"*.d.example"}, {"a.example"},
                               as_it_is));
  EXPECT_EQ(text.text(), with(kBlock, "[a.example, b.example]", "[b.example, \"*.d.example\"]"));
}

TEST(YamlText, MakesAListOfAValueThatStandsForOne) {
  YamlText text(kBlock);
  EXPECT_TRUE(text.change_list({"routes", "api", "server_names"}, {"d.example"}, {}, as_it_is));
  EXPECT_EQ(text.text(),
            with(kBlock, "server_names: c.example}", "server_names: [c.example, d.example]}"));
}

// As programs write it: JSON is YAML.
TEST(YamlText, UnderstandsBracesOverSeveralLines) {
  const std::string json =
      "{\n \"driver\": \"auto\",\n \"interfaces\": {\n  \"front\": {\n   \"device\": \"a, b\"\n  "
      "}\n }\n}\n";
  YamlText text(json);
  EXPECT_TRUE(text.set({"driver"}, "xdp"));
  EXPECT_TRUE(text.set({"interfaces", "front", "vlan"}, "7"));
  EXPECT_EQ(text.text(), with(with(json, "\"auto\"", "xdp"), "\"a, b\"", "\"a, b\", vlan: 7"));
  EXPECT_TRUE(text.remove({"interfaces", "front", "device"}));
  EXPECT_TRUE(text.remove({"driver"}));
  EXPECT_EQ(text.text(), "{\n \"interfaces\": {\n  \"front\": {\n   vlan: 7\n  }\n }\n}\n");
}

TEST(YamlText, CommentsInBracesAreLeftAlone) {
  const std::string commented = "a: {b: 1,  # one\n    c: 2  # two\n   }\n";
  YamlText text(commented);
  EXPECT_TRUE(text.set({"a", "b"}, "3"));
  EXPECT_EQ(text.text(), "a: {b: 3,  # one\n    c: 2  # two\n   }\n");
  YamlText other("{a: 1 # one\n , b: 2}\n");
  EXPECT_FALSE(other.remove({"a"}));
  EXPECT_EQ(other.text(), "{a: 1 # one\n , b: 2}\n");
}

// What would change more than was asked for is left alone.
TEST(YamlText, LeavesAliasesAndTextsOverSeveralLinesAlone) {
  const std::string aliases = "a: &it 1\nb: *it\nc:\n  d: 1\n";
  YamlText text(aliases);
  EXPECT_FALSE(text.set({"a"}, "2"));
  EXPECT_FALSE(text.remove({"c", "d"}));
  EXPECT_EQ(text.text(), aliases);
  YamlText folded("a: one\n  and more\nb: 1\n");
  EXPECT_FALSE(folded.set({"a"}, "two"));
}

TEST(YamlText, MakesNoEntriesOfLists) {
  YamlText text(kBlock);
  EXPECT_FALSE(text.set({"routes", "mail", "zone"}, "light"));
  EXPECT_EQ(text.text(), kBlock);
}

}  // namespace
}  // namespace dam::ctl
