// SPDX-License-Identifier: BSD-3-Clause
#include <memory>

#include "controlplane/policy/compile.h"
#include "controlplane/state/running_policy.h"
#include "tests/unit/controlplane/sample_policy.h"
#include "tests/unit/controlplane/test_dataplane.h"

namespace dam::control {
namespace {

std::shared_ptr<const Policy> sample(const std::string& from = "version: 1",
                                     const std::string& to = "version: 1") {
  return std::make_shared<const Policy>(*load_policy(sample_with(from, to), "", ".").policy);
}

struct LinkTest : testing::Test {
  TemporaryFolder folder;
  std::string socket = folder.file("dataplane.sock");
  DataplaneLink link{socket, [](const std::string&) {}};
};

TEST_F(LinkTest, a_policy_waits_for_the_dataplane_and_is_then_started_and_applied) {
  EXPECT_EQ(link.deliver(sample()).outcome, Delivery::Outcome::waiting);
  EXPECT_FALSE(link.state().connected);
  const TestDataplane dataplane(socket);
  ASSERT_TRUE(eventually([&] { return dataplane.snapshots().size() == 1; }));
  ASSERT_EQ(dataplane.starts().size(), 1u);
  EXPECT_EQ(dataplane.starts()[0].interfaces_size(), 2);
  EXPECT_EQ(dataplane.snapshots()[0].version(), 1u);
  ASSERT_TRUE(eventually([&] { return link.state().policy_version == 1; }));
  EXPECT_EQ(link.state().driver, "test");
  EXPECT_FALSE(link.state().restart_needed);
}

TEST_F(LinkTest, a_second_policy_is_applied_at_once_without_a_second_start) {
  const TestDataplane dataplane(socket);
  link.deliver(sample());
  ASSERT_TRUE(eventually([&] { return dataplane.snapshots().size() == 1; }));
  const Delivery delivery = link.deliver(sample("burst=100", "burst=7"));
  EXPECT_EQ(delivery.outcome, Delivery::Outcome::applied);
  EXPECT_EQ(delivery.policy_version, 2u);
  EXPECT_EQ(dataplane.starts().size(), 1u);
  EXPECT_EQ(dataplane.snapshots().back().zones(0).per_source().connections().burst(), 7u);
}

TEST_F(LinkTest, a_dataplane_that_comes_back_empty_gets_everything_again_within_a_second) {
  auto dataplane = std::make_unique<TestDataplane>(socket);
  link.deliver(sample());
  ASSERT_TRUE(eventually([&] { return dataplane->snapshots().size() == 1; }));
  dataplane.reset();
  ASSERT_TRUE(eventually([&] { return !link.state().connected; }));
  const auto before = std::chrono::steady_clock::now();
  dataplane = std::make_unique<TestDataplane>(socket);
  ASSERT_TRUE(eventually([&] { return dataplane->snapshots().size() == 1; }));
  // One second is the promise; the rest is for a busy machine.
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(3));
  EXPECT_EQ(dataplane->starts().size(), 1u);
  EXPECT_GT(dataplane->snapshots()[0].version(), 1u);
}

TEST_F(LinkTest, a_refused_policy_leaves_the_one_before_it_in_force) {
  auto dataplane = std::make_unique<TestDataplane>(socket);
  link.deliver(sample());
  ASSERT_TRUE(eventually([&] { return dataplane->snapshots().size() == 1; }));
  dataplane->refuse("no room");
  const Delivery delivery = link.deliver(sample("burst=100", "burst=7"));
  EXPECT_EQ(delivery.outcome, Delivery::Outcome::refused);
  EXPECT_EQ(delivery.errors, std::vector<std::string>{"no room"});
  // The next dataplane gets the accepted policy, not the refused one.
  dataplane.reset();
  dataplane = std::make_unique<TestDataplane>(socket);
  ASSERT_TRUE(eventually([&] { return dataplane->snapshots().size() == 1; }));
  EXPECT_EQ(dataplane->snapshots()[0].zones(0).per_source().connections().burst(), 100u);
}

TEST_F(LinkTest, other_interfaces_need_a_restart_and_it_says_so) {
  const TestDataplane dataplane(socket);
  link.deliver(sample());
  ASSERT_TRUE(eventually([&] { return dataplane.snapshots().size() == 1; }));
  const Delivery delivery = link.deliver(sample("device: veth1", "device: veth9"));
  EXPECT_EQ(delivery.outcome, Delivery::Outcome::applied);
  EXPECT_TRUE(delivery.restart_needed);
  EXPECT_FALSE(link.deliver(sample()).restart_needed);
}

TEST_F(LinkTest, a_restarted_dataplane_gets_the_other_interfaces) {
  auto dataplane = std::make_unique<TestDataplane>(socket);
  link.deliver(sample());
  ASSERT_TRUE(eventually([&] { return dataplane->snapshots().size() == 1; }));
  ASSERT_TRUE(link.deliver(sample("device: veth1", "device: veth9")).restart_needed);
  dataplane.reset();
  dataplane = std::make_unique<TestDataplane>(socket);
  ASSERT_TRUE(eventually([&] { return dataplane->snapshots().size() == 1; }));
  EXPECT_EQ(dataplane->starts()[0].interfaces(1).device(), "veth9");
  EXPECT_FALSE(link.state().restart_needed);
}

TEST_F(LinkTest, an_interface_that_is_not_there_refuses_the_policy_whole) {
  TestDataplane dataplane(socket);
  dataplane.lack("servcie");
  link.deliver(sample());
  ASSERT_TRUE(eventually([&] { return dataplane.snapshots().size() == 1; }));
  const Delivery delivery = link.deliver(sample("device: veth1", "device: servcie"));
  EXPECT_EQ(delivery.outcome, Delivery::Outcome::refused);
  EXPECT_EQ(delivery.errors, std::vector<std::string>{"There is no interface \"servcie\"."});
  EXPECT_EQ(dataplane.snapshots().size(), 1u);
}

TEST_F(LinkTest, a_first_policy_that_is_refused_opens_no_port) {
  TestDataplane dataplane(socket);
  dataplane.refuse("no room");
  ASSERT_TRUE(eventually([&] { return link.state().connected; }));
  EXPECT_EQ(link.deliver(sample()).outcome, Delivery::Outcome::waiting);
  EXPECT_TRUE(dataplane.starts().empty());
  EXPECT_EQ(link.state().trouble, "the dataplane refuses the policy: no room");
  dataplane.refuse("");
  EXPECT_TRUE(eventually([&] { return dataplane.starts().size() == 1; }));
}

TEST_F(LinkTest, a_million_denied_networks_pass_the_socket) {
  const TestDataplane dataplane(socket);
  auto policy = std::make_shared<Policy>(*sample());
  policy->deny.assign(1'000'000, *parse_network("2001:db8:ffff:ffff::/64"));
  ASSERT_TRUE(eventually([&] { return link.state().connected; }));
  EXPECT_EQ(link.deliver(policy).outcome, Delivery::Outcome::applied);
  EXPECT_EQ(dataplane.snapshots().back().deny_size(), 1'000'000);
}

Intent dry_run() {
  Intent intent;
  intent.dry_run = true;
  return intent;
}

struct RunningPolicyTest : LinkTest {
  std::string config = folder.write("dam.yaml", kSamplePolicy);
  PolicyStore store{PolicyStore::kInMemory};
  RunningPolicy running{config, store,
                        [this](auto policy) { return link.deliver(std::move(policy)); }};
  TestDataplane dataplane{socket};

  void SetUp() override {
    ASSERT_TRUE(eventually([&] { return link.state().connected; }));
    ASSERT_EQ(running.load_config().outcome, ChangeResult::Outcome::applied);
  }
};

TEST_F(RunningPolicyTest, a_bad_file_replaces_nothing) {
  folder.write("dam.yaml", sample_with("port: 80,", "port: 0,"));
  EXPECT_EQ(running.load_config().outcome, ChangeResult::Outcome::invalid);
  EXPECT_EQ(running.current()->version.text, kSamplePolicy);
  EXPECT_EQ(dataplane.snapshots().size(), 1u);
}

TEST_F(RunningPolicyTest, a_dry_run_sends_nothing) {
  EXPECT_EQ(running.apply(sample_with("burst=100", "burst=7"), "", dry_run()).outcome,
            ChangeResult::Outcome::valid);
  EXPECT_EQ(running.current()->version.text, kSamplePolicy);
  EXPECT_EQ(dataplane.snapshots().size(), 1u);
}

TEST_F(RunningPolicyTest, zone_changes_add_up_and_a_new_file_ends_them) {
  EXPECT_EQ(running.change_zone("light", {{"light", "mode", "shadow"}}, {}).outcome,
            ChangeResult::Outcome::applied);
  running.change_zone("light", {{"light", "per_source.packets", "5r/s burst=9"}}, {});
  running.change_zone("light", {{"light", "per_source.packets", "6r/s burst=9"}}, {});
  const v1::Zone zone = dataplane.snapshots().back().zones(0);
  EXPECT_EQ(zone.mode(), v1::SHADOW);
  EXPECT_DOUBLE_EQ(zone.per_source().packets().rate(), 6);
  EXPECT_EQ(zone.per_source().connections().burst(), 100u);
  EXPECT_EQ(running.current()->version.changes.size(), 2u);
  EXPECT_EQ(running.load_config().outcome, ChangeResult::Outcome::applied);
  EXPECT_TRUE(running.current()->version.changes.empty());
  EXPECT_EQ(dataplane.snapshots().back().zones(0).mode(), v1::ENFORCE);
}

TEST_F(RunningPolicyTest, a_zone_that_becomes_management_is_warned_of_like_in_the_file) {
  const ChangeResult result = running.change_zone("light", {{"light", "management", "true"}}, {});
  EXPECT_EQ(result.outcome, ChangeResult::Outcome::applied);
  EXPECT_TRUE(result.problems.empty());
  const ChangeResult none = running.change_zone("light", {{"light", "management", "false"}}, {});
  EXPECT_TRUE(none.problems.empty());
  folder.write("dam.yaml",
               sample_with("zone: admin, server: back-office", "zone: light, server: web"));
  ASSERT_EQ(running.load_config().outcome, ChangeResult::Outcome::applied);
  const ChangeResult last = running.change_zone("admin", {{"admin", "management", "false"}}, {});
  ASSERT_EQ(last.problems.size(), 1u);
  EXPECT_EQ(last.problems[0].message, "no zone has `management: true`");
}

TEST_F(RunningPolicyTest, one_wrong_change_of_several_changes_nothing) {
  const ChangeResult result = running.change_zone(
      "light", {{"light", "mode", "shadow"}, {"light", "total.packets", "0r/s"}}, {});
  EXPECT_EQ(result.outcome, ChangeResult::Outcome::invalid);
  EXPECT_EQ(running.current()->policy->zones[0].value.mode, Mode::enforce);
  EXPECT_EQ(dataplane.snapshots().size(), 1u);
  EXPECT_EQ(running.change_zone("lihgt", {{"lihgt", "mode", "shadow"}}, {}).outcome,
            ChangeResult::Outcome::unknown_zone);
}

}  // namespace
}  // namespace dam::control
