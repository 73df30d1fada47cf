// SPDX-License-Identifier: BSD-3-Clause
// Source ports towards servers, when policies move servers and ranges.
#include <gtest/gtest.h>

#include <set>

#include "tests/unit/durations.h"
#include "tests/unit/engine/small_site.h"
#include "tests/unit/engine/standing.h"

namespace dam::test {
namespace {

uint16_t port_of(const Connection& c) { return dam_ntoh16(c.server_syn.packet.src_port); }

// The range whose only port for flows is this one.
PortRange only(uint16_t port) { return {static_cast<uint16_t>(port - kProbePorts), port}; }

Policy with_renamed_server(const SmallSite& site) {
  Policy policy = site.draft();
  Server renamed = policy.servers[0];
  renamed.name = "web-renamed";
  policy.servers[0].in_policy = false;
  policy.servers.push_back(renamed);
  policy.routes[0].server_slots = {2};
  return policy;
}

ClientSide stranger() {
  ClientSide client;
  client.address = kStranger;
  client.port = 41000;
  return client;
}

TEST(Ports, ARenamedServerDoesNotGetAPortThatALiveConnectionHas) {
  SmallSite site;
  Policy first = site.draft();
  first.source_ports = {2000, 2000 + kProbePorts + 1};  // two ports
  site.apply(first);
  const auto a = stand(site);
  ASSERT_TRUE(a);
  Policy renamed = with_renamed_server(site);
  renamed.source_ports = first.source_ports;
  site.apply(renamed);
  const auto b = call(site, stranger(), "www.example.org");
  ASSERT_TRUE(b);
  EXPECT_NE(port_of(*a), port_of(*b));
  ClientSide third;
  third.port = 42000;
  EXPECT_FALSE(call(site, third, "www.example.org"));
  EXPECT_EQ(site.drops(DAM_DROP_no_source_port), 1u);
  const auto seen =
      site.send(kServicePort, a->from_server(kAck, "for A", server_next(*a), server_ack(*a)));
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].port, kFrontPort);
  EXPECT_TRUE(dam_address_equal(&seen[0].packet.dst, &kClient));
}

TEST(Ports, TwoNamesOfOneServerNeverShareAPortAtOneTime) {
  SmallSite site;
  Policy policy = site.draft();
  Server twin = policy.servers[0];
  twin.name = "web-twin";
  policy.servers.push_back(twin);
  policy.routes[2].server_slots = {2};  // the port route
  policy.source_ports = {2000, 2000 + kProbePorts + 3};
  site.apply(policy);
  std::set<uint16_t> ports;
  for (uint16_t i = 0; i < 4; ++i) {
    ClientSide client;
    client.port = static_cast<uint16_t>(40000 + i);
    client.to_port = i % 2 == 0 ? 443 : kPortRouted;
    const auto c = establish(site, client, "www.example.org");
    ASSERT_TRUE(c) << i;
    EXPECT_TRUE(ports.insert(port_of(*c)).second) << port_of(*c);
  }
}

TEST(Ports, ANewRangeIsUsedAtOnceAndConnectionsOfTheOldOneLiveOn) {
  SmallSite site;
  Policy policy = site.draft();
  policy.source_ports = {2000, 2999};
  site.apply(policy);
  const auto old = stand(site);
  ASSERT_TRUE(old);
  EXPECT_LT(port_of(*old), 3000);
  policy.source_ports = {5000, 5999};
  site.apply(policy);
  for (uint16_t i = 0; i < 20; ++i) {
    ClientSide client;
    client.port = static_cast<uint16_t>(41000 + i);
    const auto c = stand(site, client);
    ASSERT_TRUE(c);
    EXPECT_GE(port_of(*c), 5000 + kProbePorts);
    EXPECT_LE(port_of(*c), 5999);
  }
  EXPECT_EQ(site.send(kFrontPort, old->client.segment(kAck, "alive")).size(), 1u);
  site.send(kFrontPort, old->client.segment(DAM_TCP_RST));
  site.advance(15 * kSecond);
  EXPECT_EQ(site.flows(), 20u) << "its port goes nowhere";
}

TEST(Ports, APortThatRestsInTheOldRangeRestsInTheNewOneToo) {
  SmallSite site;
  const auto c = stand(site);
  ASSERT_TRUE(c);
  Policy policy = site.draft();
  policy.source_ports = only(port_of(*c));
  site.apply(policy);
  EXPECT_FALSE(call(site, stranger(), "www.example.org")) << "its connection lives";
  site.send(kFrontPort, c->client.segment(DAM_TCP_RST));
  site.advance(11 * kSecond);
  ASSERT_EQ(site.flows(), 0u);
  policy.source_ports.first = static_cast<uint16_t>(policy.source_ports.first - 1);
  ++policy.source_ports.last;  // one more port, and a pool of its own again
  site.apply(policy);
  const auto next = call(site, stranger(), "www.example.org");
  ASSERT_TRUE(next);
  EXPECT_NE(port_of(*next), port_of(*c)) << "it rests";
}

TEST(Ports, RangesThatChangeAndChangeBackLoseNoPort) {
  SmallSite site;
  Policy policy = site.draft();
  policy.timeouts.port_rest_ns = 0;
  for (int round = 0; round < 6; ++round) {
    const auto first = static_cast<uint16_t>(round % 2 == 0 ? 2000 : 2004);
    policy.source_ports = {first, static_cast<uint16_t>(first + kProbePorts + 7)};
    site.apply(policy);
    if (round % 3 == 2) site.engine().control_tick(site.now_ns());
    std::vector<Connection> all = stand_many(site, 100);
    EXPECT_EQ(all.size(), 8u) << "round " << round;
    for (const Connection& c : all) site.send(kFrontPort, c.client.segment(DAM_TCP_RST));
    site.advance(12 * kSecond);
    ASSERT_EQ(site.flows(), 0u);
  }
}

}  // namespace
}  // namespace dam::test
