// SPDX-License-Identifier: BSD-3-Clause
// Frames that the dam may originate are few, and the last ones are management's.
#include <gtest/gtest.h>

#include "tests/unit/engine/small_site.h"
#include "tests/unit/engine/standing.h"

namespace dam::test {
namespace {

Segment syn_ack_of(const Connection& c, uint16_t mss, bool timestamps) {
  Segment s =
      c.from_server(DAM_TCP_SYN | kAck, {}, c.server_isn, c.server_syn.packet.seq.value + 1);
  s.mss = mss;
  s.window = 65160;
  s.timestamps = timestamps;
  return s;
}

TEST(Spares, AServersTinyMssDoesNotMakeABurstOfTinySegments) {
  for (const uint16_t mss : std::initializer_list<uint16_t>{0, 1, 11, 12, 13, 48, 536}) {
    SmallSite site;
    ClientSide client;
    client.timestamps = true;
    const auto c = call(site, client, "www.example.org");
    ASSERT_TRUE(c);
    EXPECT_EQ(site.send(kServicePort, syn_ack_of(*c, mss, true)).size(), 2u)
        << "the header and the hello, MSS " << mss;
    const uint32_t iss = c->server_syn.packet.seq.value;
    const auto more =
        site.send(kServicePort, c->from_server(kAck, {}, c->server_isn + 1, iss + 1 + 28));
    EXPECT_TRUE(more.empty()) << "a duplicate ACK, MSS " << mss;
  }
}

// A hold that fills many segments, sent again as often as the server repeats its SYN-ACK.
TEST(Spares, AServiceServerThatRepeatsItselfLeavesManagementItsHeader) {
  SmallSite site;
  ClientSide a;
  const auto service = call(site, a, "www.example.org");
  ClientSide b;
  b.port = 40001;
  const auto management = call(site, b, "manage.example.org");
  ASSERT_TRUE(service && management);
  ClientSide filling = service->client;
  filling.next += static_cast<uint32_t>(client_hello("www.example.org").size());
  for (int i = 0; i < 15; ++i, filling.next += 1000) {
    site.send(kFrontPort, filling.segment(kAck, std::string(1000, 'x')));
  }
  std::vector<std::pair<uint8_t, Segment>> burst;
  for (int i = 0; i < 6; ++i) burst.emplace_back(kServicePort, syn_ack_of(*service, 536, false));
  burst.emplace_back(kManagementPort, syn_ack_of(*management, 1460, false));
  const auto seen = site.send_burst(burst);
  EXPECT_GT(site.drops(DAM_DROP_no_buffer), 0u) << "the service server has had all it may have";
  EXPECT_EQ(count_tcp(seen, kManagementPort, DAM_TCP_PSH), 2u) << "the header and the hello";
}

TEST(Spares, AProbedTinyMssIsNotPromisedToClients) {
  SmallSite site;
  Policy policy = site.draft();
  policy.timeouts.probe_interval_ns = 2'000'000'000;
  site.apply(policy);
  bool answered = false;
  for (int i = 0; i < 800 && !answered; ++i) {
    const auto seen = site.advance(5'000'000);
    const Seen* syn = find_tcp(seen, kServicePort, DAM_TCP_SYN);
    if (syn == nullptr) continue;
    Segment answer = answer_to(*syn, DAM_TCP_SYN | kAck);
    answer.mss = 1;
    site.send(kServicePort, answer);
    answered = true;
  }
  ASSERT_TRUE(answered);
  site.advance(100'000'000);
  ClientSide client;
  const auto syn_ack = prove(site, client);
  ASSERT_TRUE(syn_ack);
  EXPECT_FALSE(syn_ack->options.sack_permitted) << "the answer was learned";
  EXPECT_EQ(syn_ack->options.mss, 536);
}

}  // namespace
}  // namespace dam::test
