// SPDX-License-Identifier: BSD-3-Clause
// Charges come to the dataplane, all that wait at once, and hold nobody up.
#include "controlplane/signals/source_charges.h"

#include <gtest/gtest.h>

#include <atomic>

#include "controlplane/dataplane_link/dataplane_link.h"
#include "tests/unit/controlplane/sample_policy.h"
#include "tests/unit/controlplane/test_dataplane.h"

namespace dam::control {
namespace {

TEST(SourceCharges, what_came_meanwhile_is_told_at_once_and_summed) {
  TemporaryFolder folder;
  TestDataplane dataplane(folder.file("dataplane.sock"));
  DataplaneLink link(folder.file("dataplane.sock"), [](const std::string&) {});
  ASSERT_TRUE(eventually([&] { return link.state().connected; }));
  std::atomic<bool> open{false};
  std::atomic<int> asked{0};
  SourceCharges charges(
      [&](const v1::Request& request, std::string& wrong) {
        ++asked;
        while (!open) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return link.ask(request, std::chrono::seconds(3), wrong);
      },
      [] { return uint64_t{1}; }, [] { return nullptr; });
  const Network one = *parse_network("198.51.100.7");
  charges.add(one, {0, 1});
  ASSERT_TRUE(eventually([&] { return asked == 1; }));
  for (int i = 0; i < 10; ++i) charges.add(one, {1, 20});
  for (uint32_t i = 1; i < SourceCharges::kMostWaiting; ++i) {
    const std::string other = "192.0." + std::to_string(i >> 8) + "." + std::to_string(i & 255);
    ASSERT_TRUE(charges.add(*parse_network(other), {0, 1}));
  }
  EXPECT_FALSE(charges.add(*parse_network("203.0.113.1"), {0, 1})) << "too many wait";
  EXPECT_TRUE(charges.add(one, {0, 1}));
  open = true;
  ASSERT_TRUE(
      eventually([&] { return dataplane.charges().size() >= SourceCharges::kMostWaiting; }));
  EXPECT_EQ(asked, 2);
  const auto told = dataplane.charges();
  EXPECT_EQ(told.front(), "198.51.100.7/32 0 1");
  EXPECT_EQ(std::count(told.begin(), told.end(), "198.51.100.7/32 10 201"), 1);
}

TEST(SourceCharges, a_throttled_source_pays_each_moment_as_long_as_its_rule_is_there) {
  TemporaryFolder folder;
  TestDataplane dataplane(folder.file("dataplane.sock"));
  DataplaneLink link(folder.file("dataplane.sock"), [](const std::string&) {});
  ASSERT_TRUE(eventually([&] { return link.state().connected; }));
  constexpr uint64_t kMs = 1'000'000;
  std::atomic<uint64_t> now_ns{1000 * kMs};
  std::atomic<bool> ruled{true};
  const auto policy_with = [](const std::string& rules) {
    return std::make_shared<const Policy>(
        *load_policy(std::string(kSamplePolicy) + rules, "dam.yaml", ".").policy);
  };
  const auto with =
      policy_with("signals: {rules: [{name: scan, path: /x, throttle: {to: 25%, for: 1m}}]}\n");
  const auto without = policy_with("");
  SourceCharges charges(
      [&](const v1::Request& request, std::string& wrong) {
        return link.ask(request, std::chrono::seconds(3), wrong);
      },
      [&] { return now_ns.load(); }, [&] { return ruled ? with : without; });
  const Network one = *parse_network("198.51.100.7");
  ASSERT_TRUE((charges.throttle({one, "web", "scan", 25, 60'000 * kMs}, 10) ==
               SourceThrottles::Begun::yes));
  const auto charged_ms = [&] { return dataplane.time_charged_ns("198.51.100.7/32") / kMs; };
  for (uint64_t ms = 40; ms <= 400; ms += 40) {
    now_ns += 40 * kMs;
    ASSERT_TRUE(eventually([&] { return charged_ms() == ms * 3 / 4; })) << ms;
  }
  EXPECT_TRUE(dataplane.charges().empty()) << "no units";
  ASSERT_TRUE(charges.throttle_of(one.address));
  EXPECT_EQ(charges.throttle_of(one.address)->until_ns, 59'600 * kMs);
  for (int i = 0; i < 100; ++i) charges.add(one, {0, 1});
  ASSERT_TRUE(eventually([&] { return !dataplane.charges().empty(); }));
  EXPECT_EQ(charged_ms(), 300u) << "charges hurry nobody";
  ruled = false;
  ASSERT_TRUE(eventually([&] { return charges.throttled() == 0; }));
  ruled = true;
  ASSERT_EQ(charges.throttle({one, "web", "scan", 25, 60'000 * kMs}, 10),
            SourceThrottles::Begun::yes);
  EXPECT_EQ(charges.lift(one), 1u);
  now_ns += 400 * kMs;
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_FALSE(charges.throttle_of(one.address));
  EXPECT_EQ(charged_ms(), 300u);
}

}  // namespace
}  // namespace dam::control
