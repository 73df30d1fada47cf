// SPDX-License-Identifier: BSD-3-Clause
// Servers that somebody closed to new connections, or gave another weight.
#include <gtest/gtest.h>

#include "tests/unit/engine/small_site.h"
#include "tests/unit/engine/standing.h"

namespace dam::test {
namespace {

constexpr uint16_t kService = 0;
constexpr uint16_t kManagement =
    1;  // a server like another here: the pool's second, or the fallback
constexpr ServerOrder kClosed{true, 0};

// Where the client's SYN goes; 0xff: nowhere.
uint8_t port_called(SmallSite& site, ClientSide client) {
  if (!prove(site, client)) return 0xff;
  const auto seen = site.send(kFrontPort, client.segment(kAck, client_hello("www.example.org")));
  for (const uint8_t port : {kServicePort, kManagementPort}) {
    if (count_tcp(seen, port, DAM_TCP_SYN) > 0) return port;
  }
  return 0xff;
}

ClientSide client_of(uint8_t n) {
  ClientSide client;
  client.address = v4(198, 51, 100, n);
  client.port = static_cast<uint16_t>(40000 + n);
  return client;
}

int called(SmallSite& site, uint8_t port, uint8_t first, uint8_t last) {
  int count = 0;
  for (uint8_t n = first; n <= last; ++n) count += port_called(site, client_of(n)) == port ? 1 : 0;
  return count;
}

Policy with_pool(const SmallSite& site) {
  Policy policy = site.draft();
  for (Route& route : policy.routes) {
    if (route.server_slots.front() == kService) route.server_slots = {kService, kManagement};
  }
  return policy;
}

Policy with_fallback(const SmallSite& site) {
  Policy policy = site.draft();
  for (Route& route : policy.routes) {
    if (route.server_slots.front() == kService) route.fallback_slot = kManagement;
  }
  return policy;
}

TEST(ServerOrder, AClosedServerTakesNoNewConnectionAndKeepsTheOldOnes) {
  SmallSite site;
  const auto c = stand(site);
  ASSERT_TRUE(c);
  site.engine().order(kService, kClosed);
  EXPECT_EQ(port_called(site, client_of(9)), 0xff);
  const auto seen = site.send(kServicePort, c->from_server(kAck | DAM_TCP_PSH, "still here",
                                                           server_next(*c), server_ack(*c)));
  EXPECT_EQ(count_tcp(seen, kFrontPort, DAM_TCP_PSH), 1u);
  site.engine().order(kService, {});
  EXPECT_EQ(port_called(site, client_of(10)), kServicePort);
}

TEST(ServerOrder, ARouteWithNoneLeftResetsItsClientAtOnceAndSaysWhy) {
  SmallSite site;
  site.engine().order(kService, kClosed);
  ClientSide client;
  ASSERT_TRUE(prove(site, client));
  const auto seen = site.send(kFrontPort, client.segment(kAck, client_hello("www.example.org")));
  EXPECT_EQ(count_tcp(seen, kFrontPort, DAM_TCP_RST), 1u);
  EXPECT_EQ(site.drops(DAM_DROP_server_down, kServiceZone), 1u);
}

TEST(ServerOrder, TheFallbackStepsInUnlessItIsClosedToo) {
  SmallSite site;
  site.apply(with_fallback(site));
  EXPECT_EQ(port_called(site, client_of(9)), kServicePort);
  site.engine().order(kService, kClosed);
  EXPECT_EQ(port_called(site, client_of(10)), kManagementPort);
  site.engine().order(kManagement, kClosed);
  EXPECT_EQ(port_called(site, client_of(11)), 0xff);
}

TEST(ServerOrder, NorIsAFallbackTriedThatIsKnownToBeDown) {
  SmallSite site;
  site.apply(with_fallback(site));
  site.engine().order(kService, kClosed);
  site.engine().servers[kManagement].up = 0;
  EXPECT_EQ(port_called(site, client_of(9)), 0xff);
  EXPECT_EQ(site.drops(DAM_DROP_server_down, kServiceZone), 1u);
}

TEST(ServerOrder, AWeightMovesItsShareOfThePool) {
  Limits limits = SmallSite::small_limits();
  limits.flows = limits.half_open = 1024;  // nobody answers these clients: they all stay
  limits.hold_bytes = 64u << 20;
  SmallSite site(limits);
  site.apply(with_pool(site));
  const int even = called(site, kManagementPort, 10, 109);
  EXPECT_GT(even, 25);
  EXPECT_LT(even, 75);
  site.engine().order(kManagement, {false, 99});
  EXPECT_GT(called(site, kManagementPort, 110, 209), 90);
  site.engine().order(kManagement, kClosed);
  EXPECT_EQ(called(site, kServicePort, 210, 250), 41);
}

TEST(ServerOrder, OutlivesAPolicy) {
  SmallSite site;
  site.engine().order(kService, kClosed);
  site.apply(site.draft());
  EXPECT_EQ(port_called(site, client_of(9)), 0xff);
}

}  // namespace
}  // namespace dam::test
