// SPDX-License-Identifier: BSD-3-Clause
// Answers in dam.yaml and out of it again, beside what people wrote there.
#include "tools/damctl/setup/policy_text.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "controlplane/policy/load.h"

namespace dam::ctl {
namespace {

Answers three_cards() {
  return {{"front.device", {"enp1s0"}},
          {"front.vlan", {}},
          {"front.addresses", {"198.51.100.2/24", "2001:db8:1::2/64"}},
          {"front.gateway", {"198.51.100.1", "2001:db8:1::1"}},
          {"front.public", {"198.51.100.2", "2001:db8:1::2"}},
          {"service.device", {"enp2s0"}},
          {"service.vlan", {}},
          {"service.addresses", {"198.18.1.1/24", "2001:db8:2::1/64"}},
          {"service.server", {"198.18.1.10", "2001:db8:2::10"}},
          {"service.port", {"443"}},
          {"service.http_port", {"80"}},
          {"service.proxy", {"v2"}},
          {"service.names", {"example.org", "www.example.org"}},
          {"service.api_names", {"api.example.org", "*.api.example.org"}},
          {"management.device", {"enp3s0"}},
          {"management.vlan", {}},
          {"management.addresses", {"198.18.2.1/24", "2001:db8:3::1/64"}},
          {"management.server", {"198.18.2.10", "2001:db8:3::10"}},
          {"management.port", {"443"}},
          {"management.http_port", {"80"}},
          {"management.proxy", {"v2"}},
          {"management.names", {"manage.example.org"}},
          {"driver", {"xdp"}},
          {"admin", {"203.0.113.7", "198.18.2.0/24"}}};
}

Answers with_dpdk() {
  Answers answers = three_cards();
  answers["driver"] = {"dpdk"};
  answers["front.host_path"] = {"true"};
  answers["service.host_path"] = {"false"};
  answers["management.host_path"] = {};
  answers["dpdk.bind"] = {"true"};
  return answers;
}

Answers one_card() {
  Answers answers = three_cards();
  for (const char* name : {"service", "management"}) {
    answers[std::string(name) + ".device"] = {};
    answers.erase(std::string(name) + ".vlan");
    answers.erase(std::string(name) + ".addresses");
  }
  answers["service.server"] = {"198.51.100.10"};
  answers["management.server"] = {"198.51.100.11"};
  answers["front.addresses"] = {"198.51.100.2/24"};
  answers["front.gateway"] = {"198.51.100.1"};
  answers["front.public"] = {"198.51.100.2"};
  return answers;
}

// One card, a VLAN for each server.
Answers vlans() {
  Answers answers = three_cards();
  answers["service.device"] = answers["management.device"] = {"enp1s0"};
  answers["service.vlan"] = {"10"};
  answers["management.vlan"] = {"20"};
  return answers;
}

std::string fresh(const Answers& answers) {
  const Edited edited =
      with_answers(fresh_policy(!answers.at("service.api_names").empty()), answers);
  EXPECT_EQ(edited.by_hand, Strings{});
  return edited.text;
}

void expect_sound(const std::string& text) {
  const control::Loaded loaded = control::load_policy(text, "dam.yaml", "/");
  for (const auto& problem : loaded.problems) ADD_FAILURE() << problem.text() << "\n" << text;
  EXPECT_TRUE(loaded.policy);
}

TEST(PolicyText, AFreshOneIsSoundAndSaysTheAnswers) {
  Answers without_apis = three_cards();
  without_apis["service.api_names"] = {};
  without_apis["admin"] = {};
  for (const Answers& answers : {three_cards(), one_card(), vlans(), with_dpdk(), without_apis}) {
    const std::string text = fresh(answers);
    expect_sound(text);
    const Present present = read_present(text);
    EXPECT_EQ(present.answers, answers) << text;
    EXPECT_TRUE(present.unknown.empty());
    EXPECT_EQ(text.find("192.0.2."), std::string::npos) << text;
    EXPECT_EQ(text.find("invalid"), std::string::npos) << text;
    EXPECT_EQ(text.find("65535"), std::string::npos) << text;
  }
}

TEST(PolicyText, TheSameAnswersChangeNothing) {
  for (const Answers& answers : {three_cards(), one_card(), vlans(), with_dpdk()}) {
    const std::string text = fresh(answers);
    EXPECT_EQ(with_answers(text, answers).text, text);
  }
}

TEST(PolicyText, OneWayToWriteAValueIsAsGoodAsAnother) {
  Answers answers = three_cards();
  std::swap(answers["front.addresses"][0], answers["front.addresses"][1]);
  const std::string text = fresh(three_cards());
  EXPECT_EQ(with_answers(text, answers).text, text);
  const std::string long_form = "2001:0db8:1:0::2/64";
  std::string other = text;
  other.replace(other.find("2001:db8:1::2/64"), 16, long_form);
  EXPECT_EQ(with_answers(other, three_cards()).text, other);
}

// From each shape of a site to each other one, without a word left behind.
TEST(PolicyText, EveryShapeBecomesEveryOther) {
  for (const Answers& from : {three_cards(), one_card(), vlans(), with_dpdk()}) {
    for (const Answers& to : {three_cards(), one_card(), vlans(), with_dpdk()}) {
      const Edited edited = with_answers(fresh(from), to);
      EXPECT_EQ(edited.by_hand, Strings{});
      expect_sound(edited.text);
      EXPECT_EQ(read_present(edited.text).answers, to) << edited.text;
    }
  }
}

TEST(PolicyText, RoutesOfApisComeAndGo) {
  Answers none = three_cards();
  none["service.api_names"] = {};
  const std::string without = with_answers(fresh(three_cards()), none).text;
  expect_sound(fresh(none));
  EXPECT_EQ(read_present(without).answers, none);
  const Edited again = with_answers(fresh(none), three_cards());
  EXPECT_EQ(again.by_hand, Strings{});
  expect_sound(again.text);
  EXPECT_EQ(read_present(again.text).answers, three_cards()) << again.text;
}

// What setup knows nothing of, and how it is written.
TEST(PolicyText, WhatPeopleWroteStays) {
  std::string text = fresh(three_cards());
  const std::string mine =
      "  - name: mail\n    listener: https\n    server_names: [mail.example.org]  # mine\n"
      "    zone: light\n    server: service\n";
  text += mine;
  const size_t admin = text.find("admin: ");
  text.replace(
      admin, text.find('\n', admin) - admin,
      "admin:\n  - 203.0.113.7   # Ann\n  - 198.18.2.0/24\n  # the office\n  - 203.0.113.64/26");
  Answers answers = read_present(text).answers;
  EXPECT_EQ(answers["admin"], (Strings{"203.0.113.7", "198.18.2.0/24", "203.0.113.64/26"}));
  answers["admin"].push_back("198.51.100.77");
  answers["service.server"] = {"198.18.1.11", "2001:db8:2::10"};
  const Edited edited = with_answers(text, answers);
  EXPECT_EQ(edited.by_hand, Strings{});
  expect_sound(edited.text);
  EXPECT_NE(edited.text.find(mine), std::string::npos);
  EXPECT_NE(edited.text.find("  - 203.0.113.7   # Ann\n"), std::string::npos);
  EXPECT_NE(edited.text.find("  # the office\n  - 203.0.113.64/26\n  - 198.51.100.77\n"),
            std::string::npos);
  // Both servers there, and nothing else, moved.
  size_t moved = 0;
  for (size_t at = 0;
       (at = edited.text.find("\"2001:db8:2::10\", 198.18.1.11", at)) != std::string::npos; ++at) {
    ++moved;
  }
  EXPECT_EQ(moved, 2u) << edited.text;
}

TEST(PolicyText, TheExampleOfConfigIsUnderstood) {
  const auto root = std::filesystem::path(__FILE__).parent_path().parent_path().parent_path();
  std::ifstream in(root.parent_path() / "config/dam.yaml");
  ASSERT_TRUE(in);
  std::ostringstream text;
  text << in.rdbuf();
  const Present present = read_present(text.str());
  EXPECT_TRUE(present.unknown.empty());
  Answers answers = present.answers;
  EXPECT_EQ(answers["management.names"], Strings{"manage.example.org"});
  answers["front.device"] = {"eno1"};
  answers["driver"] = {"xdp"};
  answers["front.vlan"] = {"5"};
  const Edited edited = with_answers(text.str(), answers);
  EXPECT_EQ(edited.by_hand, Strings{});
  EXPECT_EQ(read_present(edited.text).answers, answers);
}

// Other names than setup's: its questions have no place there, and a change of them goes to people.
TEST(PolicyText, OtherNamesAreToldByHand) {
  std::string text = fresh(three_cards());
  for (size_t at = 0; (at = text.find("name: pages", at)) != std::string::npos; at += 9) {
    text.replace(at, 11, "name: site");
  }
  const Present present = read_present(text);
  EXPECT_EQ(present.unknown, std::set<std::string>{"service.names"});
  Answers answers = present.answers;
  answers["service.names"] = {"new.example.org"};
  const Edited edited = with_answers(text, answers);
  EXPECT_EQ(edited.by_hand, Strings{"routes.pages.server_names: new.example.org"});
}

}  // namespace
}  // namespace dam::ctl
