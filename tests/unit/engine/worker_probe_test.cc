// SPDX-License-Identifier: BSD-3-Clause
// When servers are asked, and what silence means.
#include <gtest/gtest.h>

#include <set>

#include "tests/unit/durations.h"
#include "tests/unit/engine/small_site.h"
#include "tests/unit/engine/standing.h"

namespace dam::test {
namespace {

// Probes every `interval_ns`. Nobody answers unless the test does.
Policy probing(const SmallSite& site, uint64_t interval_ns) {
  Policy policy = site.draft();
  policy.timeouts.probe_interval_ns = interval_ns;
  return policy;
}

// Answers the probes that leave by these ports, for a time. Gives how many there were.
size_t answer_probes(SmallSite& site, uint64_t duration_ns, bool service, bool management) {
  size_t count = 0;
  for (uint64_t done_ns = 0; done_ns < duration_ns; done_ns += 5 * kMillisecond) {
    for (const Seen& seen : site.advance(5 * kMillisecond)) {
      if (seen.packet.kind != DAM_KIND_TCP || !seen.has(DAM_TCP_SYN)) continue;
      ++count;
      const bool answers = seen.port == kServicePort ? service : management;
      if (answers) site.send(seen.port, answer_to(seen, DAM_TCP_SYN | kAck));
    }
  }
  return count;
}

bool is_up(SmallSite& site, uint16_t slot) { return site.engine().servers[slot].up != 0; }

TEST(Probe, ASilentServerIsNoticedHoweverShortTheInterval) {
  for (const uint64_t interval_ns :
       {200 * kMillisecond, 1000 * kMillisecond, 2000 * kMillisecond}) {
    SmallSite site;
    site.apply(probing(site, interval_ns));
    answer_probes(site, 2 * interval_ns, true, true);
    EXPECT_TRUE(is_up(site, 0));
    answer_probes(site, 2 * interval_ns, false, true);
    EXPECT_TRUE(is_up(site, 0)) << "two silences are not enough";
    answer_probes(site, 2 * interval_ns + 1000 * kMillisecond, false, true);
    EXPECT_FALSE(is_up(site, 0)) << interval_ns;
    EXPECT_TRUE(is_up(site, 1)) << interval_ns;
    answer_probes(site, 2 * interval_ns, true, true);
    EXPECT_TRUE(is_up(site, 0)) << "it answers again";
  }
}

TEST(Probe, NoneTakesThePlaceOfOneThatMayStillBeAnswered) {
  SmallSite site;
  site.apply(probing(site, 2000 * kMillisecond));
  std::optional<Seen> syn;
  while (!syn) {
    const auto seen = site.advance(5 * kMillisecond);
    if (const Seen* found = find_tcp(seen, kServicePort, DAM_TCP_SYN)) syn = *found;
  }
  site.apply(probing(site, 1000 * kMillisecond));
  EXPECT_EQ(count_tcp(site.advance(900 * kMillisecond), kServicePort, DAM_TCP_SYN), 0u);
  const auto reset = site.send(kServicePort, answer_to(*syn, DAM_TCP_SYN | kAck));
  EXPECT_EQ(count_tcp(reset, kServicePort, DAM_TCP_RST), 1u);
  EXPECT_EQ(site.engine().servers[0].failures, 0u);
}

TEST(Probe, OneUnderWayWhenTheSourcePortsChangeIsNoFailure) {
  SmallSite site;
  site.apply(probing(site, 2000 * kMillisecond));
  for (int i = 0; i < 8; ++i) {
    while (!find_tcp(site.advance(5 * kMillisecond), kServicePort, DAM_TCP_SYN)) {
    }
    Policy policy = probing(site, 2000 * kMillisecond);
    policy.source_ports.first =
        static_cast<uint16_t>(policy.source_ports.first + 1000 * (1 - i % 2));
    site.apply(policy);
    EXPECT_GT(answer_probes(site, 1000 * kMillisecond, true, true), 0u) << "they are asked again";
    EXPECT_EQ(site.engine().servers[0].failures, 0u);
  }
  EXPECT_TRUE(is_up(site, 0));
}

// A virtual machine that was stopped, say: its neighbours have not failed meanwhile.
TEST(Probe, OneUnderWayWhileTheDamItselfStoodStillIsNoFailure) {
  SmallSite site;
  site.apply(probing(site, 2000 * kMillisecond));
  for (int i = 0; i < 4; ++i) {
    while (!find_tcp(site.advance(5 * kMillisecond), kServicePort, DAM_TCP_SYN)) {
    }
    site.advance(20'000 * kMillisecond, 20'000 * kMillisecond);
    EXPECT_EQ(site.engine().servers[0].failures, 0u);
    EXPECT_GT(answer_probes(site, 1000 * kMillisecond, true, true), 0u) << "they are asked again";
  }
  EXPECT_TRUE(is_up(site, 0));
}

// Shorter stops, one after the other: each is too short to give up what is under way.
TEST(Probe, OneUnderWayHasNoLessTimeForTheDamsOwnStops) {
  SmallSite site;
  site.apply(probing(site, 2000 * kMillisecond));
  while (!find_tcp(site.advance(5 * kMillisecond), kServicePort, DAM_TCP_SYN)) {
  }
  site.advance(1600 * kMillisecond, 400 * kMillisecond);
  EXPECT_EQ(site.engine().servers[0].failures, 0u);
  site.advance(1000 * kMillisecond);
  EXPECT_EQ(site.engine().servers[0].failures, 1u);
}

TEST(Probe, ServersWithIntervalsAreAskedOnceEach) {
  SmallSite site;
  site.apply(probing(site, 500 * kMillisecond));
  EXPECT_EQ(answer_probes(site, 5000 * kMillisecond, true, true), 2u * 10);
}

// A new server whose link address nobody tells at first.
TEST(Probe, AnUnresolvedNextHopIsNoFailureUntilItStaysSilent) {
  SmallSite site;
  Policy policy = probing(site, 500 * kMillisecond);
  policy.servers[0].address[0] = v4(198, 18, 10, 77);
  site.mute(policy.servers[0].address[0], true);
  site.apply(policy);
  answer_probes(site, 1500 * kMillisecond, true, true);
  EXPECT_EQ(site.engine().servers[0].failures, 0u) << "it is being asked for";
  EXPECT_TRUE(is_up(site, 0));
  answer_probes(site, 5000 * kMillisecond, true, true);
  EXPECT_FALSE(is_up(site, 0)) << "nobody has this address";
  site.mute(policy.servers[0].address[0], false);
  answer_probes(site, 2000 * kMillisecond, true, true);
  EXPECT_TRUE(is_up(site, 0));
}

TEST(Probe, AResolvedNextHopIsProbedWithinATenthOfASecond) {
  SmallSite site;
  Policy policy = probing(site, 10'000 * kMillisecond);
  policy.servers[0].address[0] = v4(198, 18, 10, 77);
  site.apply(policy);
  EXPECT_EQ(answer_probes(site, 300 * kMillisecond, true, true), 2u) << "one each";
}

// So happens when every slot has been in use, and a new server takes that of a retired one.
Policy with_another_server(Policy policy) {
  policy.servers[0].name = "another";
  policy.servers[0].address[0] = v4(198, 18, 10, 78);
  return policy;
}

TEST(Probe, WhoTakesTheSlotOfAnotherServerInheritsNothingOfIt) {
  SmallSite site;
  const Policy first = probing(site, 1000 * kMillisecond);
  site.apply(first);
  bool learned = false;
  for (int i = 0; i < 400 && !learned; ++i) {
    const auto seen = site.advance(5 * kMillisecond);
    const Seen* syn = find_tcp(seen, kServicePort, DAM_TCP_SYN);
    if (syn == nullptr) continue;
    Segment answer = answer_to(*syn, DAM_TCP_SYN | kAck);
    answer.mss = 600;
    site.send(kServicePort, answer);
    learned = true;
  }
  answer_probes(site, 5000 * kMillisecond, false, true);
  site.engine().control_tick(site.now_ns());
  ASSERT_FALSE(is_up(site, 0));
  ASSERT_EQ(site.server_state(0).mss, 600u);
  site.apply(with_another_server(first));
  site.advance(5 * kMillisecond);
  EXPECT_TRUE(is_up(site, 0)) << "presumed up, as every new one";
  EXPECT_EQ(site.engine().servers[0].failures, 0u);
  EXPECT_EQ(site.engine().servers[0].learned, 0u);
  site.engine().control_tick(site.now_ns());
  EXPECT_EQ(site.server_state(0).mss, 0u);
  EXPECT_EQ(site.server_state(0).options, 0u);
}

TEST(Probe, WhoTakesTheSlotOfAnotherServerIsAskedAtOnceAndNotBlamedForTheOtherOnesSilence) {
  SmallSite site;
  const Policy first = probing(site, 2000 * kMillisecond);
  site.apply(first);
  while (find_tcp(site.advance(5 * kMillisecond), kServicePort, DAM_TCP_SYN) == nullptr) continue;
  site.apply(with_another_server(first));
  EXPECT_EQ(answer_probes(site, 300 * kMillisecond, true, true), 1u);
  answer_probes(site, 1000 * kMillisecond, true, true);
  EXPECT_EQ(site.engine().servers[0].failures, 0u);
  const uint32_t known = site.engine().servers[0].learned;
  Policy more = with_another_server(first);
  more.servers[1].weight = 7;
  site.apply(more);
  site.advance(5 * kMillisecond);
  EXPECT_EQ(site.engine().servers[0].learned, known) << "who stays is known";
  EXPECT_NE(known, 0u);
}

TEST(Probe, ItsAnswerComesFromTheServersOwnLink) {
  SmallSite site;
  site.apply(probing(site, 200 * kMillisecond));
  for (int i = 0; i < 200; ++i) {
    for (const Seen& seen : site.advance(5 * kMillisecond)) {
      if (seen.packet.kind != DAM_KIND_TCP || !seen.has(DAM_TCP_SYN)) continue;
      if (seen.port != kManagementPort) continue;
      site.send(kServicePort, answer_to(seen, DAM_TCP_RST | kAck));  // forged on the other link
      site.send(kManagementPort, answer_to(seen, DAM_TCP_SYN | kAck));
    }
  }
  EXPECT_TRUE(is_up(site, 1));
}

// Found by the simulation: a new range began with the port of a connection that stood. The SYN came
// into its midst, and nobody answered the probe: three of them, and the server was taken for down.
TEST(Probe, NoneLeavesByThePortOfAConnection) {
  for (const int before : {0, 1}) {  // two servers take turns at the ports
    SmallSite site;
    const auto c = stand(site);
    ASSERT_TRUE(c);
    const uint16_t port = dam_ntoh16(c->server_syn.packet.src_port);
    Policy policy = probing(site, 1000 * kMillisecond);
    policy.source_ports = {static_cast<uint16_t>(port - before), 65535};
    site.apply(policy);
    size_t probes = 0;
    for (int i = 0; i < 40 * 200; ++i) {
      for (const Seen& seen : site.advance(5 * kMillisecond)) {
        if (seen.port != kServicePort || !seen.has(DAM_TCP_SYN)) continue;
        ++probes;
        EXPECT_NE(dam_ntoh16(seen.packet.src_port), port);
        site.send(seen.port, answer_to(seen, DAM_TCP_SYN | kAck));
      }
    }
    EXPECT_GE(probes, 39u);
  }
}

TEST(Probe, OneThatFindsNoPortIsCounted) {
  SmallSite site;
  constexpr uint16_t kFirst = 2000;
  Policy policy = site.draft();
  policy.source_ports = {kFirst, kFirst + 2 * kProbePorts + 3};
  site.apply(policy);
  std::set<uint16_t> taken;
  for (const Connection& c : stand_many(site, 2 * kProbePorts)) {
    taken.insert(dam_ntoh16(c.server_syn.packet.src_port));
  }
  // All but the share of management routes.
  ASSERT_EQ(*taken.rbegin() - *taken.begin() + 1u, taken.size());
  ASSERT_GE(taken.size(), kProbePorts);
  const uint64_t before = site.drops(DAM_DROP_no_source_port, 0);
  policy = probing(site, 1000 * kMillisecond);
  policy.source_ports = {*taken.begin(), 65535};
  site.apply(policy);
  for (int i = 0; i < 500; ++i) {
    const auto seen = site.advance(5 * kMillisecond);
    EXPECT_EQ(find_tcp(seen, kServicePort, DAM_TCP_SYN), nullptr);
  }
  EXPECT_GE(site.drops(DAM_DROP_no_source_port, 0), before + 2);
  EXPECT_TRUE(is_up(site, 0)) << "nobody asked it";
}

}  // namespace
}  // namespace dam::test
