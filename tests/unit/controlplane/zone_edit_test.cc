// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/policy/zone_edit.h"

#include <gtest/gtest.h>

namespace dam::control {
namespace {

std::vector<std::string> change(Zone& zone, const std::string& key, const std::string& value) {
  Problems problems("");
  change_zone(zone, {"heavy", key, value}, problems);
  std::vector<std::string> messages;
  for (const Problem& p : problems.sorted()) {
    messages.push_back(p.message + (p.hint.empty() ? "" : " | " + p.hint));
  }
  return messages;
}

const std::vector<std::string> kNothing;

TEST(ZoneEdit, every_kind_of_key_can_be_changed) {
  Zone zone;
  EXPECT_EQ(change(zone, "per_source.packets", "50r/s burst=100"), kNothing);
  EXPECT_EQ(change(zone, "total.bytes_down", "10MB/s"), kNothing);
  EXPECT_EQ(change(zone, "per_source.concurrent", "20"), kNothing);
  EXPECT_EQ(change(zone, "mode", "shadow"), kNothing);
  EXPECT_EQ(change(zone, "exceeded", "{ban: {after: 20, within: 10s, for: 10m}}"), kNothing);
  EXPECT_EQ(change(zone, "source_prefix.ipv6", "56"), kNothing);
  EXPECT_EQ(zone.per_source.packets, (Rate{50, 100}));
  EXPECT_EQ(zone.total.bytes_down, (Rate{10e6, 10'000'000}));
  EXPECT_EQ(zone.per_source.concurrent, 20u);
  EXPECT_EQ(zone.mode, Mode::shadow);
  EXPECT_EQ(zone.exceeded.action, Action::ban);
  EXPECT_EQ(zone.exceeded.ban.for_ns, 600'000'000'000u);
  EXPECT_EQ(zone.source_prefix.ipv6_bits, 56u);
}

TEST(ZoneEdit, none_takes_a_limit_off) {
  Zone zone;
  zone.per_source.packets = {50, 100};
  zone.per_source.concurrent = 7;
  EXPECT_EQ(change(zone, "per_source.packets", "none"), kNothing);
  EXPECT_EQ(change(zone, "per_source.concurrent", "none"), kNothing);
  EXPECT_FALSE(zone.per_source.packets.limited());
  EXPECT_EQ(zone.per_source.concurrent, 0u);
}

TEST(ZoneEdit, wrong_keys_and_values_are_named_and_change_nothing) {
  Zone zone;
  EXPECT_EQ(change(zone, "per_source.packet", "1r/s"),
            std::vector<std::string>{"per_source.packet: a zone has no such key | did you mean "
                                     "\"per_source.packets\"?"});
  EXPECT_EQ(
      change(zone, "per_source.packets", "0r/s"),
      std::vector<std::string>{"per_source.packets: a rate of 0 lets nothing pass | leave the "
                               "key out, or write none, for no limit"});
  EXPECT_EQ(change(zone, "mode", "of"),
            std::vector<std::string>{"mode: expected enforce or shadow, found \"of\""});
  EXPECT_EQ(change(zone, "exceeded", "{ban"),
            std::vector<std::string>{"exceeded: not YAML: end of map flow not found"});
  EXPECT_FALSE(zone.per_source.packets.limited());
}

TEST(ZoneEdit, the_lines_for_dam_yaml_are_yaml_and_nest) {
  EXPECT_EQ(yaml_of_changes({{"heavy", "mode", "shadow"},
                             {"heavy", "per_source.packets", "50r/s burst=100"},
                             {"heavy", "per_source.concurrent", "20"},
                             {"light", "total.packets", "none"}}),
            "zones:\n"
            "  heavy:\n"
            "    mode: shadow\n"
            "    per_source:\n"
            "      packets: \"50r/s burst=100\"\n"
            "      concurrent: 20\n"
            "  light:\n"
            "    total:\n"
            "      packets: none\n");
}

}  // namespace
}  // namespace dam::control
