// SPDX-License-Identifier: BSD-3-Clause
// From SYN to splice, segment by segment.
#include <gtest/gtest.h>

#include "tests/unit/engine/small_site.h"

namespace dam::test {
namespace {

TEST(Open, ASynIsAnsweredAndNothingIsRemembered) {
  SmallSite site;
  ClientSide client;
  const auto syn_ack = prove(site, client);
  ASSERT_TRUE(syn_ack);
  EXPECT_EQ(syn_ack->options.mss, 1460);
  EXPECT_EQ(syn_ack->options.wscale, kPromisedWscale);
  EXPECT_TRUE(syn_ack->options.sack_permitted);
  EXPECT_GE(syn_ack->packet.window, 16384) << "the client must be able to send its whole hello";
  EXPECT_EQ(site.flows(), 0u);
}

TEST(Open, ASynWithAWrongChecksumIsNotAnswered) {
  SmallSite site;
  std::vector<uint8_t> bytes(2048);
  Frame frame;
  frame.data = bytes.data();
  ASSERT_TRUE(write_segment(frame, ClientSide{}.segment(DAM_TCP_SYN)));
  bytes.resize(frame.bytes);
  bytes[14 + 20 + 16] ^= 0x55;
  EXPECT_TRUE(site.send_raw(kFrontPort, bytes).empty());
  EXPECT_EQ(site.drops(DAM_DROP_bad_checksum), 1u);
}

TEST(Open, ASynFromAnotherLinkThanTheWayBackIsNotAnswered) {
  SmallSite site;
  EXPECT_TRUE(site.send(kServicePort, ClientSide{}.segment(DAM_TCP_SYN)).empty());
  EXPECT_EQ(site.drops(DAM_DROP_bad_source), 1u);
}

TEST(Open, FramesForAnotherVlanOrAnotherMacAreNotForTheDam) {
  SmallSite site;
  ClientSide client;
  std::vector<uint8_t> bytes(2048);
  Frame frame;
  frame.data = bytes.data();
  ASSERT_TRUE(write_segment(frame, client.segment(DAM_TCP_SYN)));
  bytes.resize(frame.bytes);
  EXPECT_EQ(site.send_raw(kFrontPort, bytes).size(), 1u);
  std::vector<uint8_t> other_mac = bytes;
  other_mac[0] = 2;
  other_mac[5] = 99;
  EXPECT_TRUE(site.send_raw(kFrontPort, other_mac).empty());
  std::vector<uint8_t> tagged = bytes;
  const uint8_t tag[4] = {0x81, 0, 0, 6};
  tagged.insert(tagged.begin() + 12, tag, tag + 4);
  EXPECT_TRUE(site.send_raw(kFrontPort, tagged).empty());
  EXPECT_EQ(site.left_alone(), 2u);
}

TEST(Open, AnAckWithAWrongCookieMakesNoFlowAndIsNotAnswered) {
  SmallSite site;
  ClientSide client;
  ASSERT_TRUE(prove(site, client));
  client.ack += 1;
  // An RST would end a true client's connection whose second segment overtook the first.
  EXPECT_TRUE(site.send(kFrontPort, client.segment(kAck)).empty());
  EXPECT_EQ(site.drops(DAM_DROP_bad_cookie), 1u);
  EXPECT_EQ(site.flows(), 0u);
}

TEST(Open, ACookieLivesThroughOneRotationAndDiesWithTheSecond) {
  SmallSite site;
  ClientSide client;
  ASSERT_TRUE(prove(site, client));
  const uint64_t fresh[2] = {11, 12};
  const uint64_t fresher[2] = {13, 14};
  site.engine().rotate_secret(fresh);
  site.engine().rotate_secret(fresher);
  site.send(kFrontPort, client.segment(kAck));
  EXPECT_EQ(site.flows(), 0u);
  ASSERT_TRUE(prove(site, client));
  site.engine().rotate_secret(fresh);
  site.send(kFrontPort, client.segment(kAck));
  EXPECT_EQ(site.flows(), 1u);
}

TEST(Open, TheHelloChoosesTheServerAndTheHeaderLeavesAlone) {
  SmallSite site;
  const auto service = establish(site, {}, "www.example.org");
  ASSERT_TRUE(service);
  EXPECT_EQ(service->server_port, kServicePort);
  EXPECT_EQ(service->header.payload().substr(0, 12), std::string("\r\n\r\n\0\r\nQUIT\n", 12));
  EXPECT_EQ(service->header.payload().size(), 28u) << "16 bytes and the IPv4 addresses";
  EXPECT_EQ(service->held, client_hello("www.example.org"));
  ClientSide other;
  other.port = 40001;
  const auto management = establish(site, other, "manage.example.org");
  ASSERT_TRUE(management);
  EXPECT_EQ(management->server_port, kManagementPort);
  EXPECT_TRUE(management->header.urgent) << "management leaves first";
}

TEST(Open, ALostHeaderIsSentAgainWhole) {
  SmallSite site;
  const auto connection = establish(site, {}, "www.example.org");
  ASSERT_TRUE(connection);
  const auto again = site.advance(300'000'000);
  ASSERT_GE(again.size(), 2u);
  EXPECT_EQ(again[0].payload(), connection->header.payload());
  EXPECT_EQ(again[0].packet.seq.value, connection->header.packet.seq.value);
  EXPECT_EQ(again[1].payload(), connection->held);
}

TEST(Open, AnAckOfHalfTheHeaderRepeatsAllOfIt) {
  SmallSite site;
  const auto connection = establish(site, {}, "www.example.org");
  ASSERT_TRUE(connection);
  const uint32_t iss = connection->server_syn.packet.seq.value;
  site.send(kServicePort,
            connection->from_server(kAck, {}, connection->server_isn + 1, iss + 1 + 10));
  const auto again = site.advance(300'000'000);
  ASSERT_GE(again.size(), 1u);
  EXPECT_EQ(again[0].payload(), connection->header.payload());
}

TEST(Open, AHelloInPiecesIsHeldAndAcknowledged) {
  SmallSite site;
  ClientSide client;
  ASSERT_TRUE(prove(site, client));
  const std::string hello = client_hello("www.example.org");
  for (size_t i = 0; i + 1 < hello.size(); ++i) {
    const auto seen = site.send(kFrontPort, client.segment(kAck, hello.substr(i, 1)));
    client.next += 1;
    ASSERT_EQ(seen.size(), 1u) << "byte " << i;
    EXPECT_EQ(seen[0].packet.ack.value, client.next);
  }
  const auto last = site.send(kFrontPort, client.segment(kAck, hello.substr(hello.size() - 1)));
  ASSERT_EQ(last.size(), 2u);
  EXPECT_TRUE(last[1].has(DAM_TCP_SYN));
}

TEST(Open, AClientOnTheDamsOwnLinkIsAcknowledgedBeforeArpHasAnswered) {
  SmallSite site;
  ClientSide client;
  client.address = v4(198, 18, 0, 77);
  ASSERT_TRUE(prove(site, client));
  const std::string hello = client_hello("www.example.org");
  const Segment first = client.segment(kAck, std::string_view(hello).substr(0, 60));
  std::vector<uint8_t> bytes(2048);
  Frame frame;
  frame.data = bytes.data();
  ASSERT_TRUE(write_segment(frame, first));
  bytes.resize(frame.bytes);
  const std::vector<uint8_t> mac = {2, 0, 0, 0, 9, 9};
  std::copy(mac.begin(), mac.end(), bytes.begin() + 6);
  const auto seen = site.send_raw(kFrontPort, bytes);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].packet.ack.value, client.next + 60);
  EXPECT_TRUE(std::equal(mac.begin(), mac.end(), seen[0].bytes.begin()));
  client.next += 60;
  site.advance(100'000'000);  // its true address, by ARP
  const auto more = site.send(kFrontPort, client.segment(kAck, hello.substr(60, 1)));
  ASSERT_EQ(more.size(), 1u);
  EXPECT_EQ(more[0].bytes[4], 1) << "02:00:00:00:01:00 of the small site";
}

TEST(Open, PiecesOutOfOrderDuplicatedAndOverlappingMakeTheSameHello) {
  SmallSite site;
  ClientSide client;
  ASSERT_TRUE(prove(site, client));
  const std::string hello = client_hello("www.example.org");
  site.send(kFrontPort, client.segment(kAck));
  const uint32_t base = client.next;
  const auto piece = [&](size_t from, size_t bytes) {
    client.next = base + static_cast<uint32_t>(from);
    return site.send(kFrontPort, client.segment(kAck, hello.substr(from, bytes)));
  };
  EXPECT_EQ(piece(20, 10)[0].packet.ack.value, base) << "a gap is not acknowledged";
  piece(20, 10);
  piece(25, 20);
  EXPECT_EQ(piece(0, 22)[0].packet.ack.value, base + 45);
  const auto done = piece(40, 500);
  ASSERT_EQ(done.size(), 2u);
  EXPECT_TRUE(done[1].has(DAM_TCP_SYN));
}

TEST(Open, WhatCannotBeReadGoesNowhere) {
  struct Row {
    const char* sentence;
    std::string bytes;
    dam_drop_reason reason;
  };
  const Row rows[] = {
      {"not TLS at all", "GET / HTTP/1.1\r\n\r\n", DAM_DROP_hello_malformed},
      {"no server name", client_hello(""), DAM_DROP_no_server_name},
      {"an unknown name", client_hello("nobody.example.org"), DAM_DROP_no_route},
  };
  for (const Row& row : rows) {
    SmallSite site;
    ClientSide client;
    ASSERT_TRUE(prove(site, client));
    const auto seen = site.send(kFrontPort, client.segment(kAck, row.bytes));
    ASSERT_EQ(seen.size(), 2u) << row.sentence;
    EXPECT_TRUE(seen[1].has(DAM_TCP_RST)) << row.sentence;
    EXPECT_EQ(site.drops(row.reason), 1u) << row.sentence;
    EXPECT_EQ(site.flows(), 0u) << row.sentence;
  }
}

TEST(Open, ASilentClientIsLetGoWhenItsTimeIsOver) {
  SmallSite site;
  ClientSide client;
  ASSERT_TRUE(prove(site, client));
  site.send(kFrontPort, client.segment(kAck));
  EXPECT_EQ(site.flows(), 1u);
  site.advance(11'000'000'000);
  EXPECT_EQ(site.flows(), 0u);
  EXPECT_EQ(site.drops(DAM_DROP_hello_timeout), 1u);
}

TEST(Open, APortRouteDoesNotWaitForTheClient) {
  SmallSite site;
  ClientSide client;
  client.to_port = kPortRouted;
  const auto connection = establish(site, client, "");
  ASSERT_TRUE(connection);
  EXPECT_EQ(connection->header.payload().size(), 28u);
  const uint32_t acknowledged = connection->header.packet.seq.value + 28;
  const auto greeting =
      site.send(kServicePort, connection->from_server(kAck | DAM_TCP_PSH, "220 hello",
                                                      connection->server_isn + 1, acknowledged));
  ASSERT_EQ(greeting.size(), 1u);
  EXPECT_EQ(greeting[0].payload(), "220 hello");
  EXPECT_EQ(greeting[0].packet.ack.value, client.isn + 1);
}

TEST(Open, TheSynOfAPortRouteHasTheClientsWindow) {
  SmallSite site;
  ClientSide client;
  client.to_port = kPortRouted;
  ASSERT_TRUE(prove(site, client));
  const auto seen = site.send(kFrontPort, client.segment(kAck));
  ASSERT_EQ(seen.size(), 1u);
  ASSERT_TRUE(seen[0].has(DAM_TCP_SYN));
  EXPECT_EQ(seen[0].packet.window, 502 << 7) << "a SYN's window is never scaled";
}

TEST(Open, ARefusedConnectEndsTheClientsConnection) {
  SmallSite site;
  ClientSide client;
  ASSERT_TRUE(prove(site, client));
  const auto seen = site.send(kFrontPort, client.segment(kAck, client_hello("www.example.org")));
  ASSERT_EQ(seen.size(), 2u);
  Connection connection;
  connection.client = client;
  connection.server_syn = seen[1];
  const auto after = site.send(
      kServicePort,
      connection.from_server(DAM_TCP_RST | DAM_TCP_ACK, {}, 0, seen[1].packet.seq.value + 1));
  ASSERT_EQ(after.size(), 1u);
  EXPECT_EQ(after[0].port, kFrontPort);
  EXPECT_TRUE(after[0].has(DAM_TCP_RST));
  EXPECT_EQ(site.drops(DAM_DROP_server_refused), 1u);
}

TEST(Open, ASilentServerIsAskedAgainAndThenGivenUp) {
  SmallSite site;
  ClientSide client;
  ASSERT_TRUE(prove(site, client));
  site.send(kFrontPort, client.segment(kAck, client_hello("www.example.org")));
  int syns = 0;
  bool reset = false;
  for (const Seen& seen : site.advance(4'000'000'000)) {
    if (seen.packet.kind != DAM_KIND_TCP) continue;
    if (seen.port == kServicePort && seen.has(DAM_TCP_SYN) && !seen.has(DAM_TCP_ECE)) ++syns;
    if (seen.port == kFrontPort && seen.has(DAM_TCP_RST)) reset = true;
  }
  EXPECT_GE(syns, 3);
  EXPECT_TRUE(reset);
  EXPECT_EQ(site.drops(DAM_DROP_server_timeout), 1u);
}

TEST(Open, WhenHandshakesRunOutTheOldestGivesWay) {
  SmallSite site;
  const uint32_t most = SmallSite::small_limits().half_open;
  for (uint16_t i = 0; i < most + 5; ++i) {
    ClientSide client;
    client.port = static_cast<uint16_t>(41000 + i);
    ASSERT_TRUE(prove(site, client));
    site.send(kFrontPort, client.segment(kAck));
  }
  EXPECT_EQ(site.flows(), most);
  EXPECT_EQ(site.drops(DAM_DROP_half_open_limit), 5u);
  ClientSide real;
  real.port = 42000;
  EXPECT_TRUE(establish(site, real, "manage.example.org"));
}

TEST(Open, ASilentServiceServerCannotUseUpWhatHoldsManagementsBytes) {
  Limits limits = SmallSite::small_limits();
  limits.half_open = 64;
  limits.hold_bytes = 8 * (16384 + 2048);
  SmallSite site(limits);
  for (uint16_t i = 0; i < 40; ++i) {  // nobody answers these SYNs
    ClientSide client;
    client.port = static_cast<uint16_t>(41000 + i);
    ASSERT_TRUE(prove(site, client));
    site.send(kFrontPort, client.segment(kAck, client_hello("www.example.org")));
  }
  EXPECT_GT(site.drops(DAM_DROP_hold_full, kServiceZone), 0u);
  ClientSide admin;
  admin.port = 43000;
  EXPECT_TRUE(establish(site, admin, "manage.example.org"));
}

TEST(Open, AFullFlowTableRefusesStrangersAndServesManagement) {
  SmallSite site;
  const uint32_t most = SmallSite::small_limits().flows;
  uint32_t served = 0;
  for (uint16_t i = 0; i < most + 10; ++i) {
    ClientSide client;
    client.port = static_cast<uint16_t>(41000 + i);
    const auto connection = establish(site, client, "www.example.org");
    if (!connection) continue;
    ++served;
    const uint32_t end =
        connection->header.packet.seq.value + 28 + static_cast<uint32_t>(connection->held.size());
    site.send(kServicePort, connection->from_server(kAck, {}, connection->server_isn + 1, end));
  }
  EXPECT_LT(served, most);
  EXPECT_GT(site.drops(DAM_DROP_flow_table_full, kServiceZone), 0u);
  ClientSide admin;
  admin.port = 43000;
  EXPECT_TRUE(establish(site, admin, "manage.example.org"));
}

}  // namespace
}  // namespace dam::test
