// SPDX-License-Identifier: BSD-3-Clause
// What setup proposes on several hosts, what it asks, and what it makes of what is typed.
#include "tools/damctl/setup/dialog.h"

#include <gtest/gtest.h>

#include <sstream>

#include "some_hosts.h"

namespace dam::ctl {
namespace {

// What only people know.
Answers known_by_people() {
  return {{"service.server", {"198.18.1.10"}},
          {"service.names", {"www.example.org"}},
          {"management.server", {"198.18.2.10"}},
          {"management.names", {"manage.example.org"}}};
}

Answers unattended(const Host& host, const Answers& given = known_by_people(),
                   const Present& present = {}) {
  std::istringstream in;
  std::ostringstream out;
  const auto result = collect_answers({}, host, present, given, in, out);
  EXPECT_TRUE(result && result->missing.empty());
  return result ? result->answers : Answers{};
}

TEST(SetupProposals, OneCardIsOneArm) {
  const Answers answers = unattended(small_host());
  EXPECT_EQ(answers.at("front.device"), Strings{"eth0"});
  EXPECT_EQ(answers.at("front.vlan"), Strings{});
  EXPECT_EQ(answers.at("front.addresses"), (Strings{"192.168.1.2/24", "2001:db8:1::2/64"}));
  EXPECT_EQ(answers.at("front.gateway"), (Strings{"192.168.1.1", "fe80::1"}));
  // The servers have no IPv6.
  EXPECT_EQ(answers.at("front.public"), Strings{"192.168.1.2"});
  EXPECT_EQ(answers.at("service.device"), Strings{});
  EXPECT_EQ(answers.count("service.addresses"), 0u);
  EXPECT_EQ(answers.at("management.device"), Strings{});
  EXPECT_EQ(answers.at("driver"), Strings{"xdp"});
}

TEST(SetupProposals, WithDpdkTheHostGoesOnWhereItHasSomething) {
  Host host = host_with_three_cards();
  host.network.links[2].addresses.clear();  // eth1
  for (HostLink& link : host.network.links) link.bindable = true;
  Answers given = known_by_people();
  given["management.addresses"] = {"198.18.3.1/24"};
  given["management.device"] = {"eth1"};
  EXPECT_EQ(unattended(host, given).count("front.host_path"), 0u) << "with driver xdp";
  EXPECT_EQ(unattended(host, given).count("dpdk.bind"), 0u);
  given["driver"] = {"dpdk"};
  Answers answers = unattended(host, given);
  EXPECT_EQ(answers.at("front.host_path"), Strings{"true"});
  EXPECT_EQ(answers.at("service.host_path"), Strings{"true"});
  EXPECT_EQ(answers.at("management.host_path"), Strings{});
  EXPECT_EQ(answers.at("dpdk.bind"), Strings{"true"});
  host.network.links[2].configured_by = "/etc/network/interfaces";
  host.network.links[2].bindable = false;
  answers = unattended(host, given);
  EXPECT_EQ(answers.at("management.host_path"), Strings{"true"});
  EXPECT_EQ(answers.at("dpdk.bind"), Strings{"false"});
}

TEST(SetupProposals, InterfacesOfOneCardShareTheHostsWay) {
  Answers given = known_by_people();
  given["driver"] = {"dpdk"};
  given["front.host_path"] = {"false"};
  const Answers answers = unattended(host_with_vlans(), given);
  EXPECT_EQ(answers.at("service.device"), Strings{"eth0"});
  EXPECT_EQ(answers.at("service.host_path"), Strings{"false"});
  EXPECT_EQ(answers.at("management.host_path"), Strings{"false"});
}

TEST(SetupProposals, ClientsComeByTheFamiliesOfBothServers) {
  Answers given = known_by_people();
  given["service.server"] = {"198.18.1.10", "2001:db8:2::10"};
  EXPECT_EQ(unattended(small_host(), given).at("front.public"), Strings{"192.168.1.2"});
  given["management.server"] = {"198.18.2.10", "2001:db8:3::10"};
  EXPECT_EQ(unattended(small_host(), given).at("front.public"),
            (Strings{"192.168.1.2", "2001:db8:1::2"}));
}

TEST(SetupProposals, ThreeCardsAreThreeNetworks) {
  Answers given = known_by_people();
  given.erase("service.server");
  given.erase("management.server");
  const Answers answers = unattended(host_with_three_cards(), given);
  EXPECT_EQ(answers.at("front.device"), Strings{"eth0"});  // the way out, wherever it stands
  EXPECT_EQ(answers.at("service.device"), Strings{"eth2"});
  EXPECT_EQ(answers.at("service.addresses"), Strings{"198.18.2.1/24"});
  EXPECT_EQ(answers.at("service.server"), Strings{"198.18.2.10"});  // the only neighbour
  EXPECT_EQ(answers.at("management.device"), Strings{"eth1"});
  EXPECT_EQ(answers.at("management.server"), Strings{"198.18.1.10"});
}

TEST(SetupProposals, VlansOfTheHostAreNetworksOfTheirOwn) {
  const Answers answers = unattended(host_with_vlans());
  EXPECT_EQ(answers.at("service.device"), Strings{"eth0"});
  EXPECT_EQ(answers.at("service.vlan"), Strings{"10"});
  EXPECT_EQ(answers.at("service.addresses"), Strings{"198.18.1.1/24"});
  EXPECT_EQ(answers.at("management.vlan"), Strings{"20"});
}

// Not even a card that is taken without a tag gets one by mistake.
TEST(SetupProposals, ACardWithVlansIsProposedWithoutATagFirst) {
  Host host = host_with_three_cards();
  std::erase_if(host.network.links, [](const HostLink& link) { return link.name == "eth1"; });
  host.network.links.push_back(vlan_of("eth2", 30, {"198.18.3.1/24"}));
  const Answers answers = unattended(host);
  EXPECT_EQ(answers.at("service.device"), Strings{"eth2"});
  EXPECT_EQ(answers.at("service.vlan"), Strings{});
  EXPECT_EQ(answers.at("management.device"), Strings{"eth2"});
  EXPECT_EQ(answers.at("management.vlan"), Strings{"30"});
}

TEST(SetupProposals, TheHostsVlanDeviceStandsForCardAndVlan) {
  Answers given = known_by_people();
  given["front.device"] = {"eth0.10"};
  std::istringstream in;
  std::ostringstream out;
  const auto result = collect_answers({}, host_with_vlans(), {}, given, in, out);
  EXPECT_EQ(result->answers.at("front.device"), Strings{"eth0"});
  EXPECT_EQ(result->answers.at("front.vlan"), Strings{"10"});
  EXPECT_EQ(result->answers.at("front.addresses"), Strings{"198.18.1.1/24"});
  EXPECT_NE(out.str().find("eth0.10 is VLAN 10 of eth0"), std::string::npos);
}

TEST(SetupProposals, WhatOnlyPeopleKnowIsMissingAllAtOnce) {
  std::istringstream in;
  std::ostringstream out;
  const auto result = collect_answers({}, small_host(), {}, {}, in, out);
  EXPECT_EQ(result->missing,
            (Strings{"service.server", "service.names", "management.server", "management.names"}));
}

TEST(SetupProposals, DamYamlCountsMoreThanTheHostUntilAnotherCardIsNamed) {
  Present present;
  present.answers = unattended(small_host());
  present.answers["front.addresses"] = {"192.168.1.99/24"};
  present.answers["driver"] = {"auto"};
  Host host = host_with_three_cards();
  EXPECT_EQ(unattended(host, {}, present), present.answers);
  const Answers moved = unattended(host, {{"front.device", {"eth1"}}}, present);
  EXPECT_EQ(moved.at("front.addresses"), Strings{"198.18.1.1/24"});
  EXPECT_EQ(moved.at("service.names"), Strings{"www.example.org"});
}

TEST(SetupProposals, WhoeverIsLoggedInIsAnAdministrator) {
  Host host = small_host();
  host.network.session_client = "203.0.113.7";
  EXPECT_EQ(unattended(host).at("admin"), Strings{"203.0.113.7"});
  Present present;
  present.answers["admin"] = {"203.0.113.0/24"};
  EXPECT_EQ(unattended(host, known_by_people(), present).at("admin"), Strings{"203.0.113.0/24"});
}

TEST(SetupProposals, AServerWithoutPROXYGetsNone) {
  Host host = small_host();
  host.proxy_of = [](const std::string& address, uint16_t) {
    return std::string(address == "198.18.1.10" ? "none" : "");
  };
  const Answers answers = unattended(host);
  EXPECT_EQ(answers.at("service.proxy"), Strings{"none"});
  EXPECT_EQ(answers.at("management.proxy"), Strings{"v2"});
}

// Each line is one answer; an empty one takes what is proposed.
TEST(SetupDialog, AsksAgainUntilAnAnswerIsOne) {
  std::istringstream in(
      "\n"                              // front.device
      "192.168.1.2\n192.168.1.2/24\n"   // front.addresses: without its prefix length, and with it
      "\n"                              // front.gateway
      "none\n"                          // service.device
      "\n198.18.1.300\n192.168.1.10\n"  // service.server: nothing is proposed
      "https://www.example.org/\nexample.org, WWW.example.org\n"  // service.names
      "\n"                                                        // api_names
      "eth1 eth2\n\n"                                             // management.device: one, please
      "192.168.1.11\nmanage.example.org\n"
      "\n"  // front.public
      "pigeon\ndpdk\n"
      "yes\ntrue\n"  // front.host_path
      "\n"           // dpdk.bind
      "203.0.113.1/24\n203.0.113.0/24 203.0.113.7\n");
  std::ostringstream out;
  const auto result = collect_answers({true, false, Style(false)}, small_host(), {}, {}, in, out);
  ASSERT_TRUE(result) << out.str();
  EXPECT_TRUE(result->missing.empty());
  const Answers& answers = result->answers;
  EXPECT_EQ(answers.at("front.addresses"), Strings{"192.168.1.2/24"});
  EXPECT_EQ(answers.at("front.public"), Strings{"192.168.1.2"});
  EXPECT_EQ(answers.at("service.server"), Strings{"192.168.1.10"});
  EXPECT_EQ(answers.at("service.names"), (Strings{"example.org", "www.example.org"}));
  EXPECT_EQ(answers.at("management.device"), Strings{});
  EXPECT_EQ(answers.at("driver"), Strings{"dpdk"});
  EXPECT_EQ(answers.at("front.host_path"), Strings{"true"});
  EXPECT_EQ(answers.at("dpdk.bind"), Strings{"false"}) << "no IOMMU";
  EXPECT_EQ(answers.at("admin"), (Strings{"203.0.113.0/24", "203.0.113.7"}));
  for (const char* words : {"append the prefix length", "expected an IP address", "without scheme",
                            "One, please", "expected auto, xdp or dpdk", "bits set behind"}) {
    EXPECT_NE(out.str().find(words), std::string::npos) << words << "\n" << out.str();
  }
}

TEST(SetupDialog, ATerminalThatIsGoneEndsIt) {
  std::istringstream in("\n");
  std::ostringstream out;
  EXPECT_FALSE(collect_answers({true, false, Style(false)}, small_host(), {}, {}, in, out));
}

TEST(SetupAnswers, AFileSaysWhatWasAnswered) {
  const Answers answers = unattended(host_with_vlans());
  const AnswersFile file = read_answers(write_answers(answers), "answers.yaml");
  EXPECT_TRUE(file.problems.empty()) << file.problems.front().text();
  EXPECT_EQ(file.answers, answers);
}

TEST(SetupAnswers, EveryErrorIsToldWithItsPlace) {
  const AnswersFile file = read_answers(
      "front:\n  device: eth0\n  adresses: [198.51.100.2/24]\n  vlan: 4095\n"
      "service:\n  server: [198.18.1.10, nowhere]\n  device: none\n"
      "driver: pigeon\ndriver: xdp\nfront.device: eth1\nmanagement: eth2\n",
      "answers.yaml");
  std::vector<std::string> texts;
  for (const auto& one : file.problems) texts.push_back(one.text());
  const std::vector<std::string> begins = {
      "answers.yaml:3:3: error: unknown key \"adresses\"; did you mean \"addresses\"?",
      "answers.yaml:4:9: error: \"4095\" is out of range",
      "answers.yaml:6:25: error: expected an IP address, found \"nowhere\"",
      "answers.yaml:8:9: error: expected auto, xdp or dpdk, found \"pigeon\"",
      "answers.yaml:9:1: error: \"driver\" is written twice",
      "answers.yaml:10:1: error: unknown key \"front.device\"",
      "answers.yaml:11:13: error: expected a map of answers, found \"eth2\""};
  ASSERT_EQ(texts.size(), begins.size()) << testing::PrintToString(texts);
  for (size_t i = 0; i < texts.size(); ++i)
    EXPECT_TRUE(texts[i].starts_with(begins[i])) << texts[i];
  EXPECT_EQ(file.answers.at("service.device"), Strings{});
  EXPECT_EQ(file.answers.count("service.server"), 0u);
}

}  // namespace
}  // namespace dam::ctl
