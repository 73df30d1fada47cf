// SPDX-License-Identifier: BSD-3-Clause
// What strangers or the service side use up, servers and management must not miss (rule 5).
#include <gtest/gtest.h>

#include "tests/unit/engine/small_site.h"
#include "tests/unit/engine/standing.h"

namespace dam::test {
namespace {

void send_strays(SmallSite& site, int count) {
  for (int i = 0; i < count; ++i) {
    ClientSide stray;
    stray.address = kStranger;
    stray.port = static_cast<uint16_t>(1000 + i);
    stray.to_port = 81;
    site.send(kFrontPort, stray.segment(kAck));
  }
}

// The server still remembers a connection of these ports: without the RST it never takes the new
// one.
TEST(Limiter, StrangersDoNotTakeTheResetsThatServersNeed) {
  for (const char* name : {"www.example.org", "manage.example.org"}) {
    SmallSite site;
    const auto c = call(site, {}, name);
    ASSERT_TRUE(c);
    send_strays(site, 200);
    const auto seen = site.send(c->server_port, c->from_server(kAck, {}, 777, 888));
    ASSERT_EQ(count_tcp(seen, c->server_port, DAM_TCP_RST), 1u) << name;
    EXPECT_EQ(seen[0].packet.seq.value, 888u);
  }
}

TEST(Limiter, TheServiceServerDoesNotTakeTheResetsOfTheManagementServer) {
  SmallSite site;
  ClientSide other;
  other.port = 40001;
  const auto service = call(site, {}, "www.example.org");
  const auto management = call(site, other, "manage.example.org");
  ASSERT_TRUE(service && management);
  size_t answers = 0;
  for (int i = 0; i < 300; ++i) {
    answers += site.send(kServicePort, service->from_server(kAck, {}, 777, 888)).size();
  }
  EXPECT_LT(answers, 300u) << "it has a limit of its own";
  const auto seen = site.send(kManagementPort, management->from_server(kAck, {}, 777, 888));
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_TRUE(seen[0].urgent);
}

// "Fragmentation needed" of the client's router, about a packet that went to the client.
std::vector<uint8_t> too_big_about(const Seen& quoted) {
  constexpr size_t kQuoted = 28;
  std::vector<uint8_t> frame(14 + 20 + 8 + kQuoted);
  frame[12] = 8;
  uint8_t* ip = frame.data() + 14;
  ip[0] = 0x45;
  dam_store_be16(ip + 2, 20 + 8 + kQuoted);
  ip[8] = 64;
  ip[9] = 1;
  dam_store32(ip + 12, kRouter.word[3]);
  dam_store32(ip + 16, quoted.packet.src.word[3]);
  dam_checksum_ipv4_set(ip);
  ip[20] = 3;
  ip[21] = 4;
  dam_store_be16(ip + 26, 1300);
  std::copy_n(quoted.bytes.begin() + quoted.packet.l3, kQuoted, frame.begin() + 42);
  dam_packet outer{};
  outer.family = 4;
  outer.kind = DAM_KIND_ICMP;
  outer.l3 = 14;
  outer.l4 = 34;
  outer.end = static_cast<uint16_t>(frame.size());
  dam_checksum_icmp_set(frame.data(), &outer);
  return frame;
}

TEST(Limiter, IcmpErrorsOfAServiceClientDoNotTakeThoseOfManagement) {
  SmallSite site;
  ClientSide admin;
  admin.port = 45000;
  const auto service = stand(site);
  const auto management = stand(site, admin, "manage.example.org");
  ASSERT_TRUE(service && management);
  const auto page = [&](const Connection& c) {
    return site.send(c.server_port, c.from_server(kAck, "page", server_next(c), server_ack(c)));
  };
  const auto to_client = page(*service);
  const auto to_admin = page(*management);
  ASSERT_EQ(to_client.size(), 1u);
  ASSERT_EQ(to_admin.size(), 1u);
  for (int i = 0; i < 200; ++i) site.send_raw(kFrontPort, too_big_about(to_client[0]));
  EXPECT_GT(site.drops(DAM_DROP_icmp_limited), 0u);
  EXPECT_EQ(site.send_raw(kFrontPort, too_big_about(to_admin[0])).size(), 1u);
}

}  // namespace
}  // namespace dam::test
