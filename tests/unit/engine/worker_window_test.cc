// SPDX-License-Identifier: BSD-3-Clause
// Who knows a connection's addresses and ports, and no more, can do nothing to it.
#include <gtest/gtest.h>

#include <cstring>

#include "tests/unit/engine/standing.h"

namespace dam::test {
namespace {

struct Victim {
  explicit Victim(const std::function<void(Policy&)>& change = {}) {
    Policy policy = site.draft();
    if (change) change(policy);
    site.apply(policy);
    connection = stand(site).value();
    server_next = test::server_next(connection);
    server_ack = test::server_ack(connection);
  }
  std::vector<Seen> up(uint8_t flags, std::string_view payload) {
    return site.send(kFrontPort, connection.client.segment(flags, payload));
  }
  std::vector<Seen> down(uint8_t flags, std::string_view payload) {
    return site.send(kServicePort, connection.from_server(flags, payload, server_next, server_ack));
  }

  SmallSite site;
  Connection connection;
  uint32_t server_next;
  uint32_t server_ack;
};

Segment forged(const Victim& standing, uint8_t flags, uint32_t seq, uint32_t ack,
               std::string_view payload = {}) {
  Segment segment = standing.connection.client.segment(flags, payload);
  segment.seq = dam_seq_of(seq);
  segment.ack = dam_seq_of(ack);
  return segment;
}

TEST(WorkerWindow, forged_segments_spend_none_of_their_victims_tokens) {
  Victim standing([](Policy& policy) {
    Zone& zone = policy.zones[kServiceZone];
    zone.exceeded = Exceeded::ban;
    zone.ban_after = 3;
    zone.ban_within_ns = 60'000'000'000;
    zone.ban_for_ns = 600'000'000'000;
    zone.per_source[DAM_DIM_packets] = dam_gcra_rate_of(10'000, 20);
  });
  for (uint32_t i = 0; i < 64; ++i) {
    standing.site.send(kFrontPort,
                       forged(standing, DAM_TCP_ACK, 0x11111111u * (i % 15), 0x7777u * i, "junk"));
  }
  EXPECT_EQ(standing.site.drops(DAM_DROP_out_of_window), 64u);
  EXPECT_EQ(standing.site.bans(kServiceZone), 0u);
  EXPECT_EQ(standing.up(DAM_TCP_ACK, "mine").size(), 1u);
}

// What the dam believes of the numbers cannot be walked to where a forged RST counts.
TEST(WorkerWindow, forged_segments_and_a_reset_behind_them_end_nothing) {
  Victim standing;
  constexpr uint32_t kStep = (1u << 26) - 1;
  uint32_t seq = 0x12345678;
  for (int i = 0; i < 66; ++i, seq += kStep) {
    standing.site.send(kFrontPort, forged(standing, DAM_TCP_ACK, seq, 99));
  }
  standing.site.send(kFrontPort, forged(standing, DAM_TCP_RST, seq - kStep, 0));
  standing.site.advance(15'000'000'000);
  EXPECT_EQ(standing.site.flows(), 1u);
  EXPECT_EQ(standing.up(DAM_TCP_ACK, "alive").size(), 1u);
}

TEST(WorkerWindow, the_true_reset_is_still_believed_after_forged_segments) {
  Victim standing;
  for (uint32_t i = 0; i < 66; ++i) {
    standing.site.send(kFrontPort, forged(standing, DAM_TCP_ACK, i * 0x03ffffff, 99));
  }
  standing.up(DAM_TCP_ACK, "not yet acknowledged");
  standing.connection.client.next += 20;
  standing.up(DAM_TCP_RST, {});
  standing.site.advance(15'000'000'000);
  EXPECT_EQ(standing.site.flows(), 0u);
}

TEST(WorkerWindow, a_forged_fin_does_not_shorten_the_idle_limit) {
  Victim standing([](Policy& policy) {
    policy.timeouts.idle_ns = 60'000'000'000;
    policy.timeouts.half_closed_ns = 5'000'000'000;
  });
  standing.site.send(kFrontPort, forged(standing, DAM_TCP_FIN | DAM_TCP_ACK, 0xdeadbeef, 5));
  for (int i = 0; i < 10; ++i) {
    standing.site.advance(7'000'000'000);
    ASSERT_EQ(standing.up(DAM_TCP_ACK, {}).size(), 1u) << "after " << 7 * (i + 1) << " s";
  }
}

TEST(WorkerWindow, retransmissions_keep_alives_and_late_acks_pass) {
  Victim standing;
  const ClientSide client = standing.connection.client;
  EXPECT_EQ(standing.up(DAM_TCP_ACK, "abc").size(), 1u);
  EXPECT_EQ(standing.up(DAM_TCP_ACK, "abc").size(), 1u) << "a retransmission";
  EXPECT_EQ(
      standing.site.send(kFrontPort, forged(standing, DAM_TCP_ACK, client.next - 1, client.ack))
          .size(),
      1u)
      << "a keep-alive";
  standing.down(DAM_TCP_ACK, "one");
  standing.server_next += 3;
  EXPECT_EQ(
      standing.site.send(kFrontPort, forged(standing, DAM_TCP_ACK, client.next + 3, client.ack + 3))
          .size(),
      1u);
  EXPECT_EQ(
      standing.site.send(kFrontPort, forged(standing, DAM_TCP_ACK, client.next + 3, client.ack))
          .size(),
      1u)
      << "an ACK that was overtaken";
}

TEST(WorkerWindow, nobody_acknowledges_what_was_never_sent) {
  Victim standing;
  const ClientSide client = standing.connection.client;
  EXPECT_TRUE(
      standing.site.send(kFrontPort, forged(standing, DAM_TCP_ACK, client.next, client.ack + 1))
          .empty());
  EXPECT_EQ(standing.site.drops(DAM_DROP_out_of_window), 1u);
}

TEST(WorkerWindow, a_servers_segment_is_taken_from_its_own_link_only) {
  Victim standing;
  const Segment injected = standing.connection.from_server(
      DAM_TCP_ACK, "injected", standing.server_next, standing.server_ack);
  EXPECT_TRUE(standing.site.send(kFrontPort, injected).empty());
  EXPECT_TRUE(standing.site.send(kManagementPort, injected).empty());
  EXPECT_EQ(standing.site.drops(DAM_DROP_bad_source), 2u);
  EXPECT_EQ(standing.site.send(kServicePort, injected).size(), 1u);
}

}  // namespace
}  // namespace dam::test
