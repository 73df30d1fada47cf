// SPDX-License-Identifier: BSD-3-Clause
// What people say of servers: it lasts, and the dataplane hears of it.
#include "controlplane/health/servers.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/unit/controlplane/sample_policy.h"

namespace dam::control {
namespace {

struct Told {
  std::vector<v1::ServerStates> messages;
  bool answers = true;
  Servers::Parts parts() {
    return {[this](v1::ServerStates states) {
              messages.push_back(std::move(states));
              return answers;
            },
            [](const std::string&) { return true; }, [](const std::string&, const std::string&) {}};
  }
  const v1::ServerState* of(const std::string& name) const {
    for (const auto& state : messages.back().servers()) {
      if (state.name() == name) return &state;
    }
    return nullptr;
  }
};

std::shared_ptr<const Policy> policy_of(const std::string& text = kSamplePolicy) {
  return std::make_shared<const Policy>(*load_policy(text, "dam.yaml", ".").policy);
}

Delivery applied(const std::shared_ptr<const Policy>&) {
  Delivery delivery;
  delivery.outcome = Delivery::Outcome::applied;
  return delivery;
}

TEST(Servers, a_word_is_told_at_once_and_lasts) {
  TemporaryFolder folder;
  const std::string file = folder.file("state/servers.db");
  {
    Told told;
    ServerStore store(file);
    Servers servers(store, told.parts());
    servers.put_in_force(policy_of(), applied);
    EXPECT_EQ(told.of("web")->intake(), v1::TAKES_NEW);
    const auto result = servers.change("web", {Intake::drained, 7}, "root");
    EXPECT_EQ(result.outcome, ServerChangeResult::Outcome::applied);
    EXPECT_EQ(told.of("web")->intake(), v1::DRAINED);
    EXPECT_EQ(told.of("web")->weight(), 7u);
    servers.change("web", {std::nullopt, 9}, "root");
    EXPECT_EQ(told.of("web")->intake(), v1::DRAINED) << "what is not said stays";
  }
  struct stat info {};
  ASSERT_EQ(stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  Told told;
  ServerStore store(file);
  Servers servers(store, told.parts());
  servers.put_in_force(policy_of(), [&](const auto& policy) {
    EXPECT_FALSE(told.messages.empty()) << "the states come before the policy";
    return applied(policy);
  });
  EXPECT_EQ(told.of("web")->intake(), v1::DRAINED);
  EXPECT_EQ(told.of("web")->weight(), 9u);
  EXPECT_EQ(servers.look().at("web").word.author, "root");
  servers.change("web", {Intake::enabled, 0}, "root");
  EXPECT_TRUE(store.all().empty()) << "a word that says nothing is forgotten";
}

TEST(Servers, a_server_that_nobody_knows_is_refused_and_a_dataplane_that_is_away_is_said) {
  Told told;
  ServerStore store(ServerStore::kInMemory);
  Servers servers(store, told.parts());
  EXPECT_EQ(servers.change("web", {Intake::drained, {}}, "root").outcome,
            ServerChangeResult::Outcome::unknown_server);
  servers.put_in_force(policy_of(), applied);
  EXPECT_EQ(servers.change("wob", {Intake::drained, {}}, "root").outcome,
            ServerChangeResult::Outcome::unknown_server);
  told.answers = false;
  EXPECT_EQ(servers.change("web", {Intake::drained, {}}, "root").outcome,
            ServerChangeResult::Outcome::waiting);
}

TEST(Servers, routes_that_are_left_without_a_server_are_named) {
  Told told;
  ServerStore store(ServerStore::kInMemory);
  Servers servers(store, told.parts());
  servers.put_in_force(
      policy_of(sample_with(
          "{name: post, listener: mail, zone: light, server: web}",
          "{name: post, listener: mail, zone: light, server: web, fallback: back-office}")),
      applied);
  const auto result = servers.change("web", {Intake::drained, {}}, "root");
  EXPECT_EQ(result.warnings,
            (std::vector<std::string>{
                "route \"pages\" has no server left that takes connections: its clients are reset",
                "route \"plain\" has no server left that takes connections: its clients are reset",
                "route \"post\" has no server left that takes connections: its fallback "
                "\"back-office\" has them all"}));
  EXPECT_TRUE(servers.change("web", {Intake::enabled, {}}, "root").warnings.empty());
}

TEST(Servers, a_refused_policy_leaves_the_states_of_the_one_before) {
  Told told;
  ServerStore store(ServerStore::kInMemory);
  Servers servers(store, told.parts());
  servers.put_in_force(policy_of(), applied);
  servers.put_in_force(
      policy_of(
          sample_with("servers:\n", "servers:\n  more: {addresses: [198.18.1.12], port: 443}\n")),
      [&](const auto&) {
        EXPECT_NE(told.of("more"), nullptr);
        Delivery delivery;
        delivery.outcome = Delivery::Outcome::refused;
        return delivery;
      });
  EXPECT_EQ(told.of("more"), nullptr);
  EXPECT_NE(told.of("web"), nullptr);
}

TEST(ServerPlan, names_and_other_names_are_those_of_the_same_listener) {
  const auto policy = policy_of(
      sample_with("port: 443}\n  back-office", "port: 443, check: {kind: auto}}\n  back-office"));
  const auto plans = plan_checks(*policy);
  ASSERT_EQ(plans.size(), 1u);
  EXPECT_EQ(plans[0].kind, CheckKind::tls);
  EXPECT_EQ(plans[0].name, "www.example.org");
  EXPECT_EQ(plans[0].own_names, std::vector<std::string>{"www.example.org"});
  ASSERT_EQ(plans[0].other_names.size(), 1u);
  EXPECT_EQ(plans[0].other_names[0].name, "manage.example.org");
  EXPECT_EQ(plans[0].other_names[0].server, "back-office");
  EXPECT_FALSE(plans[0].management);
}

}  // namespace
}  // namespace dam::control
