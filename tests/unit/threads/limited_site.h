// SPDX-License-Identifier: BSD-3-Clause
// A site with a zone for each limit, and who comes to it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "dataplane/engine/policy.h"
#include "tests/unit/durations.h"
#include "tests/unit/engine/small_site.h"
#include "tests/unit/threads/peers.h"

namespace dam::test {

enum ZoneSlot : uint8_t {
  kFrontZone,
  kTalkZone,
  kOfficeZone,
  kLimitedZone,
  kBanningZone,
  kNarrowZone
};
inline constexpr const char* kZoneNames[] = {"front",   "talk",    "office",
                                             "limited", "banning", "narrow"};
inline constexpr uint64_t kLimit = 150, kBanBurst = 20;
inline constexpr uint64_t kNarrow = 3;
inline constexpr uint32_t kEach = 8;  // connections of a source
inline constexpr uint64_t kLimitedSources = 4, kBanningSources = 3, kNarrowSources = 2;
inline constexpr uint64_t kNarrowRefused = kNarrowSources * (kEach - kNarrow);
inline constexpr uint64_t kHolding = 3 * 4;

// So little a second that nothing is added while the test runs.
inline dam_gcra_rate only(uint64_t units) { return dam_gcra_rate_of(1, units); }

inline Policy policy_of() {
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
inline constexpr Group kGroups[] = {
    {"talk.example.org", Script::talk, 12, kEach, 10, false},
    {"office.example.org", Script::talk, 6, kEach, 30, true},
    {"limited.example.org", Script::blast, kLimitedSources, kEach, 50, false},
    {"banning.example.org", Script::blast, kBanningSources, kEach, 60, false},
    {"narrow.example.org", Script::hold, kNarrowSources, kEach, 70, false},
    {"talk.example.org", Script::hold, 3, 4, 80, true},
};

inline std::vector<Client> clients_of() {
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

inline uint64_t count_of(Script script) {
  uint64_t count = 0;
  for (const Group& group : kGroups)
    count += group.script == script ? group.sources * group.each : 0;
  return count;
}

}  // namespace dam::test
