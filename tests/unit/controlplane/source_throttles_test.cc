// SPDX-License-Identifier: BSD-3-Clause
// Who has less of its zones' rates, how long, and what each moment of it costs.
#include "controlplane/signals/source_throttles.h"

#include <gtest/gtest.h>

#include "tests/unit/controlplane/sample_policy.h"

namespace dam::control {
namespace {

constexpr uint64_t kThrottleSecond = 1'000'000'000;

struct SourceThrottlesTest : testing::Test {
  SourceThrottles throttles;
  uint64_t now_ns = 5 * kThrottleSecond;
  const Network one = *parse_network("198.51.100.7");

  SourceThrottles::Begun begin(const Network& source, uint32_t to_percent, uint64_t for_s,
                               const std::string& server = "web", uint64_t most = 1000) {
    return throttles.add({source, server, "scan", to_percent, now_ns + for_s * kThrottleSecond},
                         most, now_ns);
  }
  bool add(const Network& source, uint32_t to_percent, uint64_t for_s,
           const std::string& server = "web", uint64_t most = 1000) {
    return begin(source, to_percent, for_s, server, most) == SourceThrottles::Begun::yes;
  }
  uint64_t paid_ms(const Network& source) {
    const auto paid = throttles.pay_ns(now_ns);
    const auto found = paid.find(source);
    return found == paid.end() ? 0 : found->second / 1'000'000;
  }
};

TEST_F(SourceThrottlesTest, a_source_pays_its_share_of_all_the_time_until_the_end_and_no_more) {
  ASSERT_TRUE(add(one, 20, 10));
  EXPECT_EQ(paid_ms(one), 0u);
  now_ns += kThrottleSecond / 10;
  EXPECT_EQ(paid_ms(one), 80u);
  EXPECT_EQ(paid_ms(one), 0u) << "once";
  now_ns += kThrottleSecond;
  EXPECT_EQ(paid_ms(one), 800u) << "however late somebody asks";
  now_ns += 60 * kThrottleSecond;
  EXPECT_EQ(paid_ms(one), 7'120u) << "of the 8.9 seconds that were left";
  EXPECT_TRUE(throttles.empty());
}

TEST_F(SourceThrottlesTest, of_two_servers_the_lower_share_counts_and_neither_changes_the_others) {
  ASSERT_TRUE(add(one, 20, 10) && add(one, 50, 60, "other"));
  auto found = throttles.find(one.address, now_ns);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->server, "web");
  EXPECT_EQ(found->to_percent, 20u);
  EXPECT_EQ(found->until_ns, now_ns + 10 * kThrottleSecond);
  now_ns += kThrottleSecond;
  EXPECT_EQ(paid_ms(one), 800u) << "and it pays once";
  now_ns += 10 * kThrottleSecond;
  found = throttles.find(one.address, now_ns);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->server, "other");
  EXPECT_EQ(found->to_percent, 50u);
  EXPECT_EQ(throttles.lift(*parse_network("198.51.100.8"), now_ns), 0u);
  EXPECT_EQ(throttles.lift(one, now_ns), 1u);
  EXPECT_TRUE(throttles.empty());
  ASSERT_TRUE(add(one, 50, 60));
  EXPECT_EQ(paid_ms(one), 0u) << "of the time between nothing is owed";
}

TEST_F(SourceThrottlesTest, one_that_holds_holds_longer) {
  ASSERT_TRUE(add(one, 20, 10) && add(one, 20, 60) && add(one, 20, 5));
  EXPECT_EQ(throttles.size(), 1u);
  EXPECT_EQ(throttles.find(one.address, now_ns)->until_ns, now_ns + 60 * kThrottleSecond);
}

TEST_F(SourceThrottlesTest, a_server_has_so_many_at_one_time_whatever_others_have) {
  using Begun = SourceThrottles::Begun;
  const auto source = [](uint32_t i) {
    return *parse_network("198.51." + std::to_string(i >> 8) + "." + std::to_string(i & 255));
  };
  for (uint32_t i = 0; i < 3; ++i) ASSERT_TRUE(add(source(i), 20, 10, "web", 3));
  EXPECT_EQ(begin(source(3), 20, 10, "web", 3), Begun::server_has_all);
  EXPECT_TRUE(add(source(0), 20, 20, "web", 3)) << "it is one of them";
  for (uint32_t i = 0; i < 3; ++i) ASSERT_TRUE(add(source(i), 20, 99, "other", 3));
  now_ns += 11 * kThrottleSecond;
  EXPECT_TRUE(add(source(4), 20, 10, "web", 3)) << "two are over; the other's count for the other";
  for (uint32_t i = 10; throttles.size() < SourceThrottles::kMost; ++i) {
    ASSERT_TRUE(add(source(i), 20, 10, "web", SourceThrottles::kMost));
  }
  EXPECT_EQ(begin(source(9), 20, 10, "third", 10), Begun::all_are_taken);
}

TEST_F(SourceThrottlesTest, it_is_as_its_rule_is_now_and_ends_with_it) {
  const auto hold_against = [this](const std::string& rule) {
    const auto load = load_policy(std::string(kSamplePolicy) + "signals: {rules: [" + rule + "]}\n",
                                  "dam.yaml", ".");
    ASSERT_TRUE(load.policy);
    throttles.hold_against(*load.policy, now_ns);
  };
  ASSERT_TRUE(add(one, 20, 600));
  hold_against("{name: scan, path: /x, throttle: {to: 50%, for: 1m}}");
  const auto found = throttles.find(one.address, now_ns);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->to_percent, 50u);
  EXPECT_EQ(found->until_ns, now_ns + 60 * kThrottleSecond);
  for (const char* other : {"{name: scan, path: /x, ban: 1h}",
                            "{name: scan, path: /x, mode: shadow, throttle: {to: 50%, for: 1m}}",
                            "{name: other, path: /x, throttle: {to: 50%, for: 1m}}"}) {
    ASSERT_TRUE(add(one, 20, 600));
    hold_against(other);
    EXPECT_TRUE(throttles.empty()) << other;
  }
}

}  // namespace
}  // namespace dam::control
