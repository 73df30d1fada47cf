// SPDX-License-Identifier: BSD-3-Clause
// Connections that the dam ends by itself are told at both ends, however many end at once.
#include <gtest/gtest.h>

#include "tests/unit/engine/small_site.h"
#include "tests/unit/engine/standing.h"

namespace dam::test {
namespace {

constexpr size_t kFlows = 300;

Limits many_flows() {
  Limits limits = SmallSite::small_limits();
  limits.flows = 512;
  return limits;
}

TEST(Sweep, EveryConnectionThatADenyListCutsIsResetAtBothEnds) {
  SmallSite site(many_flows());
  ASSERT_EQ(stand_many(site, kFlows).size(), kFlows);
  Policy policy = site.draft();
  std::vector<SourcePrefix> denied(1);
  denied[0].address = kClient;
  denied[0].prefix_bits = 128;
  policy.deny = PrefixSet(denied);
  site.apply(policy);
  const auto seen = site.advance(1'000'000'000);
  EXPECT_EQ(count_tcp(seen, kFrontPort, DAM_TCP_RST), kFlows);
  EXPECT_EQ(count_tcp(seen, kServicePort, DAM_TCP_RST), kFlows);
  EXPECT_EQ(site.flows(), 0u);
}

TEST(Sweep, EveryIdleConnectionIsResetAtBothEnds) {
  SmallSite site(many_flows());
  Policy policy = site.draft();
  policy.timeouts.idle_ns = 2'000'000'000;
  site.apply(policy);
  ASSERT_EQ(stand_many(site, kFlows).size(), kFlows);
  const auto seen = site.advance(5'000'000'000);
  EXPECT_EQ(count_tcp(seen, kFrontPort, DAM_TCP_RST), kFlows);
  EXPECT_EQ(count_tcp(seen, kServicePort, DAM_TCP_RST), kFlows);
  EXPECT_EQ(site.drops(DAM_DROP_no_buffer), 0u);
}

}  // namespace
}  // namespace dam::test
