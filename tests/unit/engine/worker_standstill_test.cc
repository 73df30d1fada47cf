// SPDX-License-Identifier: BSD-3-Clause
// What the dam makes of the time in which it stood still itself: a virtual machine that was
// stopped, say.
#include <gtest/gtest.h>

#include "tests/unit/durations.h"
#include "tests/unit/engine/small_site.h"
#include "tests/unit/engine/standing.h"

namespace dam::test {
namespace {

constexpr int kCalls = 3;  // which make a server be taken for down
constexpr uint64_t kPause = 20'000 * kMillisecond;

// Clients whose SYNs have just left to their server.
void call_all(SmallSite& site) {
  for (int i = 0; i < kCalls; ++i) {
    ClientSide client;
    client.port = static_cast<uint16_t>(20'000 + i);
    ASSERT_TRUE(call(site, client, "www.example.org"));
  }
}

bool is_up(SmallSite& site) { return site.engine().servers[0].up != 0; }

// Found by the simulation: all calls under way ran into their time-out at once, and their server,
// which had had no time to answer, was taken for down.
TEST(Standstill, CallsUnderWayAreNoFailuresOfTheirServer) {
  SmallSite site;
  site.advance(5 * kMillisecond);
  call_all(site);
  site.advance(kPause, kPause);
  EXPECT_EQ(site.drops(DAM_DROP_server_timeout), uint64_t{kCalls});
  EXPECT_EQ(site.engine().servers[0].failures, 0u);
  EXPECT_TRUE(is_up(site));
}

TEST(Standstill, SilenceAfterItIsAFailure) {
  SmallSite site;
  site.advance(5 * kMillisecond);
  site.advance(kPause, kPause);
  call_all(site);
  site.advance(kPause);
  EXPECT_EQ(site.drops(DAM_DROP_server_timeout), uint64_t{kCalls});
  EXPECT_FALSE(is_up(site));
}

TEST(Standstill, ARefusalOfTheServersOwnIsAFailureAllTheSame) {
  SmallSite site;
  site.advance(5 * kMillisecond);
  for (int i = 0; i < kCalls; ++i) {
    ClientSide client;
    client.port = static_cast<uint16_t>(20'000 + i);
    const auto c = call(site, client, "www.example.org");
    ASSERT_TRUE(c);
    site.advance(2'000 * kMillisecond, 2'000 * kMillisecond);
    site.send(kServicePort, answer_to(c->server_syn, DAM_TCP_RST | kAck));
  }
  EXPECT_FALSE(is_up(site));
}

}  // namespace
}  // namespace dam::test
