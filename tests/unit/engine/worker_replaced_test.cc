// SPDX-License-Identifier: BSD-3-Clause
// A server or listener in the slot of another: living connections must not meet it.
#include <gtest/gtest.h>

#include <memory>

#include "tests/unit/engine/small_site.h"
#include "tests/unit/engine/standing.h"

namespace dam::test {
namespace {

const dam_address kAnother = v4(198, 18, 10, 78);

Policy with_its_slot_taken(const SmallSite& site) {
  Policy policy = site.draft();
  policy.servers[0].name = "another";
  policy.servers[0].address[0] = kAnother;
  return policy;
}

TEST(Replaced, AServersConnectionsEndAtBothEndsBeforeAnotherHasItsSlot) {
  SmallSite site;
  const auto c = stand(site);
  ClientSide admin;
  admin.port = 40001;
  const auto management = stand(site, admin, "manage.example.org");
  ASSERT_TRUE(c && management);
  site.apply(with_its_slot_taken(site));
  const auto seen = site.advance(5 * kMillisecond);
  const Seen* to_client = find_tcp(seen, kFrontPort, DAM_TCP_RST);
  const Seen* to_server = find_tcp(seen, kServicePort, DAM_TCP_RST);
  ASSERT_TRUE(to_client != nullptr && to_server != nullptr);
  EXPECT_TRUE(dam_address_equal(&to_server->packet.dst, &kServiceServer));
  EXPECT_EQ(to_server->packet.src_port.raw, c->server_syn.packet.src_port.raw);
  EXPECT_EQ(to_client->packet.dst_port.raw, dam_hton16(c->client.port).raw);
  EXPECT_EQ(site.drops(DAM_DROP_server_down), 1u);
  EXPECT_EQ(site.flows(), 1u) << "management's";
  for (const Seen& frame : site.send(kFrontPort, c->client.segment(kAck, "late"))) {
    EXPECT_EQ(frame.port, kFrontPort) << "nothing of it goes on to the other server";
  }
}

TEST(Replaced, AZonesConnectionsEndBeforeAnotherHasItsSlot) {
  SmallSite site;
  ClientSide admin;
  admin.port = 40001;
  ASSERT_TRUE(stand(site) && stand(site, admin, "manage.example.org"));
  Policy policy = site.draft();
  policy.zones[kServiceZone].name = "another";
  site.apply(policy);
  const auto seen = site.advance(5 * kMillisecond);
  EXPECT_EQ(count_tcp(seen, kFrontPort, DAM_TCP_RST), 1u);
  EXPECT_EQ(count_tcp(seen, kServicePort, DAM_TCP_RST), 1u);
  EXPECT_EQ(site.flows(), 1u) << "management's";
}

// Rule 5: it may be a management zone that takes the slot of a service zone.
TEST(Replaced, ABanInAZoneDoesNotHoldInTheZoneThatGetsItsSlot) {
  SmallSite site;
  Policy banning = site.draft();
  let_ban(banning.zones[kServiceZone], 1);
  banning.zones[kServiceZone].per_source[DAM_DIM_packets] = dam_gcra_rate_of(1'000, 10);
  site.apply(banning);
  const auto c = stand(site);
  ASSERT_TRUE(c);
  for (int i = 0; i < 20; ++i) site.send(kFrontPort, c->client.segment(kAck, "x"));
  ASSERT_EQ(site.bans(kServiceZone), 1u);
  ASSERT_FALSE(stand(site, ClientSide{.port = 41000}));
  Policy policy = site.draft();
  policy.zones[kServiceZone].name = "another";
  policy.zones[kServiceZone].management = true;
  site.apply(policy);
  site.advance(5 * kMillisecond);
  EXPECT_TRUE(stand(site, ClientSide{.port = 42000}));
}

TEST(Replaced, WhatItsConnectionsHeldIsFreeAgain) {
  SmallSite site;
  Policy first = site.draft();
  first.source_ports = {2000, 2000 + kProbePorts};  // one port for flows
  first.timeouts.port_rest_ns = 0;
  for (int round = 0; round < 10; ++round) {
    first.servers[0].address[0] = v4(198, 18, 10, static_cast<uint8_t>(100 + round));
    site.apply(first);
    site.advance(5 * kMillisecond);
    ClientSide client;
    client.port = static_cast<uint16_t>(41000 + round);
    ASSERT_TRUE(stand(site, client)) << round;
  }
  EXPECT_EQ(site.flows(), 1u);
  EXPECT_EQ(site.zone(kServiceZone).connections_closed, 9u);
}

TEST(Replaced, AListenersConnectionsEndTooThoseInTheirHelloIncluded) {
  SmallSite site;
  ClientSide early;
  early.port = 40002;
  ASSERT_TRUE(stand(site) && prove(site, early));
  site.send(kFrontPort, early.segment(kAck, client_hello("www.example.org").substr(0, 20)));
  Policy policy = site.draft();
  policy.listeners[0].port = dam_hton16(8443);
  site.apply(policy);
  const auto seen = site.advance(5 * kMillisecond);
  EXPECT_EQ(count_tcp(seen, kFrontPort, DAM_TCP_RST), 2u);
  EXPECT_EQ(count_tcp(seen, kServicePort, DAM_TCP_RST), 1u);
  EXPECT_EQ(site.flows() + site.engine().worker(0).half_open_used(), 0u);
}

// Two names of one server share its ports; then another server takes the slot of one of them.
TEST(Replaced, ItsConnectionsGiveTheirPortsBackToTheOtherNameOfTheServerBefore) {
  SmallSite site;
  Policy twins = site.draft();
  Server twin = twins.servers[0];
  twin.name = "web-twin";
  twins.servers.push_back(twin);
  twins.routes[2].server_slots = {2};               // the port route
  twins.source_ports = {2000, 2000 + kProbePorts};  // one port for flows
  twins.timeouts.port_rest_ns = 0;
  site.apply(twins);
  ClientSide of_twin;
  of_twin.to_port = kPortRouted;
  ASSERT_TRUE(establish(site, of_twin, "www.example.org"));
  EXPECT_FALSE(call(site, ClientSide{.port = 41000}, "www.example.org")) << "the port is in use";
  twins.servers[2].name = "another";
  twins.servers[2].address[0] = kAnother;
  site.apply(twins);
  site.advance(5 * kMillisecond);
  EXPECT_EQ(site.flows(), 0u);
  EXPECT_TRUE(call(site, ClientSide{.port = 42000}, "www.example.org"));
}

// Two workers, and a NIC that brings all replies of one server to the first, of the other to the
// second.
TEST(Replaced, TheSourcePortsTowardsItGoToTheWorkersThatItsRepliesReach) {
  auto counters = std::make_unique<dam_counters>();
  EngineConfig config;
  config.limits = SmallSite::small_limits();
  config.workers = 2;
  config.interfaces.resize(1);
  config.interfaces[0].subnets = {{v4(198, 18, 10, 2), 120}};
  config.counters = counters.get();
  config.reply_worker = [](const dam_address& server, dam_be16, const dam_address&, uint16_t) {
    return dam_address_equal(&server, &kAnother) ? 1u : 0u;
  };
  Engine engine(config);
  const auto apply = [&](const dam_address& server) {
    auto policy = std::make_shared<Policy>();
    policy->limits = config.limits;
    policy->zones.resize(1);
    policy->source_ports = {2000, 2000 + kProbePorts + 9};
    for (const char* name : {"one", "the-same"}) {
      policy->servers.emplace_back();
      policy->servers.back().name = name;
      policy->servers.back().address[0] = kServiceServer;
      policy->servers.back().in_policy = true;
    }
    policy->servers[0].address[0] = server;
    engine.apply(policy);
  };
  apply(kServiceServer);
  EXPECT_EQ(engine.ports(0, 0, 0)->free(), 10u);
  EXPECT_EQ(engine.ports(0, 0, 0), engine.ports(0, 1, 0)) << "they share them";
  apply(kAnother);
  EXPECT_EQ(engine.ports(0, 0, 0)->free(), 0u);
  EXPECT_EQ(engine.ports(1, 0, 0)->free(), 10u);
  EXPECT_EQ(engine.ports(0, 1, 0)->free(), 10u) << "who stays keeps them";
  apply(kServiceServer);
  EXPECT_EQ(engine.ports(0, 0, 0)->free(), 10u);
}

}  // namespace
}  // namespace dam::test
