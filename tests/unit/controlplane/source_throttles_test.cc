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

  bool add(const Network& source, uint32_t to_percent, uint64_t for_s, const char* server = "web",
           uint64_t most = 1000) {
    return throttles.add(source, {server, "scan", to_percent, now_ns + for_s * kThrottleSecond},
                         most, now_ns);
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

TEST_F(SourceThrottlesTest, of_two_the_lower_share_and_the_later_end_count) {
  ASSERT_TRUE(add(one, 20, 10) && add(one, 50, 60));
  auto found = throttles.find(one.address, now_ns);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->to_percent, 20u);
  EXPECT_EQ(found->until_ns, now_ns + 60 * kThrottleSecond);
  now_ns += 61 * kThrottleSecond;
  EXPECT_FALSE(throttles.find(one.address, now_ns));
  ASSERT_TRUE(add(one, 50, 60));
  EXPECT_EQ(throttles.find(one.address, now_ns)->to_percent, 50u) << "the first is over";
  EXPECT_EQ(paid_ms(one), 0u) << "and of the time between nothing is owed";
}

TEST_F(SourceThrottlesTest, a_server_has_so_many_at_one_time_and_all_together_kMost) {
  const auto source = [](uint32_t i) {
    return *parse_network("198.51." + std::to_string(i >> 8) + "." + std::to_string(i & 255));
  };
  for (uint32_t i = 0; i < 3; ++i) ASSERT_TRUE(add(source(i), 20, 10, "web", 3));
  EXPECT_FALSE(add(source(3), 20, 10, "web", 3));
  EXPECT_TRUE(add(source(0), 20, 20, "web", 3)) << "it is one of them";
  EXPECT_TRUE(add(source(3), 20, 10, "other", 3)) << "another server's word";
  now_ns += 11 * kThrottleSecond;
  EXPECT_TRUE(add(source(4), 20, 10, "web", 3)) << "two are over";
  for (uint32_t i = 10; throttles.size() < SourceThrottles::kMost; ++i) {
    ASSERT_TRUE(add(source(i), 20, 10, "web", SourceThrottles::kMost));
  }
  EXPECT_FALSE(add(source(9), 20, 10, "third", 10));
}

TEST_F(SourceThrottlesTest, a_rule_that_is_gone_slows_nobody) {
  const auto policy_with = [](const std::string& rule) {
    const auto load = load_policy(std::string(kSamplePolicy) + "signals: {rules: [" + rule + "]}\n",
                                  "dam.yaml", ".");
    EXPECT_TRUE(load.policy);
    return *load.policy;
  };
  ASSERT_TRUE(add(one, 20, 10));
  throttles.hold_against(policy_with("{name: scan, path: /x, throttle: {to: 50%, for: 1h}}"));
  EXPECT_FALSE(throttles.empty());
  throttles.hold_against(policy_with("{name: scan, path: /x, ban: 1h}"));
  EXPECT_TRUE(throttles.empty());
}

}  // namespace
}  // namespace dam::control
