// SPDX-License-Identifier: BSD-3-Clause
// What the dam makes of the time in which it stood still itself: a virtual machine that was
// stopped, say.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/durations.h"
#include "tests/unit/engine/small_site.h"
#include "tests/unit/engine/standing.h"

namespace dam::test {
namespace {

constexpr int kCalls = 3;                  // which make a server be taken for down
constexpr uint64_t kPause = 60 * kSecond;  // beyond all time-outs of a handshake

// Clients whose SYNs have just left to their server.
std::vector<Connection> call_all(SmallSite& site) {
  std::vector<Connection> all;
  for (int i = 0; i < kCalls; ++i) {
    ClientSide client;
    client.port = static_cast<uint16_t>(20'000 + i);
    const auto called = call(site, client, "www.example.org");
    if (called) all.push_back(*called);
  }
  EXPECT_EQ(all.size(), size_t{kCalls});
  return all;
}

bool is_called_again(const Connection& c, const std::vector<Seen>& seen) {
  return std::any_of(seen.begin(), seen.end(), [&](const Seen& frame) {
    return frame.has(DAM_TCP_SYN) &&
           dam_ntoh16(frame.packet.src_port) == dam_ntoh16(c.server_syn.packet.src_port);
  });
}

// What a server hears after its SYN-ACK: the PROXY header.
bool goes_on(SmallSite& site, const Connection& c) {
  const auto seen = site.send(c.server_port, answer_to(c.server_syn, DAM_TCP_SYN | kAck));
  const Seen* header = find_tcp(seen, c.server_port, kAck);
  return header != nullptr && header->payload().starts_with("\r\n\r\n");
}

bool is_up(SmallSite& site) { return site.engine().servers[0].up != 0; }

// As long as a call may take: all of them have failed then, and their server is down.
void expect_silence_to_fail(SmallSite& site) {
  site.advance(site.draft().timeouts.connect_ns + 100 * kMillisecond);
  EXPECT_EQ(site.drops(DAM_DROP_server_timeout), uint64_t{kCalls});
  EXPECT_FALSE(is_up(site));
}

// Found by the simulation: all calls under way ran into their time-out at once, and their server,
// which had had no time to answer, was taken for down.
TEST(Standstill, CallsUnderWayGoOn) {
  SmallSite site;
  site.advance(5 * kMillisecond);
  const auto calls = call_all(site);
  site.advance(kPause, kPause);
  const auto seen = site.advance(kSecond);
  EXPECT_EQ(site.engine().servers[0].failures, 0u);
  EXPECT_TRUE(is_up(site));
  for (const Connection& c : calls) {
    EXPECT_TRUE(is_called_again(c, seen));
    EXPECT_TRUE(goes_on(site, c));
  }
  EXPECT_EQ(site.drops(DAM_DROP_server_timeout), 0u);
}

TEST(Standstill, ACallHasNoMoreTimeThanIsItsOwn) {
  SmallSite site;
  site.advance(5 * kMillisecond);
  call_all(site);
  site.advance(kPause, kPause);
  expect_silence_to_fail(site);
}

TEST(Standstill, AClientHasItsTimeToSayWhatItWants) {
  SmallSite site;
  site.advance(5 * kMillisecond);
  ClientSide client;
  ASSERT_TRUE(prove(site, client));
  site.send(kFrontPort, client.segment(kAck, "\x16\x03\x01"));
  site.advance(kPause, kPause);
  EXPECT_EQ(site.drops(DAM_DROP_hello_timeout), 0u);
  client.next += 3;
  const std::string rest = client_hello("www.example.org").substr(3);
  const auto seen = site.send(kFrontPort, client.segment(kAck, rest));
  EXPECT_NE(find_tcp(seen, kServicePort, DAM_TCP_SYN), nullptr);
}

TEST(Standstill, AClientThatSaysNoMoreHasNoMoreTimeThanIsItsOwn) {
  SmallSite site;
  site.advance(5 * kMillisecond);
  ClientSide client;
  ASSERT_TRUE(prove(site, client));
  site.send(kFrontPort, client.segment(kAck, "\x16\x03\x01"));
  site.advance(kPause, kPause);
  site.advance(site.draft().timeouts.hello_ns + 100 * kMillisecond);
  EXPECT_EQ(site.drops(DAM_DROP_hello_timeout), 1u);
}

TEST(Standstill, AHeaderUnderWayIsDelivered) {
  SmallSite site;
  site.advance(5 * kMillisecond);
  const auto c = establish(site, {}, "www.example.org");
  ASSERT_TRUE(c);
  site.advance(kPause, kPause);
  EXPECT_EQ(site.drops(DAM_DROP_server_timeout), 0u);
  const auto seen = site.advance(kSecond);
  EXPECT_NE(find_tcp(seen, kServicePort, kAck), nullptr);  // once more
}

TEST(Standstill, SilenceAfterItIsAFailure) {
  SmallSite site;
  site.advance(5 * kMillisecond);
  site.advance(kPause, kPause);
  call_all(site);
  expect_silence_to_fail(site);
}

TEST(Standstill, ARefusalOfTheServersOwnIsAFailureAllTheSame) {
  SmallSite site;
  site.advance(5 * kMillisecond);
  for (int i = 0; i < kCalls; ++i) {
    ClientSide client;
    client.port = static_cast<uint16_t>(20'000 + i);
    const auto c = call(site, client, "www.example.org");
    ASSERT_TRUE(c);
    site.advance(2'000 * kMillisecond, 2'000 * kMillisecond);
    site.send(kServicePort, answer_to(c->server_syn, DAM_TCP_RST | kAck));
  }
  EXPECT_FALSE(is_up(site));
}

}  // namespace
}  // namespace dam::test
