// SPDX-License-Identifier: BSD-3-Clause
// A connection that stands: what passes, what ends it, and what must not.
#include <gtest/gtest.h>

#include "tests/unit/engine/small_site.h"
#include "tests/unit/engine/standing.h"

namespace dam::test {
namespace {

// A connection whose held bytes the server has acknowledged.
struct Standing {
  SmallSite site;
  Connection c;
  uint32_t server_next;  // the server's next byte
  uint32_t server_ack;   // what the server has of the dam

  explicit Standing(bool timestamps = false, uint64_t idle_ns = 3'600'000'000'000) {
    Policy policy = site.draft();
    policy.timeouts.idle_ns = idle_ns;
    site.apply(policy);
    ClientSide client;
    client.timestamps = timestamps;
    c = establish(site, client, "www.example.org").value();
    server_next = c.server_isn + 1;
    server_ack = c.header.packet.seq.value + 28 + static_cast<uint32_t>(c.held.size());
    site.send(kServicePort, c.from_server(kAck, {}, server_next, server_ack));
  }
  std::vector<Seen> up(uint8_t flags, std::string_view payload) {
    return site.send(kFrontPort, c.client.segment(flags, payload));
  }
  std::vector<Seen> down(uint8_t flags, std::string_view payload) {
    return site.send(kServicePort, c.from_server(flags, payload, server_next, server_ack));
  }
};

TEST(Splice, BytesPassBothWaysWithTranslatedNumbers) {
  for (const bool timestamps : {false, true}) {
    Standing s(timestamps);
    const auto up = s.up(kAck, "ping");
    ASSERT_EQ(up.size(), 1u);
    EXPECT_EQ(up[0].port, kServicePort);
    EXPECT_EQ(up[0].payload(), "ping");
    EXPECT_EQ(up[0].packet.seq.value, s.server_ack);
    EXPECT_EQ(up[0].packet.ack.value, s.server_next);
    EXPECT_TRUE(dam_checksum_tcp_valid(up[0].bytes.data(), &up[0].packet));
    s.server_ack += 4;
    const auto down = s.down(kAck, "pong");
    ASSERT_EQ(down.size(), 1u);
    EXPECT_EQ(down[0].port, kFrontPort);
    EXPECT_EQ(down[0].packet.seq.value, s.c.client.ack);
    EXPECT_EQ(down[0].packet.ack.value, s.c.client.next + 4);
    EXPECT_EQ(down[0].packet.window, (501u << 9) >> kPromisedWscale);
    EXPECT_TRUE(dam_checksum_tcp_valid(down[0].bytes.data(), &down[0].packet));
    EXPECT_EQ(down[0].options.has_timestamps, timestamps ? 1 : 0);
  }
}

TEST(Splice, TheHopLimitIsLookedAtBeforeTheOptions) {
  Standing s(true);
  std::vector<uint8_t> bytes(2048);
  Frame frame;
  frame.data = bytes.data();
  ASSERT_TRUE(write_segment(frame, s.c.client.segment(kAck, "x")));
  bytes.resize(frame.bytes);
  bytes[14 + 8] = 1;
  bytes[14 + 20 + 20 + 3] = 0;  // the timestamps' length
  s.site.send_raw(kFrontPort, bytes);
  EXPECT_EQ(s.site.drops(DAM_DROP_ttl_expired), 1u);
}

TEST(Splice, AFlowEndsOnlyAfterBothFinsAndSilence) {
  Standing s;
  s.up(DAM_TCP_FIN | kAck, {});
  s.server_ack += 1;
  EXPECT_EQ(s.down(kAck, "still talking").size(), 1u);
  s.server_next += 13;
  s.down(DAM_TCP_FIN | kAck, {});
  s.c.client.next += 1;
  s.c.client.ack += 14;
  EXPECT_EQ(s.up(kAck, {}).size(), 1u);
  EXPECT_EQ(s.site.flows(), 1u);
  s.site.advance(11'000'000'000);
  EXPECT_EQ(s.site.flows(), 0u);
  EXPECT_EQ(s.site.zone(kServiceZone).connections_closed, 1u);
}

TEST(Splice, ABlindResetIsPassedOnAndEndsNothing) {
  Standing s;
  Segment rst = s.c.client.segment(DAM_TCP_RST);
  rst.seq = dam_seq_of(s.c.client.next + 5000);
  EXPECT_EQ(s.site.send(kFrontPort, rst).size(), 1u);
  s.site.advance(15'000'000'000);
  EXPECT_EQ(s.site.flows(), 1u);
  EXPECT_EQ(s.up(kAck, "alive").size(), 1u);
}

TEST(Splice, AnExactResetEndsTheFlowUnlessItsTargetStillTalks) {
  Standing s;
  EXPECT_EQ(s.up(DAM_TCP_RST, {}).size(), 1u);
  EXPECT_EQ(s.down(kAck, {}).size(), 1u) << "the server's challenge";
  s.site.advance(15'000'000'000);
  EXPECT_EQ(s.site.flows(), 1u);
  s.up(DAM_TCP_RST, {});
  s.site.advance(15'000'000'000);
  EXPECT_EQ(s.site.flows(), 0u);
}

TEST(Splice, TheHeldBytesReachTheServerInNoOtherVersion) {
  SmallSite site;
  auto c = establish(site, {}, "www.example.org").value();
  ClientSide liar = c.client;
  liar.next = c.client.isn + 1;
  EXPECT_TRUE(site.send(kFrontPort, liar.segment(kAck, client_hello("api.example.org"))).empty());
  EXPECT_EQ(site.drops(DAM_DROP_held_duplicate), 1u);
}

TEST(Splice, AnIdleFlowIsResetAtBothEndsWhenItsTimeIsOver) {
  Standing s(false, 2'000'000'000);
  s.up(kAck, "x");
  bool client_reset = false;
  bool server_reset = false;
  for (const Seen& seen : s.site.advance(3'000'000'000)) {
    if (seen.packet.kind != DAM_KIND_TCP || !seen.has(DAM_TCP_RST)) continue;
    if (seen.port == kFrontPort) client_reset = true;
    if (seen.port == kServicePort &&
        seen.packet.src_port.raw == s.c.server_syn.packet.src_port.raw) {
      server_reset = true;
    }
  }
  EXPECT_TRUE(client_reset);
  EXPECT_TRUE(server_reset);
  EXPECT_EQ(s.site.flows(), 0u);
}

TEST(Splice, ANewConnectionOnTheSamePortReplacesTheDeadOne) {
  Standing s;
  ClientSide again;
  again.port = s.c.client.port;
  again.isn = 0x90000000;
  ASSERT_TRUE(prove(s.site, again));
  const auto seen =
      s.site.send(kFrontPort, again.segment(kAck, client_hello("manage.example.org")));
  bool old_server_reset = false;
  bool new_server_asked = false;
  for (const Seen& frame : seen) {
    if (frame.port == kServicePort && frame.has(DAM_TCP_RST)) old_server_reset = true;
    if (frame.port == kManagementPort && frame.has(DAM_TCP_SYN)) new_server_asked = true;
  }
  EXPECT_TRUE(old_server_reset);
  EXPECT_TRUE(new_server_asked);
  EXPECT_EQ(s.site.flows(), 1u);
}

TEST(Splice, AForgedSynOnALiveFlowHarmsNothing) {
  Standing s;
  Segment forged = s.c.client.segment(DAM_TCP_SYN);
  forged.seq = dam_seq_of(0x12345678);
  EXPECT_EQ(s.site.send(kFrontPort, forged).size(), 1u);
  EXPECT_EQ(s.up(kAck, "goes on").size(), 1u);
  EXPECT_EQ(s.site.flows(), 1u);
}

TEST(Splice, APacketTooBigForTheWayOutIsAnsweredWithThatWaysMtu) {
  Standing s;
  const std::string big(1400, 'x');
  Segment segment = s.c.client.segment(kAck, big);
  std::vector<uint8_t> frame(2048);
  Frame f;
  f.data = frame.data();
  ASSERT_TRUE(write_segment(f, segment));
  frame.resize(f.bytes);
  ASSERT_EQ(s.site.send_raw(kFrontPort, frame).size(), 1u) << "1,440 bytes pass";
  // As a driver without the right MTU would hand it in: 1,501 bytes of IP.
  frame.resize(14 + 1501, 'x');
  dam_store_be16(frame.data() + 16, 1501);
  dam_checksum_ipv4_set(frame.data() + 14);
  const auto seen = s.site.send_raw(kFrontPort, frame);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].packet.kind, DAM_KIND_ICMP);
  EXPECT_EQ(seen[0].bytes[34], 3);
  EXPECT_EQ(seen[0].bytes[35], 4);
  EXPECT_EQ(dam_load_be16(seen[0].bytes.data() + 40), 1500);
  EXPECT_EQ(s.site.drops(DAM_DROP_too_big), 1u);
}

TEST(Splice, AnIcmpErrorReachesWhoSentTheQuotedPacketInItsOwnNumbers) {
  Standing s;
  const auto up = s.up(kAck, "1234");
  ASSERT_EQ(up.size(), 1u);
  const auto seen = s.site.send_raw(kServicePort, frag_needed(up[0], v4(198, 18, 10, 77)));
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].port, kFrontPort);
  EXPECT_TRUE(dam_address_equal(&seen[0].packet.dst, &kClient));
  dam_packet quoted;
  ASSERT_EQ(dam_parse_embedded(seen[0].bytes.data() + 42, seen[0].bytes.data() + 70, &quoted),
            DAM_DROP_none);
  EXPECT_TRUE(dam_address_equal(&quoted.src, &kClient));
  EXPECT_TRUE(dam_address_equal(&quoted.dst, &kPublic));
  EXPECT_EQ(quoted.seq.value, s.c.client.next);
  EXPECT_TRUE(dam_checksum_icmp_valid(seen[0].bytes.data(), &seen[0].packet));
}

// Nobody knows a host by a group's address: who sends an error there means others, too.
TEST(Splice, AnIcmpErrorToAGroupOfHostsIsNotOurs) {
  for (const uint8_t first : {uint8_t{0x01}, uint8_t{0xff}}) {
    Standing s;
    const auto up = s.up(kAck, "1234");
    ASSERT_EQ(up.size(), 1u);
    std::vector<uint8_t> error = frag_needed(up[0], v4(198, 18, 10, 77));
    std::fill_n(error.begin(), 6, first);
    const uint64_t before = s.site.left_alone();
    EXPECT_TRUE(s.site.send_raw(kServicePort, error).empty());
    EXPECT_EQ(s.site.left_alone(), before + 1);
  }
}

TEST(Splice, WhileTheDamSendsWhatItHeldTooBigMakesItCutSmaller) {
  SmallSite site;
  ClientSide client;
  client.to_port = kPortRouted;
  ASSERT_TRUE(prove(site, client));
  const auto asked = site.send(kFrontPort, client.segment(kAck, std::string(1400, 'h')));
  Connection c;
  c.client = client;
  for (const Seen& seen : asked) {
    if (seen.port == kServicePort) c.server_syn = seen;
  }
  Segment answer =
      c.from_server(DAM_TCP_SYN | kAck, {}, c.server_isn, c.server_syn.packet.seq.value + 1);
  answer.mss = 1460;
  answer.window = 65160;
  const auto sent = site.send(kServicePort, answer);
  ASSERT_EQ(sent.size(), 2u) << "header and held bytes";
  ASSERT_GT(sent[1].packet.payload_bytes, 1260);
  std::string again;
  for (const Seen& seen : site.send_raw(kServicePort, frag_needed(sent[1], v4(198, 18, 10, 77)))) {
    if (seen.port != kServicePort || seen.payload() == sent[0].payload()) continue;
    EXPECT_LE(seen.packet.payload_bytes, 1260) << "an MTU of 1,300 less 40";
    again += seen.payload();
  }
  EXPECT_EQ(again.size(), 1400u);
}

TEST(Splice, AnIcmpErrorAboutBytesNeverSentIsRefused) {
  Standing s;
  auto up = s.up(kAck, "1234");
  dam_store_be32(up[0].bytes.data() + up[0].packet.l4 + 4, up[0].packet.seq.value + 1'000'000);
  EXPECT_TRUE(s.site.send_raw(kServicePort, frag_needed(up[0], v4(198, 18, 10, 77))).empty());
  EXPECT_EQ(s.site.drops(DAM_DROP_out_of_window), 1u);
}

}  // namespace
}  // namespace dam::test
