// SPDX-License-Identifier: BSD-3-Clause
// RSTs and what they may end.
#include <gtest/gtest.h>

#include "tests/unit/engine/small_site.h"
#include "tests/unit/engine/standing.h"

namespace dam::test {
namespace {

std::vector<uint8_t> with_wrong_checksum(const Segment& segment) {
  std::vector<uint8_t> bytes(2048);
  Frame frame;
  frame.data = bytes.data();
  write_segment(frame, segment);
  bytes.resize(frame.bytes);
  bytes[14 + 20 + 16] ^= 0x55;
  return bytes;
}

struct OnePlace : SmallSite {
  OnePlace() {
    Policy policy = draft();
    policy.zones[kServiceZone].per_source_concurrent = 1;
    apply(policy);
  }
};

TEST(Reset, OneThatTheServerWillNotBelieveFreesNoPlaceInTheZone) {
  OnePlace site;
  const auto c = stand(site);
  ASSERT_TRUE(c);
  site.send_raw(kFrontPort, with_wrong_checksum(c->client.segment(DAM_TCP_RST)));
  Segment expiring = c->client.segment(DAM_TCP_RST);
  std::vector<uint8_t> bytes(2048);
  Frame frame;
  frame.data = bytes.data();
  ASSERT_TRUE(write_segment(frame, expiring));
  bytes.resize(frame.bytes);
  bytes[14 + 8] = 1;  // TTL
  dam_checksum_ipv4_set(bytes.data() + 14);
  site.send_raw(kFrontPort, bytes);
  EXPECT_EQ(site.drops(DAM_DROP_bad_checksum), 1u);
  EXPECT_EQ(site.drops(DAM_DROP_ttl_expired), 1u);
  ClientSide other;
  other.port = 40001;
  EXPECT_FALSE(stand(site, other));
  EXPECT_EQ(site.send(kFrontPort, c->client.segment(kAck, "alive")).size(), 1u);
}

TEST(Reset, AFinWithAWrongChecksumIsNone) {
  SmallSite site;
  Policy policy = site.draft();
  policy.timeouts.half_closed_ns = 5'000'000'000;
  site.apply(policy);
  const auto c = stand(site);
  site.send_raw(kFrontPort, with_wrong_checksum(c->client.segment(DAM_TCP_FIN | kAck)));
  site.advance(20'000'000'000);
  EXPECT_EQ(site.flows(), 1u);
}

TEST(Reset, AConnectionThatOutlivesItsResetTakesItsPlaceAgain) {
  OnePlace site;
  const auto c = stand(site);
  ASSERT_TRUE(c);
  EXPECT_EQ(site.send(kFrontPort, c->client.segment(DAM_TCP_RST)).size(), 1u);
  EXPECT_EQ(site.engine().zone_concurrent[kServiceZone], 0u);
  site.send(kServicePort, c->from_server(kAck, "still here", server_next(*c), server_ack(*c)));
  EXPECT_EQ(site.engine().zone_concurrent[kServiceZone], 1u);
  ClientSide other;
  other.port = 40001;
  EXPECT_FALSE(stand(site, other));
}

TEST(Reset, AServersResetWhileItIsGivenTheHelloGivesTheMemoryBack) {
  SmallSite site;
  const auto c = establish(site, {}, "www.example.org");
  ASSERT_TRUE(c);
  EXPECT_EQ(site.engine().worker(0).half_open_used(), 1u);
  const uint32_t iss = c->server_syn.packet.seq.value;
  const auto seen =
      site.send(kServicePort, c->from_server(DAM_TCP_RST | kAck, {}, c->server_isn + 1, iss + 1));
  EXPECT_EQ(count_tcp(seen, kFrontPort, DAM_TCP_RST), 1u);
  EXPECT_EQ(site.engine().worker(0).half_open_used(), 0u);
  EXPECT_EQ(site.engine().worker(0).hold().used(), 0u);
  EXPECT_EQ(count_tcp(site.advance(5'000'000'000), kServicePort, 0), 0u) << "nothing to send again";
  site.advance(10'000'000'000);
  EXPECT_EQ(site.flows(), 0u);
}

}  // namespace
}  // namespace dam::test
