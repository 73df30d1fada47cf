// SPDX-License-Identifier: BSD-3-Clause
// Zones that limit requests: what is found in a client's records is charged, whatever way its
// segments take.
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/engine/standing.h"

namespace dam::test {
namespace {

constexpr uint32_t kHead = 60;

std::string record_of(uint32_t bytes, uint8_t type = DAM_TLS_DATA) {
  const char header[] = {static_cast<char>(type), 3, 3, static_cast<char>(bytes >> 8),
                         static_cast<char>(bytes)};
  return std::string(header, sizeof header) + std::string(bytes, 'c');
}

// A client of HTTP/2 whose handshake is over, in a site whose service zone limits requests.
class Requests : public testing::Test {
 protected:
  void begin(const std::function<void(Zone&)>& change, std::string_view alpn = "h2") {
    Policy policy = site_.draft();
    change(policy.zones[kServiceZone]);
    site_.apply(policy);
    ClientSide client;
    client.alpn = alpn;
    connect(client);
  }
  void connect(const ClientSide& client) {
    connection_ = stand(site_, client).value();
    server_next_ = server_next(connection_);
    say(record_of(1, DAM_TLS_CHANGE_CIPHER_SPEC) + record_of(53));
    for (uint32_t i = 0; i < DAM_REQUESTS_TICKETS; ++i) answer();
    if (client.alpn == "h2") say(record_of(81));  // the preface
  }
  // Whether it reached the server, and as it was.
  bool say(const std::string& octets) {
    const auto seen = site_.send(kFrontPort, connection_.client.segment(kAck, octets));
    const Seen* forwarded = find_tcp(seen, kServicePort, kAck);
    const bool passed = forwarded != nullptr && !forwarded->has(DAM_TCP_RST);
    if (passed) connection_.client.next += static_cast<uint32_t>(octets.size());
    return passed;
  }
  void answer(uint32_t record = 200, uint32_t not_acknowledged = 0) {
    const std::string octets = record_of(record);
    const auto client = connection_.client.next - connection_.client.isn - 1 - not_acknowledged;
    const auto ack = connection_.header.packet.seq.value + 28 + client;
    site_.send(kServicePort, connection_.from_server(kAck, octets, server_next_, ack));
    server_next_ += static_cast<uint32_t>(octets.size());
    connection_.client.ack += static_cast<uint32_t>(octets.size());
    site_.advance(20 * kMillisecond);
  }
  bool request(uint32_t bytes = kHead) {
    const bool passed = say(record_of(bytes));
    if (passed) answer();
    return passed;
  }
  uint64_t counted() { return site_.zone(kServiceZone).requests; }

  SmallSite site_;
  Connection connection_;
  uint32_t server_next_ = 0;
};

void limit_source(Zone& zone) { zone.per_source[DAM_DIM_requests] = dam_gcra_rate_of(1'000, 5); }

TEST_F(Requests, AMacroOnOneConnectionIsHeldAtItsRate) {
  begin(limit_source);
  int passed = 0;
  while (passed < 100 && request()) ++passed;
  EXPECT_EQ(passed, 5);
  EXPECT_EQ(counted(), 5u);
  EXPECT_EQ(site_.drops(DAM_DROP_source_requests), 1u);
  EXPECT_TRUE(say({})) << "a bare ACK brings none";
  site_.advance(kSecond);
  EXPECT_TRUE(request()) << "the same segment again, a second later";
  EXPECT_FALSE(request());
  EXPECT_EQ(counted(), 6u);
}

TEST_F(Requests, WhoIsRefusedIsCountedOnceHoweverOftenHeTries) {
  begin(limit_source);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(request());
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(request());
  site_.advance(3 * kSecond);
  EXPECT_TRUE(request());
  EXPECT_EQ(counted(), 6u);
}

TEST_F(Requests, HeadAndBodyAreOne) {
  begin(limit_source);
  int passed = 0;
  while (passed < 100 && say(record_of(kHead)) && say(record_of(90))) ++passed, answer();
  EXPECT_EQ(passed, 5);
}

TEST_F(Requests, HttpOneOneCountsTurns) {
  begin(limit_source, "http/1.1");
  connection_.client.alpn = {};
  int passed = 0;
  while (passed < 100 && request(300)) ++passed;
  EXPECT_GE(passed, 5);
  EXPECT_LE(passed, 6);
}

TEST_F(Requests, SourcesShareNoBucketButTheTotals) {
  begin([](Zone& zone) {
    limit_source(zone);
    zone.total[DAM_DIM_requests] = dam_gcra_rate_of(1'000, 8);
  });
  int passed = 0;
  while (passed < 100 && request()) ++passed;
  EXPECT_EQ(passed, 5);
  ClientSide other;
  other.address = kStranger;
  other.alpn = "h2";
  connect(other);
  while (passed < 100 && request()) ++passed;
  EXPECT_EQ(passed, 8);
  EXPECT_EQ(site_.drops(DAM_DROP_zone_requests), 1u);
}

TEST_F(Requests, ResetAndBanWorkOnThemToo) {
  begin([](Zone& zone) {
    limit_source(zone);
    zone.exceeded = Exceeded::reset;
  });
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(request());
  EXPECT_FALSE(request());
  EXPECT_EQ(site_.flows(), 0u);
}

TEST_F(Requests, ABanIsCountedUnderThem) {
  begin([](Zone& zone) {
    limit_source(zone);
    let_ban(zone, 1);
  });
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(request());
  EXPECT_FALSE(request());
  EXPECT_EQ(site_.zone(kServiceZone).bans[DAM_DIM_requests], 1u);
}

TEST_F(Requests, ShadowCountsAndLetsBy) {
  begin([](Zone& zone) {
    limit_source(zone);
    zone.mode = Mode::shadow;
  });
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(request());
  EXPECT_EQ(site_.zone(kServiceZone).shadow_exceeded[0][DAM_DIM_requests], 3u);
}

TEST_F(Requests, ConnectionsFromBeforeTheLimitAreNotFollowed) {
  begin([](Zone&) {});
  Policy policy = site_.draft();
  limit_source(policy.zones[kServiceZone]);
  site_.apply(policy);
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(request());
  EXPECT_EQ(counted(), 0u);
}

TEST_F(Requests, AZoneThatIsReadForOthersSakeCountsNone) {
  begin(limit_source);
  ASSERT_TRUE(request());
  Policy moved = site_.draft();
  moved.listeners[1].protocol = Protocol::http;
  moved.zones.push_back(moved.zones[kServiceZone]);
  moved.zones.back().name = "api";
  limit_source(moved.zones.back());
  moved.routes[2].zone_slot = 3;
  site_.apply(moved);
  const uint64_t before = counted();
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(request()) << i;
  EXPECT_EQ(counted(), before);
}

TEST_F(Requests, WhatTheServerSaysOnceAnswersOnce) {
  begin(limit_source, "http/1.1");
  ASSERT_TRUE(say(record_of(300)));
  answer();
  ASSERT_TRUE(say(record_of(300)));
  EXPECT_EQ(counted(), 2u);
  const uint32_t next = server_next_, ack = connection_.client.ack;
  server_next_ -= 205;  // the first answer comes again
  answer();
  server_next_ = next;
  connection_.client.ack = ack;
  ASSERT_TRUE(say(record_of(300)));
  EXPECT_EQ(counted(), 2u) << "nobody has answered the second request";
}

TEST_F(Requests, AnAnswerUnderWayAnswersNothing) {
  begin(limit_source, "http/1.1");
  ASSERT_TRUE(say(record_of(300)));
  answer(200, 305);  // it has not got the request yet
  ASSERT_TRUE(say(record_of(300)));
  EXPECT_EQ(counted(), 1u);
}

TEST_F(Requests, TheEntrysNextConnectionBeginsAnew) {
  begin(limit_source);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(request());
  const auto first = site_.engine().worker(0).glance(0);
  ASSERT_TRUE(first && first->requests.followed);
  EXPECT_EQ(first->requests.count, 5u);
  EXPECT_EQ(first->requests.first_bytes, kHead - 17);
  // Both end, and in a zone that counts none the entry is another connection's.
  site_.send(kFrontPort, connection_.client.segment(kAck | DAM_TCP_RST));
  site_.advance(300 * kSecond);
  ASSERT_EQ(site_.flows(), 0u);
  site_.apply(site_.draft());
  ClientSide other;
  other.port = 41000;
  connection_ = stand(site_, other).value();
  const auto second = site_.engine().worker(0).glance(0);
  ASSERT_TRUE(second);
  EXPECT_FALSE(second->requests.followed);
}

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: www.example.org\r\n\r\n";

// Without TLS: each request is read as it passes.
class PlainRequests : public Requests {
 protected:
  void begin_plain(const std::function<void(Zone&)>& change, std::string_view head = kGet) {
    Policy policy = site_.draft();
    policy.listeners[0].protocol = Protocol::http;
    change(policy.zones[kServiceZone]);
    site_.apply(policy);
    head_ = head;
    ClientSide client;
    client.head = head_;
    const auto stands = stand(site_, client);
    if (!stands) return;
    connection_ = *stands;
    server_next_ = server_next(connection_);
  }
  void server_says(const std::string& text) {
    const auto client = connection_.client.next - connection_.client.isn - 1;
    const auto ack = connection_.header.packet.seq.value + 28 + client;
    site_.send(kServicePort, connection_.from_server(kAck, text, server_next_, ack));
    server_next_ += static_cast<uint32_t>(text.size());
    connection_.client.ack += static_cast<uint32_t>(text.size());
  }
  std::string head_;
};

TEST_F(PlainRequests, EachIsCountedAndHeldAtItsRate) {
  begin_plain(limit_source);
  EXPECT_EQ(counted(), 1u) << "the one that it was routed by";
  int passed = 0;
  while (passed < 100 && say(std::string(kGet))) ++passed;
  EXPECT_EQ(passed, 4);
  EXPECT_EQ(site_.drops(DAM_DROP_source_requests), 1u);
  site_.advance(kSecond);
  EXPECT_TRUE(say(std::string(kGet)));
  EXPECT_EQ(counted(), 6u);
}

TEST_F(PlainRequests, ThoseInOneSegmentCountEach) {
  begin_plain([](Zone& zone) { zone.total[DAM_DIM_requests] = dam_gcra_rate_of(1'000, 50); },
              std::string(kGet) + std::string(kGet));
  EXPECT_EQ(counted(), 2u);
  EXPECT_TRUE(say(std::string(kGet) + std::string(kGet) + std::string(kGet)));
  EXPECT_EQ(counted(), 5u);
  const auto glance = site_.engine().worker(0).glance(0);
  ASSERT_TRUE(glance && glance->requests.followed);
  EXPECT_EQ(glance->requests.count, 5u);
  EXPECT_EQ(glance->requests.first_bytes, kGet.size());
}

TEST_F(PlainRequests, ABurstLargerThanTheBucketPassesWhenThatIsFull) {
  begin_plain([](Zone& zone) { zone.per_source[DAM_DIM_requests] = dam_gcra_rate_of(1'000, 2); });
  std::string burst;
  for (int i = 0; i < 6; ++i) burst += kGet;
  EXPECT_FALSE(say(burst));
  site_.advance(5 * kSecond);
  EXPECT_TRUE(say(burst));
  EXPECT_FALSE(say(burst)) << "and it is empty then";
}

TEST_F(PlainRequests, AnOvertakenSegmentComesAgain) {
  begin_plain(limit_source);
  const ClientSide before = connection_.client;
  connection_.client.next += 10;
  EXPECT_FALSE(say("is missing"));
  EXPECT_EQ(site_.drops(DAM_DROP_overtaken), 1u);
  connection_.client = before;
  EXPECT_TRUE(say("POST / HTT"));
  EXPECT_EQ(counted(), 1u) << "its head is not whole yet";
  connection_.client = before;
  EXPECT_TRUE(say("POST / HTT")) << "again, as a client does whose ACK was lost";
  EXPECT_TRUE(say("P/1.1\r\nContent-Length: 30\r\n\r\nGET /not HTTP/1.1\r\n\r\n")) << "a body";
  EXPECT_EQ(counted(), 2u);
}

TEST_F(PlainRequests, WhoSpokeWhileNobodyCountedIsNotHeldUp) {
  begin_plain(limit_source);
  Policy policy = site_.draft();
  policy.listeners[0].protocol = Protocol::http;
  site_.apply(policy);
  EXPECT_TRUE(say(std::string(kGet)));
  limit_source(policy.zones[kServiceZone]);
  site_.apply(policy);
  EXPECT_FALSE(say(std::string(kGet))) << "the server may still want what is missing";
  server_says("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_TRUE(say(std::string(kGet)));
  EXPECT_TRUE(say(std::string(kGet)));
  EXPECT_EQ(counted(), 1u);
}

TEST_F(PlainRequests, ABareAckBehindARefusedSegmentFreesNobody) {
  begin_plain(limit_source);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(say(std::string(kGet)));
  for (int i = 0; i < 3; ++i) {
    const ClientSide before = connection_.client;
    EXPECT_FALSE(say(std::string(kGet)));
    connection_.client.next += static_cast<uint32_t>(kGet.size());
    EXPECT_TRUE(say({}));
    connection_.client = before;
    site_.advance(kSecond);
    EXPECT_TRUE(say(std::string(kGet)));
  }
  EXPECT_EQ(counted(), 8u);
}

TEST_F(PlainRequests, WhatComesWhileTheServerIsAskedCountsToo) {
  Policy policy = site_.draft();
  policy.listeners[0].protocol = Protocol::http;
  limit_source(policy.zones[kServiceZone]);
  for (const int more : {4, 5}) {
    site_.apply(policy);
    ClientSide client;
    client.port = static_cast<uint16_t>(41000 + more);
    ASSERT_TRUE(prove(site_, client));
    const auto called = site_.send(kFrontPort, client.segment(kAck, kGet));
    const Seen* syn = find_tcp(called, kServicePort, DAM_TCP_SYN);
    ASSERT_TRUE(syn);
    client.next += static_cast<uint32_t>(kGet.size());
    std::string burst;
    for (int i = 0; i < more; ++i) burst += kGet;
    site_.send(kFrontPort, client.segment(kAck, burst));
    const auto delivered = site_.send(kServicePort, answer_to(*syn, DAM_TCP_SYN | kAck));
    EXPECT_EQ(find_tcp(delivered, kServicePort, DAM_TCP_PSH) != nullptr, more == 4) << more;
    EXPECT_EQ(find_tcp(delivered, kFrontPort, DAM_TCP_RST) != nullptr, more == 5) << more;
    site_.advance(60 * kSecond);
  }
}

TEST_F(PlainRequests, ALostPieceOfABodyHoldsNobodyUp) {
  begin_plain(limit_source,
              "POST / HTTP/1.1\r\nHost: www.example.org\r\nContent-Length: 300\r\n\r\n");
  const ClientSide before = connection_.client;
  connection_.client.next += 100;
  EXPECT_TRUE(say(std::string(100, 'b')));
  connection_.client.next += 50;
  EXPECT_FALSE(say(std::string(50, 'b') + std::string(kGet))) << "behind it another one begins";
  connection_.client = before;
  EXPECT_TRUE(say(std::string(100, 'b'))) << "it comes again";
  connection_.client.next += 100;
  EXPECT_TRUE(say(std::string(100, 'b') + std::string(kGet)));
  EXPECT_EQ(counted(), 2u);
}

TEST_F(PlainRequests, ShadowHoldsNoSegmentUp) {
  begin_plain([](Zone& zone) {
    limit_source(zone);
    zone.mode = Mode::shadow;
  });
  connection_.client.next += 10;
  EXPECT_TRUE(say("is missing"));
  EXPECT_EQ(site_.drops(DAM_DROP_overtaken), 0u);
}

TEST_F(PlainRequests, WhatTheServerWillNotGetIsNotRead) {
  begin_plain(limit_source);
  std::vector<uint8_t> bait(2048);
  Frame frame;
  frame.data = bait.data();
  ASSERT_TRUE(write_segment(
      frame, connection_.client.segment(kAck, "POST / HTTP/1.1\r\nContent-Length: 9999\r\n\r\n")));
  bait.resize(frame.bytes);
  bait[14 + 8] = 1;  // its last hop is the dam
  dam_checksum_ipv4_set(bait.data() + 14);
  const auto passed = site_.send_raw(kFrontPort, bait);
  EXPECT_EQ(find_tcp(passed, kServicePort, kAck), nullptr);
  EXPECT_TRUE(say(std::string(kGet)));
  EXPECT_TRUE(say(std::string(kGet)));
  EXPECT_EQ(counted(), 3u);
}

TEST_F(PlainRequests, AConnectionOverTheRateIsRefused) {
  begin_plain([](Zone& zone) { zone.per_source[DAM_DIM_requests] = dam_gcra_rate_of(1'000, 1); });
  EXPECT_EQ(counted(), 1u);
  ClientSide second;
  second.port = 41000;
  second.head = head_;
  EXPECT_FALSE(stand(site_, second));
  EXPECT_EQ(site_.drops(DAM_DROP_source_requests), 1u);
}

TEST_F(PlainRequests, BehindASwitchOfProtocolsNoneCounts) {
  const std::string upgrade =
      "GET /chat HTTP/1.1\r\nHost: www.example.org\r\nUpgrade: websocket\r\n\r\n";
  begin_plain(limit_source, upgrade);
  server_says("HTTP/1.1 101 Switching Protocols\r\n\r\n");
  EXPECT_TRUE(say(std::string(kGet)));
  EXPECT_EQ(counted(), 1u);
}

TEST_F(PlainRequests, AnUpgradeThatTheServerDeclinesChangesNothing) {
  begin_plain(limit_source, "GET / HTTP/1.1\r\nHost: www.example.org\r\nUpgrade: h2c\r\n\r\n");
  server_says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(say(std::string(kGet)));
  EXPECT_EQ(counted(), 2u);
}

}  // namespace
}  // namespace dam::test
