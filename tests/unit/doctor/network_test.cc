// SPDX-License-Identifier: BSD-3-Clause
// What the host itself does with the network, as read and as judged.
#include "tools/damctl/doctor/network.h"

#include <gtest/gtest.h>

#include "tools/damctl/doctor/findings.h"

namespace dam::ctl {
namespace {

// As the kernel writes them on a little-endian machine.
constexpr char kTcp[] =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode\n"
    "   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
    "11 1 0\n"
    "   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
    "12 1 0\n"
    "   2: 026433C6:0016 016433C6:D431 01 00000000:00000000 00:00000000 00000000     0        0 "
    "13 1 0\n";
constexpr char kTcp6[] =
    "   0: 00000000000000000000000000000000:01BB 00000000000000000000000000000000:0000 0A "
    "00000000:00000000 00:00000000 00000000     0        0 14 1 0\n"
    "a line of something else\n   1: 00:1 00:0 0A\n";

TEST(HostNetwork, reads_who_listens_where) {
  const auto four = listening_among(tcp_sockets_in(kTcp), {{11, "sshd (pid 8)"}});
  ASSERT_EQ(four.size(), 2u);
  EXPECT_EQ(four[0].address, "0.0.0.0");
  EXPECT_EQ(four[0].text(), "sshd (pid 8) on port 22");
  EXPECT_EQ(four[1].address, "127.0.0.1");
  EXPECT_EQ(four[1].text(), "something on port 8080");
  const auto six = listening_among(tcp_sockets_in(kTcp6), {});
  ASSERT_EQ(six.size(), 1u);
  EXPECT_EQ(six[0].address, "::");
  EXPECT_EQ(six[0].port, 443);
}

TEST(HostNetwork, looks_at_this_host) {
  for (const HostLink& link : look_at_network().links) {
    EXPECT_FALSE(link.name.empty());
    EXPECT_NE(link.name, "lo");
  }
}

Facts with_web_server() {
  Facts facts;
  facts.driver = "xdp";
  facts.wishes.taken = {{"198.51.100.2", 443, "https"}, {"198.51.100.2", 80, "http"}};
  DeviceFacts& device = facts.devices.emplace_back();
  device.name = "eth0";
  device.host.addresses = {"198.51.100.2", "2001:db8::2"};
  facts.network.listening = {{"0.0.0.0", 443, "nginx (pid 7)"},
                             {"2001:db8::2", 443, "six (pid 6)"},
                             {"127.0.0.1", 80, "local (pid 8)"},
                             {"0.0.0.0", 22, "sshd (pid 9)"}};
  return facts;
}

TEST(HostNetwork, who_stands_in_the_way_of_a_listener_is_told_once) {
  const auto found = findings_of_network(with_web_server());
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].level, Level::warning);
  EXPECT_EQ(found[0].says,
            "nginx (pid 7) on port 443 of this host: who comes to 198.51.100.2 reaches the dam "
            "instead, by listener \"https\"");
  Facts facts = with_web_server();
  facts.network.listening = {{"::", 80, "six (pid 6)"}};  // takes IPv4, too
  ASSERT_EQ(findings_of_network(facts).size(), 1u);
  facts.network.listening = {{"0.0.0.0", 80, "four (pid 4)"}};
  facts.wishes.taken = {{"2001:db8::2", 80, "http"}};
  EXPECT_TRUE(findings_of_network(facts).empty());
}

TEST(HostNetwork, names_and_addresses_that_do_not_last_are_told) {
  Facts facts = with_web_server();
  facts.network.listening.clear();
  facts.wishes.interfaces = {{"front", "eth0", 0, 1500, {{"198.51.100.2", 24}}}};
  facts.network.links.emplace_back().name = "eth0";
  EXPECT_TRUE(findings_of_network(facts).empty());
  facts.network.links[0].leased = {"198.51.100.2/24"};
  ASSERT_EQ(findings_of_network(facts).size(), 1u);
  EXPECT_NE(findings_of_network(facts)[0].says.find("for a time only"), std::string::npos);
  facts.network.links[0].leased.clear();
  facts.network.links[0].vlan = 10;
  facts.network.links[0].port = "enp1s0";
  ASSERT_EQ(findings_of_network(facts).size(), 1u);
  EXPECT_EQ(findings_of_network(facts)[0].command, "device: enp1s0 and vlan: 10  in dam.yaml");
}

TEST(HostNetwork, with_dpdk_the_hosts_own_services_are_lost) {
  Facts facts = with_web_server();
  facts.driver = "dpdk";
  facts.network.session_client = "203.0.113.7";
  facts.network.session_server = "198.51.100.2";
  const auto found = findings_of_network(facts);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_NE(found[0].says.find(
                "nginx (pid 7) on port 443, six (pid 6) on port 443, sshd (pid 9) on port 22"),
            std::string::npos)
      << found[0].says;
  EXPECT_EQ(found[1].says, "you are logged in from 203.0.113.7 by eth0, and lose that to DPDK");
  facts.wishes.interfaces = {{"front", "eth0", 0, 1500, {}, true}};
  EXPECT_TRUE(findings_of_network(facts).empty()) << "host_path: nothing is lost";
  facts.devices[0].host.addresses.clear();
  EXPECT_TRUE(findings_of_network(facts).empty());
}

}  // namespace
}  // namespace dam::ctl
