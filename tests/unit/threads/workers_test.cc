// SPDX-License-Identifier: BSD-3-Clause
// Several workers, each with a thread of its own, and a control thread that changes everything that
// it may while they work. The results are exact all the same. Also run under ThreadSanitizer
// (tools/test --only tsan).
#include <gtest/gtest.h>

#include <array>
#include <functional>

#include "tests/unit/threads/control_thread.h"
#include "tests/unit/threads/limited_site.h"
#include "tests/unit/threads/workers.h"

namespace dam::test {
namespace {

// Of a zone, over all workers.
struct ZoneSum {
  uint64_t packets_up = 0, opened = 0, closed = 0, bans = 0;
  std::array<uint64_t, DAM_DROP_COUNT> drops{};
};
ZoneSum sum_of(const dam_counters& counters, size_t slot) {
  ZoneSum sum;
  for (uint32_t w = 0; w < Workers::kWorkers; ++w) {
    const dam_zone_counters& zone = counters.worker[w].zones[slot];
    sum.packets_up += zone.packets[DAM_C2S];
    sum.opened += zone.connections_opened;
    sum.closed += zone.connections_closed;
    sum.bans += dam_bans_of(&zone);
    for (size_t i = 0; i < sum.drops.size(); ++i) sum.drops[i] += zone.drops[i];
  }
  return sum;
}

void expect_nothing_left(Workers& workers) {
  Engine& engine = workers.engine();
  for (uint32_t w = 0; w < Workers::kWorkers; ++w) {
    EXPECT_EQ(engine.worker(w).flows_used(), 0u);
    EXPECT_EQ(engine.worker(w).half_open_used(), 0u);
    EXPECT_EQ(engine.worker(w).hold().used(), 0u);
    for (uint16_t server = 0; server < 2; ++server) {
      EXPECT_EQ(engine.ports(w, server, static_cast<uint8_t>(server + 1))->in_use(), 0u);
    }
  }
  for (const auto& open : engine.zone_concurrent) EXPECT_EQ(open.load(), 0u);
  for (uint32_t i = 0; i < engine.sources.slots(); ++i) {
    EXPECT_EQ(SourceTable::references(engine.sources[i]), 0u);
    EXPECT_EQ(SourceTable::concurrent(engine.sources[i]), 0u);
  }
  EXPECT_TRUE(workers.has_all_frames());
}

// Each limit let by what it may, to the packet; each zone banned each source once.
void expect_limits(const dam_counters& counters) {
  const ZoneSum limited = sum_of(counters, kLimitedZone);
  EXPECT_EQ(limited.packets_up, kLimitedSources * kLimit);
  EXPECT_EQ(limited.drops[DAM_DROP_source_packets],
            kLimitedSources * (kEach * kBlastSegments - kLimit));
  const ZoneSum banning = sum_of(counters, kBanningZone);
  EXPECT_EQ(banning.packets_up, kBanningSources * kBanBurst);
  EXPECT_EQ(banning.bans, kBanningSources);
  const ZoneSum narrow = sum_of(counters, kNarrowZone);
  EXPECT_EQ(narrow.opened, kNarrowSources * kNarrow);
  EXPECT_EQ(narrow.drops[DAM_DROP_source_concurrent], kNarrowRefused);
}

void expect_all_closed(const dam_counters& counters) {
  const uint64_t opened[] = {0,
                             12 * kEach + kHolding,
                             6 * kEach,
                             kLimitedSources * kEach,
                             kBanningSources * kEach,
                             kNarrowSources * kNarrow};
  for (size_t slot = 0; slot < std::size(kZoneNames); ++slot) {
    EXPECT_EQ(sum_of(counters, slot).opened, opened[slot]) << kZoneNames[slot];
    EXPECT_EQ(sum_of(counters, slot).closed, opened[slot]) << kZoneNames[slot];
  }
}

class WorkersThreads : public testing::Test {
 protected:
  // Doing what a control thread does, until it holds.
  void wait(const std::function<bool(const Tally&)>& enough) {
    if (HasFatalFailure()) return;  // the one before never came
    ASSERT_TRUE(workers.go_on_until(enough, [this](uint64_t round) { control.meddle(round); }));
  }
  ZoneSum zone(uint8_t slot) const { return sum_of(*workers.counters_file().read(), slot); }
  uint64_t flows() {
    uint64_t flows = 0;
    for (uint32_t w = 0; w < Workers::kWorkers; ++w) {
      flows += workers.engine().worker(w).flows_used();
    }
    return flows;
  }
  Workers workers{clients_of(), policy_of()};
  ControlThread control{workers};
};

TEST_F(WorkersThreads, ResultsAreExactWhateverTheControlThreadDoes) {
  const uint64_t talks = count_of(Script::talk), blasts = count_of(Script::blast);
  const uint64_t holds = count_of(Script::hold) - kNarrowRefused;
  workers.begin(0, workers.clients().size());
  workers.run();
  wait([&](const Tally& seen) {
    return seen.finished == talks + blasts + holds && seen.closed_by_server == talks &&
           seen.reset == kNarrowRefused;
  });
  workers.fire();
  wait([&](const Tally& seen) {
    const ZoneSum limited = zone(kLimitedZone);
    return seen.blasted == blasts * kBlastSegments &&
           limited.packets_up + limited.drops[DAM_DROP_source_packets] ==
               kLimitedSources * kEach * kBlastSegments &&
           zone(kBanningZone).bans == kBanningSources;
  });
  for (uint8_t host = 80; host < 83; ++host) control.end_flows_of(v4(198, 18, 0, host));
  wait([&](const Tally&) { return zone(kTalkZone).drops[DAM_DROP_ended] == kHolding; });
  std::vector<SourcePrefix> everybody;
  for (const Client& client : clients_of()) everybody.push_back({client.address, 128});
  control.ban(everybody);
  wait([&](const Tally& seen) {
    EXPECT_EQ(seen.wrong, 0u);
    return flows() == 0;
  });
  workers.stop();
  control.hear();
  expect_limits(workers.counters());
  expect_all_closed(workers.counters());
  expect_nothing_left(workers);
  EXPECT_EQ(control.records(), talks + blasts + kHolding + kNarrowSources * kNarrow);
  EXPECT_GT(control.sights(), 0u);
  EXPECT_GT(workers.handed_off(), 0u);
}

}  // namespace
}  // namespace dam::test
