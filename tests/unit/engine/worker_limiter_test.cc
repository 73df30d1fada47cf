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
  for (int i = 0; i < 200; ++i) site.send_raw(kFrontPort, frag_needed(to_client[0], kRouter));
  EXPECT_GT(site.drops(DAM_DROP_icmp_limited), 0u);
  EXPECT_EQ(site.send_raw(kFrontPort, frag_needed(to_admin[0], kRouter)).size(), 1u);
}

}  // namespace
}  // namespace dam::test
