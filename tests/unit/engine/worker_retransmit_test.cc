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

}  // namespace
}  // namespace dam::test
