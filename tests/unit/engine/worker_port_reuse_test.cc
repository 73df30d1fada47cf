// SPDX-License-Identifier: BSD-3-Clause
// A client takes the port of a connection that it has just closed once more, as clients with few
// ports do. Its new ISN is a little further on (RFC 9293 3.4.1): 64 ns a number.
#include <gtest/gtest.h>

#include "tests/unit/engine/small_site.h"

namespace dam::test {
namespace {

constexpr uint8_t kFin = DAM_TCP_FIN | DAM_TCP_ACK;

void close_both_ways(SmallSite& site, Connection& c) {
  const uint32_t next = c.server_isn + 1;
  const auto held = static_cast<uint32_t>(c.held.size());
  const uint32_t acknowledged = c.header.packet.seq.value + 28 + held;
  site.send(kServicePort, c.from_server(kAck, {}, next, acknowledged));
  site.send(kFrontPort, c.client.segment(kFin));
  site.send(kServicePort, c.from_server(kFin, {}, next, acknowledged + 1));
  c.client.next += 1;
  c.client.ack += 1;
  site.send(kFrontPort, c.client.segment(kAck));
}

// Cookies look random: one try proves little, two hundred do.
TEST(PortReuse, ANewConnectionFromTheSamePortIsAlwaysANewConnection) {
  SmallSite site;
  site.apply(site.draft());
  ClientSide client;
  for (int round = 0; round < 200; ++round) {
    auto connection = establish(site, client, "www.example.org");
    ASSERT_TRUE(connection) << "round " << round;
    ASSERT_FALSE(connection->header.bytes.empty()) << "round " << round;
    close_both_ways(site, *connection);
    ASSERT_EQ(site.flows(), 1u) << "the closed one, which rests";
    client.isn = connection->client.next + 1'000'000;  // 64 ms later
    site.advance(5'000'000);                           // the place of the one before it rests
  }
}

}  // namespace
}  // namespace dam::test
