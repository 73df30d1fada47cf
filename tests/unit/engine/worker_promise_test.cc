// SPDX-License-Identifier: BSD-3-Clause
// What a SYN-ACK promises, every server that the client may come to must hold.
#include <gtest/gtest.h>

#include "tests/unit/engine/small_site.h"
#include "tests/unit/engine/standing.h"

namespace dam::test {
namespace {

TEST(Promise, AFallbackWithoutTimestampsIsLearnedByItsFirstRefusal) {
  SmallSite site;
  Policy policy = site.draft();
  Server spare = policy.servers[0];
  spare.name = "spare";
  spare.address[0] = v4(198, 18, 10, 11);
  policy.servers.push_back(spare);
  policy.routes[0].fallback_slot = 2;
  site.apply(policy);
  site.advance(50'000'000);  // its link address
  site.engine().servers[0].up = 0;
  for (uint16_t i = 0; i < 3; ++i) {
    ClientSide client;
    client.port = static_cast<uint16_t>(40001 + i);
    client.timestamps = true;
    const auto syn_ack = prove(site, client);
    ASSERT_TRUE(syn_ack);
    EXPECT_EQ(syn_ack->options.has_timestamps != 0, i == 0);
    client.timestamps = syn_ack->options.has_timestamps != 0;
    Connection c;
    c.client = client;
    const auto seen = site.send(kFrontPort, client.segment(kAck, client_hello("www.example.org")));
    const Seen* syn = find_tcp(seen, kServicePort, DAM_TCP_SYN);
    ASSERT_NE(syn, nullptr);
    c.server_syn = *syn;
    Segment answer = c.from_server(DAM_TCP_SYN | kAck, {}, 5000, syn->packet.seq.value + 1);
    answer.timestamps = false;
    answer.window = 65160;
    site.send(kServicePort, answer);
    site.advance(200'000'000);
  }
  EXPECT_EQ(site.drops(DAM_DROP_server_options), 1u);
}

}  // namespace
}  // namespace dam::test
