// SPDX-License-Identifier: BSD-3-Clause
// Clients of connections that the dam does not know, after a restart for example.
#include <gtest/gtest.h>

#include "tests/unit/durations.h"
#include "tests/unit/engine/small_site.h"
#include "tests/unit/engine/standing.h"

namespace dam::test {
namespace {

ClientSide lost_client(uint16_t port = 40000) {
  ClientSide client;
  client.port = port;
  client.next = 5555;
  client.ack = 7777;
  return client;
}

TEST(Lost, ASegmentThatComesAgainAfterMoreThanTwoRoundTripsIsReset) {
  SmallSite site;
  const ClientSide client = lost_client();
  EXPECT_TRUE(site.send(kFrontPort, client.segment(kAck, "GET")).empty());
  site.advance(2400 * kMillisecond);
  EXPECT_TRUE(site.send(kFrontPort, client.segment(kAck, "GET")).empty())
      << "the first one may be lost: this is the tail loss probe of a client far away";
  site.advance(200 * kMillisecond);
  const auto seen = site.send(kFrontPort, client.segment(kAck, "GET"));
  ASSERT_EQ(count_tcp(seen, kFrontPort, DAM_TCP_RST), 1u);
  EXPECT_EQ(seen[0].packet.seq.value, 7777u);
  EXPECT_EQ(site.drops(DAM_DROP_bad_cookie), 3u);
  EXPECT_TRUE(site.send(kFrontPort, client.segment(kAck, "GET")).empty()) << "once";
}

TEST(Lost, AfterAMinuteTheFirstSegmentIsForgotten) {
  SmallSite site;
  const ClientSide client = lost_client();
  site.send(kFrontPort, client.segment(kAck));
  site.advance(61'000 * kMillisecond);
  EXPECT_TRUE(site.send(kFrontPort, client.segment(kAck)).empty());
  site.advance(2600 * kMillisecond);
  EXPECT_EQ(site.send(kFrontPort, client.segment(kAck)).size(), 1u);
}

TEST(Lost, ASegmentWithAWrongChecksumIsNotAnswered) {
  SmallSite site;
  const ClientSide client = lost_client();
  site.send(kFrontPort, client.segment(kAck));
  site.advance(2600 * kMillisecond);
  std::vector<uint8_t> bytes(2048);
  Frame frame;
  frame.data = bytes.data();
  ASSERT_TRUE(write_segment(frame, client.segment(kAck)));
  bytes.resize(frame.bytes);
  bytes[14 + 20 + 16] ^= 0x55;
  EXPECT_TRUE(site.send_raw(kFrontPort, bytes).empty());
}

// What follows a cookie that held comes to the engine, what came before may not have.
TEST(Lost, ASegmentBehindARefusedHelloCountsWithThoseBeforeIt) {
  SmallSite site;
  site.send(kFrontPort, lost_client().segment(kAck));
  site.advance(2600 * kMillisecond);
  ClientSide client;
  ASSERT_TRUE(prove(site, client));
  site.send(kFrontPort, client.segment(kAck, "GET / HTTP/1.1"));
  ASSERT_EQ(site.drops(DAM_DROP_hello_malformed), 1u);
  const auto seen = site.send(kFrontPort, lost_client().segment(kAck));
  EXPECT_EQ(count_tcp(seen, kFrontPort, DAM_TCP_RST), 1u);
}

TEST(Lost, ManyAreToldWithinALimitThatServersDoNotShare) {
  SmallSite site;
  constexpr uint16_t kClients = 1000;
  size_t told = 0;
  for (int round = 0; round < 2; ++round) {
    for (uint16_t i = 0; i < kClients; ++i) {
      told +=
          site.send(kFrontPort, lost_client(static_cast<uint16_t>(10000 + i)).segment(kAck)).size();
    }
    site.advance(2600 * kMillisecond);
  }
  EXPECT_GT(told, 50u);
  EXPECT_LE(told, 200u) << "1,000 a second, 100 at once, in two rounds";
  const auto c = call(site, {}, "www.example.org");
  ASSERT_TRUE(c);
  EXPECT_EQ(site.send(kServicePort, c->from_server(kAck, {}, 777, 888)).size(), 1u);
}

}  // namespace
}  // namespace dam::test
