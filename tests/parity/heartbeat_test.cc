// SPDX-License-Identifier: BSD-3-Clause
// A dataplane that has ended, or hangs: the kernel's plane makes no promises in its name.
#include <gtest/gtest.h>

#include "tests/unit/engine/small_site.h"
#include "tests/unit/engine/standing.h"

namespace dam::test {
namespace {

ClientSide client_from(uint16_t port) {
  ClientSide client;
  client.port = port;
  return client;
}

// Usual options go the straight way, none the other one.
std::vector<Seen> call_by(SmallSite& site, uint16_t port, bool usual) {
  const ClientSide client = client_from(port);
  Segment syn = client.segment(DAM_TCP_SYN);
  syn.seq = dam_seq_of(client.isn);
  if (usual) {
    syn.mss = 1460;
    syn.sack_permitted = true;
    syn.wscale = 7;
  }
  return site.send(kFrontPort, syn);
}

TEST(Heartbeat, ThreeSecondsAfterTheLastOneNoSynIsAnsweredAndConnectionsGoOn) {
  for (const bool usual : {true, false}) {
    SmallSite site;
    const auto c = stand(site);
    ASSERT_TRUE(c);
    site.front()->engine_lives = false;
    site.advance(2900 * kMillisecond);
    EXPECT_EQ(call_by(site, 40100, usual).size(), 1u);
    site.advance(100 * kMillisecond);
    EXPECT_TRUE(call_by(site, 40101, usual).empty());
    EXPECT_EQ(site.drops(DAM_DROP_no_dataplane), 1u);
    EXPECT_EQ(site.send(kFrontPort, c->client.segment(kAck, "up")).size(), 1u);
    EXPECT_EQ(site.send(kServicePort, c->from_server(kAck, "down", server_next(*c), server_ack(*c)))
                  .size(),
              1u);
    site.front()->engine_lives = true;
    EXPECT_EQ(call_by(site, 40102, usual).size(), 1u);
  }
}

}  // namespace
}  // namespace dam::test
