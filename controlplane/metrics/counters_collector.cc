// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/metrics/counters_collector.h"

#include <prometheus/text_serializer.h>

#include <ctime>
#include <iterator>

#include "controlplane/dataplane_link/counters_reader.h"
#include "controlplane/metrics/ban_metrics.h"
#include "controlplane/metrics/family_builder.h"
#include "controlplane/metrics/handshake_metrics.h"
#include "controlplane/metrics/interface_metrics.h"
#include "controlplane/metrics/log_metrics.h"
#include "controlplane/metrics/lookalike_metrics.h"
#include "controlplane/metrics/policy_metrics.h"
#include "controlplane/metrics/server_metrics.h"
#include "controlplane/metrics/signal_metrics.h"

namespace dam::control {

namespace {

using Families = std::vector<prometheus::MetricFamily>;

constexpr const char* kDirections[] = {"up", "down"};  // by enum dam_direction
constexpr const char* kScopes[] = {"source", "total"};
constexpr const char* kDimensions[] = {
#define X(name, unit) #name,
    DAM_DIMENSIONS(X)
#undef X
        "concurrent",
};
// [scope][dimension]: the reason for which a limit refuses.
constexpr int kLimitReasons[][DAM_SHADOW_COUNT] = {{
#define X(name, unit) DAM_DROP_source_##name,
                                                       DAM_DIMENSIONS(X)
#undef X
                                                           DAM_DROP_source_concurrent,
                                                   },
                                                   {
#define X(name, unit) DAM_DROP_zone_##name,
                                                       DAM_DIMENSIONS(X)
#undef X
                                                           DAM_DROP_zone_concurrent,
                                                   }};
struct TableText {
  const char* name;
  const char* text;
};
constexpr TableText kTables[] = {
#define X(name, text) {#name, text},
    DAM_TABLES(X)
#undef X
};

double real(uint64_t value) { return static_cast<double>(value); }

struct ZoneTotals {
  std::string name;
  dam_zone_counters sum;
};

std::vector<ZoneTotals> zones_of(const dam_counters& counters) {
  std::vector<ZoneTotals> zones;
  for (int slot = 0; slot < DAM_MAX_ZONES; ++slot) {
    std::string name = field_text(counters.zone_names[slot]);
    if (!name.empty()) zones.push_back({std::move(name), zone_total(counters, slot)});
  }
  return zones;
}

void add_forwarded(const std::vector<ZoneTotals>& zones, Families& out) {
  auto packets =
      counter("dam_forwarded_packets_total", "Packets passed on, by zone and direction.");
  auto bytes = counter("dam_forwarded_bytes_total", "Bytes passed on, whole frames.");
  for (const auto& [name, sum] : zones) {
    for (int d = 0; d < 2; ++d) {
      packets.add(real(sum.packets[d]), {{"zone", name}, {"direction", kDirections[d]}});
      bytes.add(real(sum.bytes[d]), {{"zone", name}, {"direction", kDirections[d]}});
    }
  }
  out.push_back(packets.take());
  out.push_back(bytes.take());
}

void add_drops(const std::vector<ZoneTotals>& zones, Families& out) {
  auto drops = counter("dam_dropped_packets_total",
                       "Packets not passed on, by zone and reason; dam_drop_reason_info says what "
                       "each reason means.");
  for (const auto& [name, sum] : zones) {
    for (int reason = DAM_DROP_none + 1; reason < DAM_DROP_COUNT; ++reason) {
      drops.add(real(sum.drops[reason]), {{"zone", name}, {"reason", drop_name(reason)}});
    }
  }
  out.push_back(drops.take());
}

void add_connections(const std::vector<ZoneTotals>& zones, Families& out) {
  auto opened = counter("dam_opened_connections_total", "Connections that were given a route.");
  auto closed = counter("dam_closed_connections_total", "Connections that ended.");
  auto open = gauge("dam_open_connections", "Connections that are open now.");
  for (const auto& [name, sum] : zones) {
    opened.add(real(sum.connections_opened), {{"zone", name}});
    closed.add(real(sum.connections_closed), {{"zone", name}});
    open.add(real(sum.connections_opened) - real(sum.connections_closed), {{"zone", name}});
  }
  for (auto* family : {&opened, &closed, &open}) out.push_back(family->take());
}

void add_zone_bans(const std::vector<ZoneTotals>& zones, Families& out) {
  auto bans = counter("dam_bans_total",
                      "Sources that a zone banned, by the dimension that they were over last.");
  for (const auto& [name, sum] : zones) {
    for (int d = 0; d < DAM_SHADOW_COUNT; ++d) {
      bans.add(real(sum.bans[d]), {{"zone", name}, {"dimension", kDimensions[d]}});
    }
  }
  out.push_back(bans.take());
}

// What is counted of each limit of each zone: count(zone, scope, dimension).
template <class Count>
void add_limits(const std::vector<ZoneTotals>& zones, FamilyBuilder family, const Count& count,
                Families& out) {
  for (const auto& [name, sum] : zones) {
    for (int scope = 0; scope < 2; ++scope) {
      for (int d = 0; d < DAM_SHADOW_COUNT; ++d) {
        family.add(real(count(sum, scope, d)),
                   {{"zone", name}, {"scope", kScopes[scope]}, {"dimension", kDimensions[d]}});
      }
    }
  }
  out.push_back(family.take());
}

// What the limits of each zone refused, and what mode shadow let by.
void add_exceeded(const std::vector<ZoneTotals>& zones, Families& out) {
  add_limits(
      zones,
      counter("dam_bucket_exceeded_total",
              "Packets (for connections and concurrent: connections) that a zone's "
              "limits refused, by scope (one source or all in total) and dimension."),
      [](const dam_zone_counters& zone, int scope, int d) {
        return zone.drops[kLimitReasons[scope][d]];
      },
      out);
  add_limits(
      zones,
      counter("dam_shadow_exceeded_packets_total",
              "Packets (for concurrent: connections) over a limit that mode shadow let by, by "
              "zone, scope (one source or all in total) and dimension."),
      [](const dam_zone_counters& zone, int scope, int d) {
        return zone.shadow_exceeded[scope][d];
      },
      out);
}

void add_admitted(const std::vector<ZoneTotals>& zones, Families& out) {
  auto admitted = counter("dam_bucket_admitted_total",
                          "What a zone's limits let by, in the dimension's own unit: packets and "
                          "bytes (up: of clients, down: of servers), connections, requests.");
  for (const auto& [name, sum] : zones) {
    const uint64_t let_by[] = {sum.packets[0], sum.bytes[0], sum.bytes[1], sum.connections_opened,
                               sum.requests};  // kDirections
    static_assert(std::size(let_by) == DAM_DIM_COUNT);
    for (int d = 0; d < DAM_DIM_COUNT; ++d) {
      admitted.add(real(let_by[d]), {{"zone", name}, {"dimension", kDimensions[d]}});
    }
  }
  out.push_back(admitted.take());
}

void add_servers(const dam_counters& counters, Families& out) {
  auto up = gauge("dam_server_up", "1: the server answers the dam's probes, 0: it does not.");
  auto mss =
      gauge("dam_server_mss_bytes", "Largest segment that the server announced; 0: unknown.");
  auto opened = counter("dam_server_opened_connections_total", "Connections opened to the server.");
  auto closed =
      counter("dam_server_closed_connections_total", "Connections to the server that ended.");
  auto failures =
      counter("dam_server_failed_connections_total", "Connections that it refused or ignored.");
  for (int slot = 0; slot < DAM_MAX_SERVERS; ++slot) {
    const dam_server_state& state = counters.servers[slot];
    const std::string name = field_text(state.name);
    if (name.empty()) continue;
    const dam_server_counters sum = server_total(counters, slot);
    up.add(state.up, {{"server", name}});
    mss.add(state.mss, {{"server", name}});
    opened.add(real(sum.connections_opened), {{"server", name}});
    closed.add(real(sum.connections_closed), {{"server", name}});
    failures.add(real(sum.connect_failures), {{"server", name}});
  }
  for (auto* family : {&up, &mss, &opened, &closed, &failures}) out.push_back(family->take());
}

void add_tables(const dam_counters& counters, Families& out) {
  std::string help = "Entries in use of each bounded table:";
  for (const auto& table : kTables) help += std::string(" ") + table.name + " (" + table.text + ")";
  auto used = gauge("dam_table_used_entries", help + ".");
  auto capacity = gauge("dam_table_capacity_entries", "Most entries that each table can hold.");
  for (int t = 0; t < DAM_TABLE_COUNT; ++t) {
    used.add(real(counters.table_used[t]), {{"table", kTables[t].name}});
    capacity.add(real(counters.table_capacity[t]), {{"table", kTables[t].name}});
  }
  out.push_back(used.take());
  out.push_back(capacity.take());
}

// One counter of every worker.
struct WorkerMetric {
  const char* name;
  const char* help;
  uint64_t dam_worker_counters::*member;
};
constexpr WorkerMetric kWorkerMetrics[] = {
    {"dam_worker_received_packets_total", "Packets received.", &dam_worker_counters::rx_packets},
    {"dam_worker_received_bytes_total", "Bytes received.", &dam_worker_counters::rx_bytes},
    {"dam_worker_sent_packets_total", "Packets sent.", &dam_worker_counters::tx_packets},
    {"dam_worker_sent_bytes_total", "Bytes sent.", &dam_worker_counters::tx_bytes},
    {"dam_worker_bursts_total", "Bursts that were not empty.", &dam_worker_counters::bursts},
    {"dam_worker_busy_cycles_total", "CPU cycles spent on packets.",
     &dam_worker_counters::busy_cycles},
    {"dam_worker_idle_cycles_total", "CPU cycles spent waiting for packets.",
     &dam_worker_counters::idle_cycles},
    {"dam_worker_handed_off_packets_total", "Packets passed to the worker that owns their flow.",
     &dam_worker_counters::handed_off},
    {"dam_worker_sent_cookies_total", "SYN-ACKs sent with a SYN cookie.",
     &dam_worker_counters::cookies_sent},
    {"dam_worker_accepted_cookies_total", "SYN cookies that came back and were right.",
     &dam_worker_counters::cookies_accepted},
    {"dam_worker_bad_cookies_total", "SYN cookies that were wrong or too old.",
     &dam_worker_counters::cookies_bad},
    {"dam_worker_sent_proxy_headers_total", "PROXY headers sent.",
     &dam_worker_counters::proxy_headers_sent},
    {"dam_worker_retransmitted_packets_total", "Packets that the dam itself sent again.",
     &dam_worker_counters::retransmissions},
    {"dam_worker_host_packets_total",
     "Packets for the host's own network stack. The dpdk driver has a way there where host_path is "
     "true, and else drops them as not_ours.",
     &dam_worker_counters::host_packets},
    {"dam_worker_host_sent_packets_total",
     "Packets of the host's own that the dpdk driver sent for it, where host_path is true.",
     &dam_worker_counters::host_sent},
};

void add_workers(const dam_counters& counters, Families& out) {
  for (const WorkerMetric& metric : kWorkerMetrics) {
    auto family = counter(metric.name, metric.help);
    for (uint32_t w = 0; w < counters.workers; ++w) {
      family.add(real(counters.worker[w].*metric.member), {{"worker", std::to_string(w)}});
    }
    out.push_back(family.take());
  }
}

void add_drop_texts(Families& out) {
  auto info = gauge("dam_drop_reason_info", "What each drop reason means; always 1.");
  for (int reason = DAM_DROP_none + 1; reason < DAM_DROP_COUNT; ++reason) {
    info.add(1, {{"reason", drop_name(reason)}, {"text", drop_text(reason)}});
  }
  out.push_back(info.take());
}

double heartbeat_age_seconds(const dam_counters& counters) {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const double now_ns = static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
  return std::max(0.0, (now_ns - real(counters.heartbeat_ns)) / 1e9);
}

void add_single(Families& out, const char* name, const char* help, double value) {
  auto family = gauge(name, help);
  family.add(value);
  out.push_back(family.take());
}

void add_dataplane(const dam_counters& counters, Families& out) {
  auto info = gauge("dam_dataplane_info", "The dataplane's driver; always 1.");
  info.add(1, {{"driver", field_text(counters.driver)}});
  out.push_back(info.take());
  add_single(out, "dam_dataplane_start_time_seconds", "When the dataplane started, since 1970.",
             real(counters.start_unix_ns) / 1e9);
  add_single(out, "dam_dataplane_heartbeat_age_seconds",
             "Time since the dataplane's control thread was last alive.",
             heartbeat_age_seconds(counters));
  add_single(out, "dam_dataplane_tsc_hertz", "Cycles of the workers' clock in one second.",
             real(counters.tsc_hz));
}

void add_build(Families& out) {
  auto info = gauge("dam_build_info", "The control plane's version and compiler; always 1.");
  info.add(1, {{"version", DAM_PROGRAM_VERSION}, {"compiler", __VERSION__}});
  out.push_back(info.take());
}

void add_link(const LinkState& link, Families& out) {
  add_single(out, "dam_dataplane_up", "1: the dataplane answers the control plane.",
             link.connected ? 1 : 0);
  add_single(out, "dam_policy_version", "The policy that the dataplane runs; 0: none.",
             real(link.policy_version));
  add_single(out, "dam_dataplane_restart_needed",
             "1: interfaces, limits or workers of the policy wait for a restart of the dataplane.",
             link.restart_needed ? 1 : 0);
}

}  // namespace

std::vector<prometheus::MetricFamily> CountersCollector::Collect() const {
  Families out;
  const LinkState link = sources_.link();
  add_build(out);
  add_link(link, out);
  add_policy_state(link, out);
  add_drop_texts(out);
  std::map<std::string, ServerSight> servers;
  if (sources_.servers) {
    servers = sources_.servers();
    add_server_sights(servers, out);
  }
  if (sources_.bans) add_bans(sources_.bans(), out);
  if (sources_.logs) add_logs(sources_.logs(), out);
  if (sources_.signals) add_signals(sources_.signals(), out);
  if (sources_.lookalikes) add_lookalikes(sources_.lookalikes(), out);
  const auto counters = sources_.counters();
  if (!counters) return out;
  add_dataplane(*counters, out);
  add_interfaces(*counters, out);
  const auto policy = sources_.policy ? sources_.policy() : nullptr;
  if (policy) add_routes(*policy, *counters, servers, out);
  const auto zones = zones_of(*counters);
  add_forwarded(zones, out);
  add_drops(zones, out);
  add_connections(zones, out);
  add_zone_bans(zones, out);
  add_exceeded(zones, out);
  add_admitted(zones, out);
  add_servers(*counters, out);
  add_tables(*counters, out);
  add_workers(*counters, out);
  add_handshakes(*counters, out);
  return out;
}

std::string CountersCollector::text() const {
  return prometheus::TextSerializer().Serialize(Collect());
}

}  // namespace dam::control
