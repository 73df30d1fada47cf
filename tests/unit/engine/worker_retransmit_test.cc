// SPDX-License-Identifier: BSD-3-Clause
// The dam as a sender: its timer (RFC 6298 5).
#include <gtest/gtest.h>

#include "tests/unit/durations.h"
#include "tests/unit/engine/small_site.h"
#include "tests/unit/engine/standing.h"

namespace dam::test {
namespace {

TEST(Retransmit, DuplicateAcksDoNotPutOffALostHeader) {
  SmallSite site;
  const auto c = establish(site, {}, "www.example.org");
  ASSERT_TRUE(c);
  const uint32_t iss = c->server_syn.packet.seq.value;
  bool again = false;
  for (int i = 0; i < 4 && !again; ++i) {
    const auto seen = site.advance(100 * kMillisecond);
    again = find_tcp(seen, kServicePort, DAM_TCP_PSH) != nullptr;
    site.send(kServicePort, c->from_server(kAck, {}, c->server_isn + 1, iss + 1));
  }
  EXPECT_TRUE(again) << "within 400 ms";
}

TEST(Retransmit, ProgressStartsTheTimerAnew) {
  SmallSite site;
  const auto c = establish(site, {}, "www.example.org");
  ASSERT_TRUE(c);
  const uint32_t iss = c->server_syn.packet.seq.value;
  site.advance(150 * kMillisecond);
  site.send(kServicePort, c->from_server(kAck, {}, c->server_isn + 1, iss + 1 + 28));
  EXPECT_EQ(count_tcp(site.advance(150 * kMillisecond), kServicePort, DAM_TCP_PSH), 0u);
  EXPECT_GT(count_tcp(site.advance(150 * kMillisecond), kServicePort, DAM_TCP_PSH), 0u);
}

std::optional<Connection> deliver_all(SmallSite& site) {
  auto c = establish(site, {}, "www.example.org");
  if (!c) return std::nullopt;
  const uint32_t up = c->header.packet.payload_bytes + static_cast<uint32_t>(c->held.size());
  site.send(kServicePort,
            c->from_server(kAck, {}, c->server_isn + 1, c->server_syn.packet.seq.value + 1 + up));
  return c;
}

// Found by the simulation: a bit flipped in a segment of the server made it a SYN.
TEST(Retransmit, OnlyTheServersOwnSynAckIsAcknowledgedAgain) {
  SmallSite site;
  const auto c = deliver_all(site);
  ASSERT_TRUE(c);
  const uint32_t ack = c->server_syn.packet.seq.value + 1;
  const auto again =
      site.send(kServicePort, c->from_server(DAM_TCP_SYN | kAck, {}, c->server_isn, ack));
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].packet.ack.value, c->server_isn + 1);
  const auto other =
      site.send(kServicePort, c->from_server(DAM_TCP_SYN | kAck, {}, c->server_isn + 1, ack));
  EXPECT_TRUE(other.empty()) << "the octet behind it was never sent";
  EXPECT_EQ(site.drops(DAM_DROP_out_of_window), 1u);
}

TEST(Retransmit, ADamagedSynAckIsNotAcknowledged) {
  SmallSite site;
  const auto c = deliver_all(site);
  ASSERT_TRUE(c);
  std::vector<uint8_t> bytes(2048);
  Frame frame;
  frame.data = bytes.data();
  const uint32_t ack = c->server_syn.packet.seq.value + 1;
  ASSERT_TRUE(write_segment(frame, c->from_server(DAM_TCP_SYN | kAck, {}, c->server_isn, ack)));
  bytes.resize(frame.bytes);
  bytes[bytes.size() - 1] ^= 1;
  EXPECT_TRUE(site.send_raw(kServicePort, bytes).empty());
  EXPECT_EQ(site.drops(DAM_DROP_bad_checksum), 1u);
}

// Found by the simulation: the header went out with an older TSval than the SYN before it, and the
// server took it, each time that it was sent, for an old duplicate (RFC 7323 5.3).
TEST(Retransmit, AnOvertakenSegmentDoesNotTakeTheClockBack) {
  SmallSite site;
  ClientSide client;
  client.timestamps = true;
  ASSERT_TRUE(prove(site, client));
  const auto send = [&](std::string_view octets, uint32_t offset, uint32_t tsval) {
    Segment segment = client.segment(kAck, octets);
    segment.seq = dam_seq_of(client.next + offset);
    segment.tsval = tsval;
    return site.send(kFrontPort, segment);
  };
  const std::string hello = client_hello("www.example.org");
  const auto after = send(hello, 0, 7010);
  const Seen* syn = find_tcp(after, kServicePort, DAM_TCP_SYN);
  ASSERT_NE(syn, nullptr);
  send("overtaken", static_cast<uint32_t>(hello.size()), 7005);
  Segment answer = answer_to(*syn, DAM_TCP_SYN | kAck);
  answer.timestamps = true;
  answer.tsecr = syn->options.tsval;
  const auto seen = site.send(kServicePort, answer);
  const Seen* header = find_tcp(seen, kServicePort, DAM_TCP_PSH);
  ASSERT_NE(header, nullptr);
  EXPECT_EQ(header->options.tsval, syn->options.tsval);
}

}  // namespace
}  // namespace dam::test
