// SPDX-License-Identifier: BSD-3-Clause
// An ACK with a new cookie ends the flow of its ports: for true clients alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/unit/durations.h"
#include "tests/unit/engine/small_site.h"
#include "tests/unit/engine/standing.h"

namespace dam::test {
namespace {

// Somebody else's SYN with the ports of a connection that stands.
ClientSide forger_of(const Connection& c) {
  ClientSide forger = c.client;
  forger.isn = 0x70000000;
  forger.next = forger.isn + 1;
  return forger;
}

Segment syn_of(const ClientSide& client) {
  Segment syn = client.segment(DAM_TCP_SYN);
  syn.seq = dam_seq_of(client.isn);
  return syn;
}

uint64_t guess_cookies(SmallSite& site, ClientSide forger, uint32_t count) {
  const uint64_t before = site.worker().cookies_accepted;
  for (uint32_t i = 0; i < count; ++i) {
    forger.ack = i * 2654435761u;
    site.send(kFrontPort, forger.segment(kAck));
  }
  return site.worker().cookies_accepted - before;
}

// The cookie that the forger cannot see, after a number of wrong guesses.
bool is_replaced_after(uint32_t guesses, uint64_t pause_ns = 0) {
  SmallSite site;
  const auto c = stand(site);
  ClientSide forger = forger_of(*c);
  const auto answer = site.send(kFrontPort, syn_of(forger));
  site.advance(pause_ns);
  EXPECT_EQ(guess_cookies(site, forger, guesses), 0u);
  forger.ack = answer.at(0).packet.seq.value + 1;
  site.send(kFrontPort, forger.segment(kAck));
  return site.worker().cookies_accepted == 2;
}

TEST(NewCookie, OneSynGrantsSixteenTriesForAMinute) {
  EXPECT_TRUE(is_replaced_after(0)) << "a client that lost its connection and comes again";
  EXPECT_TRUE(is_replaced_after(15));
  EXPECT_FALSE(is_replaced_after(16));
  EXPECT_FALSE(is_replaced_after(0, 80 * kSecond));
}

// Found by the simulation: somebody's SYN in a client's name, and the client refuses the answer
// with an RST. Some stacks write an ACK into that, and so the cookie: it ended the client's
// connection.
TEST(NewCookie, AResetBringsNone) {
  SmallSite site;
  const auto c = stand(site);
  ASSERT_TRUE(c);
  ClientSide forger = forger_of(*c);
  forger.ack = site.send(kFrontPort, syn_of(forger)).at(0).packet.seq.value + 1;
  EXPECT_TRUE(site.send(kFrontPort, forger.segment(DAM_TCP_RST | kAck)).empty());
  EXPECT_EQ(site.worker().cookies_accepted, 1u);
  EXPECT_EQ(site.drops(DAM_DROP_out_of_window), 1u);
  EXPECT_EQ(site.send(kFrontPort, c->client.segment(kAck, "still here")).size(), 1u);
}

// The kernel's plane may be amid a packet of the old connection.
TEST(NewCookie, ThePlaceOfAConnectionThatEndedRestsUntilTheNextTick) {
  SmallSite site(SmallSite::small_limits(), SmallSite::Tables::outlive_it);
  const auto c = stand(site);
  ASSERT_TRUE(c);
  const auto live = [&] {
    std::vector<size_t> places;
    for (size_t i = 0; i < site.tables().flows.size(); ++i) {
      if (site.tables().flows[i].state != DAM_FLOW_free) places.push_back(i);
    }
    return places;
  };
  const auto before = live();
  ClientSide again = forger_of(*c);
  again.ack = site.send(kFrontPort, syn_of(again)).at(0).packet.seq.value + 1;
  site.send(kFrontPort, again.segment(kAck));
  EXPECT_EQ(site.worker().cookies_accepted, 2u);
  ASSERT_EQ(live().size(), 1u);
  EXPECT_NE(live(), before);
  site.advance(20 * kMillisecond);
  ClientSide another;
  another.port = 40777;
  ASSERT_TRUE(stand(site, another));
  EXPECT_EQ(live().size(), 2u);
  const auto after = live();
  EXPECT_EQ(std::count(after.begin(), after.end(), before[0]), 1) << "it has rested";
}

TEST(NewCookie, SynsGrantNoMoreThanSixteenTriesASecond) {
  SmallSite site;
  const auto c = stand(site);
  ClientSide forger = forger_of(*c);
  std::vector<Seen> answer;
  for (int i = 0; i < 10; ++i) {
    answer = site.send(kFrontPort, syn_of(forger));
    guess_cookies(site, forger, 2);
  }
  forger.ack = answer.at(0).packet.seq.value + 1;
  site.send(kFrontPort, forger.segment(kAck));
  EXPECT_EQ(site.worker().cookies_accepted, 1u);
  site.advance(2 * kSecond);
  answer = site.send(kFrontPort, syn_of(forger));
  forger.ack = answer.at(0).packet.seq.value + 1;
  site.send(kFrontPort, forger.segment(kAck));
  EXPECT_EQ(site.worker().cookies_accepted, 2u);
}

TEST(NewCookie, ASegmentThatCouldOpenNothingEndsNothing) {
  SmallSite site;
  const auto c = stand(site);
  ClientSide forger = forger_of(*c);
  forger.ack = site.send(kFrontPort, syn_of(forger)).at(0).packet.seq.value + 1;
  std::vector<uint8_t> bytes(2048);
  Frame frame;
  frame.data = bytes.data();
  ASSERT_TRUE(write_segment(frame, forger.segment(kAck)));
  bytes.resize(frame.bytes);
  bytes[14 + 20 + 16] ^= 0x55;  // the checksum
  EXPECT_TRUE(site.send_raw(kFrontPort, bytes).empty());
  EXPECT_EQ(site.drops(DAM_DROP_bad_checksum), 1u);
  EXPECT_EQ(site.send(kFrontPort, c->client.segment(kAck, "alive")).size(), 1u);
}

// A client that lost its connection comes back from the same port with numbers near the old ones:
// the window refuses them, so the cookie must be asked.
TEST(NewCookie, NumbersNearTheOldOnesDoNotLockTheirClientOut) {
  SmallSite site;
  const Connection old = stand(site).value();
  for (uint32_t attempt = 0; attempt < 400; ++attempt) {
    ClientSide again = old.client;
    again.isn = old.client.isn + (20u << 20) + attempt * 1000;
    again.next = again.isn + 1;
    Segment syn = again.segment(DAM_TCP_SYN);
    syn.seq = dam_seq_of(again.isn);
    const auto answers = site.send(kFrontPort, syn);
    const Seen* syn_ack = find_tcp(answers, kFrontPort, DAM_TCP_SYN | kAck);
    ASSERT_NE(syn_ack, nullptr);
    again.ack = syn_ack->packet.seq.value + 1;
    const auto distance = static_cast<int32_t>(again.ack - old.client.ack);
    if (distance <= -(1 << 26) || distance >= 1 << 26) continue;
    const uint64_t before = site.worker().cookies_accepted;
    site.send(kFrontPort, again.segment(kAck));
    EXPECT_EQ(site.worker().cookies_accepted, before + 1);
    return;
  }
  FAIL() << "no cookie came near the old one";
}

}  // namespace
}  // namespace dam::test
