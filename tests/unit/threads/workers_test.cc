// SPDX-License-Identifier: BSD-3-Clause
// Several workers, each with a thread of its own, and a control thread that changes everything that
// it may while they work. The results are exact all the same. Also run under ThreadSanitizer
// (tools/test --only tsan).
#include <gtest/gtest.h>

#include "dataplane/core/connection_end.h"
#include "tests/unit/durations.h"
#include "tests/unit/engine/small_site.h"
#include "tests/unit/threads/workers.h"

namespace dam::test {
namespace {

enum ZoneSlot : uint8_t {
  kFrontZone,
  kTalkZone,
  kOfficeZone,
  kLimitedZone,
  kBanningZone,
  kNarrowZone
};
constexpr const char* kZoneNames[] = {"front", "talk", "office", "limited", "banning", "narrow"};
constexpr uint64_t kLimit = 150, kBanBurst = 20;
constexpr uint64_t kNarrow = 3;
constexpr uint32_t kEach = 8;  // connections of a source
constexpr uint64_t kLimitedSources = 4, kBanningSources = 3, kNarrowSources = 2;
constexpr uint64_t kNarrowRefused = kNarrowSources * (kEach - kNarrow);
constexpr uint64_t kHolding = 3 * 4;

// So little a second that nothing is added while the test runs.
dam_gcra_rate only(uint64_t units) { return dam_gcra_rate_of(1, units); }

Policy policy_of() {
  Policy policy;
  policy.timeouts.probe_interval_ns = 0;
  policy.timeouts.closing_ns = 200 * kMillisecond;
  policy.timeouts.port_rest_ns = 0;
  policy.log_connections_every = 1;
  Listener https;
  https.name = "https";
  https.address = kPublic;
  https.port = dam_hton16(443);
  https.in_policy = true;
  policy.listeners = {https};
  for (const auto& [name, address] :
       {std::pair("web", kServiceServer), std::pair("admin", kManagementServer)}) {
    Server server;
    server.name = name;
    server.address[0] = address;
    server.port = dam_hton16(443);
    server.in_policy = true;
    policy.servers.push_back(server);
  }
  std::vector<RouteRule> rules;
  for (const char* name : kZoneNames) {
    Zone zone;
    zone.name = name;
    const auto slot = static_cast<uint8_t>(policy.zones.size());
    zone.management = slot == kOfficeZone;
    policy.zones.push_back(zone);
    RouteRule rule;
    rule.route = slot;
    rule.server_names = {std::string(name) + ".example.org"};
    rules.push_back(rule);
    policy.routes.push_back({name, 0, slot, {static_cast<uint16_t>(zone.management ? 1 : 0)}, -1});
  }
  policy.router = Router(rules);
  policy.zones[kLimitedZone].per_source[DAM_DIM_packets] = only(kLimit);
  policy.zones[kNarrowZone].per_source_concurrent = static_cast<uint32_t>(kNarrow);
  Zone& banning = policy.zones[kBanningZone];
  banning.per_source[DAM_DIM_packets] = only(kBanBurst);
  banning.exceeded = Exceeded::ban;
  banning.ban_after = 30;
  banning.ban_within_ns = banning.ban_for_ns = 3600 * kSecond;
  return policy;
}

struct Group {
  const char* server_name;
  Script script;
  uint64_t sources, each;
  uint8_t first_host;
  bool on_link;
};
constexpr Group kGroups[] = {
    {"talk.example.org", Script::talk, 12, kEach, 10, false},
    {"office.example.org", Script::talk, 6, kEach, 30, true},
    {"limited.example.org", Script::blast, kLimitedSources, kEach, 50, false},
    {"banning.example.org", Script::blast, kBanningSources, kEach, 60, false},
    {"narrow.example.org", Script::hold, kNarrowSources, kEach, 70, false},
    {"talk.example.org", Script::hold, 3, 4, 80, true},
};

std::vector<Client> clients_of() {
  std::vector<Client> all;
  for (const Group& group : kGroups) {
    for (uint64_t i = 0; i < group.sources * group.each; ++i) {
      const auto host = static_cast<uint8_t>(group.first_host + i % group.sources);
      Client client;
      client.id = static_cast<uint16_t>(all.size());
      client.address = group.on_link ? v4(198, 18, 0, host) : v4(198, 51, 100, host);
      client.server_name = group.server_name;
      client.script = group.script;
      client.isn = client.id * 100'003u;
      all.push_back(client);
    }
  }
  return all;
}

uint64_t count_of(Script script) {
  uint64_t count = 0;
  for (const Group& group : kGroups)
    count += group.script == script ? group.sources * group.each : 0;
  return count;
}

// What a control thread may do at any time: policies, orders, secrets, captures, looks.
class Control {
 public:
  explicit Control(Workers& workers) : workers_(workers), policy_(policy_of()) {}
  ~Control() = default;
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  void meddle(uint64_t round) {
    if (round == round_) return;
    round_ = round;
    Engine& engine = workers_.engine();
    if (round % 3 == 0) {
      policy_.timeouts.idle_ns = (3600 + round % 7) * kSecond;
      policy_.servers[0].weight = static_cast<uint16_t>(1 + round % 5);
      const SourcePrefix stranger{v4(203, 0, 113, static_cast<uint8_t>(round)), 128};
      policy_.deny = PrefixSet({&stranger, 1});
      workers_.apply(policy_);
    }
    engine.order(0, {false, static_cast<uint16_t>(round % 9)});
    if (round % 300 == 0) {
      const uint64_t fresh[2] = {round, round * 3};
      engine.rotate_secret(fresh);
    }
    dam_capture wanted{};
    wanted.snap_bytes = round % 20 < 10 ? 128 : 0;
    wanted.zone = wanted.reason = DAM_SIGHT_ANY;
    wanted.passed = wanted.dropped = 1;
    if (round % 10 == 0) engine.set_capture(wanted);
    engine.control_tick(workers_.now_ns());
    look();
    hear();
  }

  void ban(const std::vector<SourcePrefix>& sources) {
    policy_.bans = PrefixSet(sources);
    ++policy_.bans_grown;
    workers_.apply(policy_);
  }
  // As an operator ends them.
  void end_flows_of(const dam_address& client) {
    for (uint32_t w = 0; w < Workers::kWorkers; ++w) {
      Worker& worker = workers_.engine().worker(w);
      for (uint32_t i = 0; i < worker.flow_capacity(); ++i) {
        const auto flow = worker.glance(i);
        if (flow && dam_address_equal(&flow->client, &client)) worker.end(flow->id);
      }
    }
  }
  uint64_t records() const { return records_; }
  uint64_t sights() const { return sights_; }

  void hear() {
    for (uint32_t w = 0; w < Workers::kWorkers; ++w) {
      Worker& worker = workers_.engine().worker(w);
      dam_sight sight;
      SightRing::FrameBytes frame;
      while (worker.take_sight(sight, frame)) ++sights_;
      ConnectionRecord record;
      while (worker.take_record(record)) ++records_;
    }
  }

 private:
  void look() {
    Engine& engine = workers_.engine();
    for (uint32_t slot = round_ % 16; slot < engine.sources.slots(); slot += 16) {
      engine.sources.glance(slot);
      SourceTable::banned(engine.sources[slot], workers_.now_ns());
    }
    for (uint32_t w = 0; w < Workers::kWorkers; ++w) {
      for (uint32_t i = 0; i < 200; ++i) engine.worker(w).glance(i);
    }
    for (uint32_t w = 0; w < Workers::kWorkers; ++w) {  // as it looks for new bans
      const dam_worker_counters& counters = workers_.counters().worker[w];
      for (const dam_zone_counters& zone : counters.zones) {
        for (const uint64_t& bans : zone.bans) dam_load_shared64(&bans);
      }
    }
    EXPECT_NE(workers_.counters_file().read(), nullptr);
  }
  Workers& workers_;
  Policy policy_;
  uint64_t round_ = UINT64_MAX, records_ = 0, sights_ = 0;
};

// Of a zone, over all workers.
struct ZoneSum {
  uint64_t packets_up = 0, opened = 0, closed = 0, bans = 0;
  std::array<uint64_t, DAM_DROP_COUNT> drops{};
};
ZoneSum sum_of(const dam_counters& counters, uint8_t slot) {
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
  for (uint8_t slot = 0; slot < std::size(kZoneNames); ++slot) {
    EXPECT_EQ(sum_of(counters, slot).opened, opened[slot]) << kZoneNames[slot];
    EXPECT_EQ(sum_of(counters, slot).closed, opened[slot]) << kZoneNames[slot];
  }
}

class WorkersThreads : public testing::Test {
 protected:
  // Doing what a control thread does, until it holds.
  void wait(const std::function<bool(const Tally&)>& enough) {
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
  Control control{workers};
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
