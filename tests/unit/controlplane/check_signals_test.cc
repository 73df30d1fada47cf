// SPDX-License-Identifier: BSD-3-Clause
// `signals`: its shape and its meaning, with line and column.
#include "tests/unit/controlplane/sample_policy.h"

namespace dam::control {
namespace {

constexpr char kOneSignalRule[] = "rules: [{name: honey, path: /.env, ban: 1h}]";

std::vector<std::string> problems_with_signals(const std::string& signals) {
  return problems_of(std::string(kSamplePolicy) + "signals: {" + signals + "}\n");
}

TEST(CheckSignals, everything_that_may_be_said_is_taken) {
  const std::string one = kOneSignalRule;
  for (const std::string& signals :
       {one, "listen: 198.18.1.1:5514, from: [web, 198.18.1.77], " + one,
        "listen: \"[2001:db8:2::1]:5514\", from: web, " + one,
        "most: {signals_per_second: 10, bans_per_minute: 1, bans: 10k}, " + one,
        std::string("rules: [{name: a, status: [401, 403-404], path: [/a, /b], class: c, rate: "
                    "\"10r/m burst=3\", ban: 1d, mode: shadow}, {name: b, class: x, ban: 1s}, "
                    "{name: c, class: y, charge: {connections: 3, requests: 20}}, "
                    "{name: d, class: z, throttle: {to: 20%, for: 10m}}]")}) {
    EXPECT_EQ(problems_with_signals(signals), std::vector<std::string>{}) << signals;
  }
}

TEST(CheckSignals, what_is_wrong_is_named_with_what_would_be_right) {
  const std::string one = kOneSignalRule;
  const std::vector<std::pair<std::string, std::string>> rows{
      {"listen: 198.18.1.1, " + one, "expected an address and a port such as 198.51.100.2:5514"},
      {"listen: \"127.0.0.1:5514\", " + one, "expected an address and a port"},
      {"listen: 198.18.1.1:5514, " + one, "nobody may send signals there"},
      {"listen: 198.51.100.2:5514, from: web, " + one, "clients reach 198.51.100.2"},
      {"from: webb, " + one, "\"webb\" is neither a server nor an address; did you mean \"web\"?"},
      {"from: 127.0.0.1, " + one, "neither a server nor an address"},
      {"rules: []", "rules"},
      {"rules: [{name: a, ban: 1h}]", "the rule \"a\" fits every request"},
      {"rules: [{name: a, path: x, ban: 1h}]", "a path begins with"},
      {"rules: [{name: a, path: /x, rate: none, ban: 1h}]", "a rule without a limit bans nobody"},
      {"rules: [{name: a, status: 404, ban: 1h}]", "warning: the rule \"a\" bans whoever"},
      {"rules: [{name: a, path: /x}]", "has not one of ban, throttle and"},
      {"rules: [{name: a, path: /x, ban: 1h, charge: {connections: 1}}]", "has not one of ban,"},
      {"rules: [{name: a, path: /x, throttle: {to: 20%, for: 1m}, charge: {requests: 1}}]",
       "has not one of ban,"},
      {"rules: [{name: a, path: /x, throttle: {to: 20%}}]", "for"},
      {"rules: [{name: a, path: /x, throttle: {to: 100%, for: 1m}}]", "out of range"},
      {"rules: [{name: a, path: /x, charge: {requests: 1}}]", "slows what no zone limits"},
      {"rules: [{name: a, path: /x, ban: 1h}, {name: a, path: /y, ban: 1h}]", "there twice"},
      {"most: {bans_per_minute: 0}, " + one, "out of range"},
      {"source_prefix: {ipv4: 24}, " + one,
       "signals and the zone \"light\" count sources differently"},
  };
  for (const auto& [signals, expected] : rows) {
    const auto problems = problems_with_signals(signals);
    ASSERT_EQ(problems.size(), 1u) << signals;
    EXPECT_NE(problems[0].find(expected), std::string::npos) << problems[0];
    EXPECT_TRUE(problems[0].starts_with("dam.yaml:20:")) << problems[0];
  }
}

TEST(CheckSignals, a_charge_where_the_zone_bans_is_warned_of) {
  const auto problems_with = [](const std::string& exceeded, const std::string& charge) {
    return problems_of(sample_with("burst=100\"}}", "burst=100\"}, exceeded: " + exceeded + "}") +
                       "signals: {rules: [{name: a, path: /x, charge: {" + charge + "}}]}\n");
  };
  const std::string ban = "{ban: {after: 20, within: 10s, for: 10m}}";
  const auto problems = problems_with(ban, "connections: 1");
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_TRUE(problems[0].starts_with("dam.yaml:20:")) << problems[0];
  EXPECT_NE(problems[0].find("warning: the zone \"light\" bans whom the rule \"a\" slows"),
            std::string::npos)
      << problems[0];
  EXPECT_NE(problems[0].find("exceeded: drop"), std::string::npos) << problems[0];
  EXPECT_TRUE(problems_with("drop", "connections: 1").empty());
  EXPECT_EQ(problems_with(ban, "requests: 1").size(), 1u) << "no zone limits those";
  EXPECT_NE(problems_with(ban, "requests: 1").at(0).find("what no zone limits"), std::string::npos);
}

}  // namespace
}  // namespace dam::control
