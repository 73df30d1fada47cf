// SPDX-License-Identifier: BSD-3-Clause
#include <sys/wait.h>

#include <cstdio>
#include <set>

#include "controlplane/dataplane_link/counters_reader.h"
#include "controlplane/metrics/counters_collector.h"
#include "tests/unit/controlplane/sample_counters.h"
#include "tests/unit/controlplane/sample_policy.h"

namespace dam::control {
namespace {

std::string metrics_of(bool with_counters) {
  LinkState link;
  link.connected = true;
  link.policy_version = 7;
  return CountersCollector({[=] { return with_counters ? sample_counters() : nullptr; },
                            [=] { return link; },
                            {},
                            [] {
                              return BanCounts{{5, 4, 3, 2}, {9, 8, 7, 6}, {1}, {2}, 99, 12, 11};
                            }})
      .text();
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(Metrics, counters_are_summed_over_workers_and_labelled) {
  const std::string text = metrics_of(true);
  for (const char* line :
       {"dam_forwarded_packets_total{zone=\"light\",direction=\"up\"} 20",
        "dam_forwarded_bytes_total{zone=\"light\",direction=\"down\"} 2000",
        "dam_dropped_packets_total{zone=\"light\",reason=\"source_packets\"} 14",
        "dam_dropped_packets_total{zone=\"front\",reason=\"bad_cookie\"} 2",
        "dam_open_connections{zone=\"light\"} 6",
        "dam_bucket_admitted_total{zone=\"light\",dimension=\"packets\"} 20",
        "dam_bucket_admitted_total{zone=\"light\",dimension=\"bytes_down\"} 2000",
        "dam_bucket_exceeded_total{zone=\"light\",scope=\"source\",dimension=\"packets\"} 14",
        "dam_shadow_exceeded_packets_total{zone=\"light\",scope=\"source\",dimension=\"packets\"} "
        "8",
        "dam_server_up{server=\"web\"} 1",
        "dam_server_opened_connections_total{server=\"web\"} 10",
        "dam_table_used_entries{table=\"flows\"} 6",
        "dam_worker_received_packets_total{worker=\"1\"} 1000",
        "dam_interface_info{interface=\"front\",device=\"eth0\",vlan=\"10\",steering=\"nic_hash\"} "
        "1",
        "dam_interface_link_up{interface=\"front\"} 1",
        "dam_interface_speed_bytes{interface=\"front\"} 1250000000",
        "dam_interface_mtu_bytes{interface=\"front\"} 1500",
        "dam_interface_queues{interface=\"front\"} 2",
        "dam_interface_link_changes_total{interface=\"front\"} 0",
        "dam_policy_version 7",
        "dam_held_bans{origin=\"operator\"} 5",
        "dam_bans_total{zone=\"light\",dimension=\"packets\"} 2",
        "dam_bans_total{zone=\"light\",dimension=\"concurrent\"} 4",
        "dam_client_hello_versions_total{version=\"1.3\"} 8",
        "dam_client_hello_alpns_total{alpn=\"http/1.1\"} 6",
        "dam_hello_duration_seconds_count 4",
        "dam_hello_duration_seconds_bucket{le=\"6.4e-05\"} 2",
        "dam_hello_duration_seconds_bucket{le=\"0.000128\"} 3",
        "dam_hello_duration_seconds_bucket{le=\"+Inf\"} 4",
        "dam_hello_duration_seconds_sum 0.500258",
        "dam_burst_size_packets_bucket{worker=\"1\",le=\"16\"} 0",
        "dam_burst_size_packets_bucket{worker=\"1\",le=\"32\"} 1",
        "dam_begun_bans_total{origin=\"escalation\"} 6",
        "dam_lifted_bans_total{origin=\"operator\"} 1",
        "dam_expired_bans_total{origin=\"operator\"} 2",
        "dam_held_bans_limit 99",
        "dam_bans_wanted_version 12",
        "dam_bans_in_force_version 11",
        "dam_dataplane_up 1",
        "dam_dataplane_info{driver=\"test\"} 1"}) {
    EXPECT_TRUE(has_line(text, line)) << line;
  }
}

TEST(Metrics, a_bucket_that_refuses_is_named_by_scope_and_dimension) {
  const auto said = [](int reason, const std::string& labels) {
    const auto text = CountersCollector({[=] {
                                           auto counters = sample_counters();
                                           auto& zone = counters->worker[0].zones[0];
                                           zone.drops[reason] += 1'000'000;
                                           return counters;
                                         },
                                         [] { return LinkState{}; }})
                          .text();
    return text.find("dam_bucket_exceeded_total{zone=\"front\"," + labels + "} 1000") !=
           std::string::npos;
  };
  EXPECT_TRUE(said(DAM_DROP_source_bytes_up, "scope=\"source\",dimension=\"bytes_up\""));
  EXPECT_TRUE(said(DAM_DROP_source_concurrent, "scope=\"source\",dimension=\"concurrent\""));
  EXPECT_TRUE(said(DAM_DROP_zone_packets, "scope=\"total\",dimension=\"packets\""));
  EXPECT_TRUE(said(DAM_DROP_zone_connections, "scope=\"total\",dimension=\"connections\""));
  EXPECT_FALSE(said(DAM_DROP_bad_cookie, "scope=\"source\",dimension=\"packets\""));
}

TEST(Metrics, every_drop_reason_of_the_one_list_is_there_with_its_text) {
  const std::string text = metrics_of(true);
  for (int reason = DAM_DROP_none + 1; reason < DAM_DROP_COUNT; ++reason) {
    const std::string name = drop_name(reason);
    EXPECT_NE(text.find("dam_dropped_packets_total{zone=\"front\",reason=\"" + name + "\"}"),
              std::string::npos);
    EXPECT_TRUE(has_line(text, "dam_drop_reason_info{reason=\"" + name + "\",text=\"" +
                                   drop_text(reason) + "\"} 1"));
  }
}

TEST(Metrics, without_a_dataplane_there_are_no_invented_zeros) {
  const std::string text = metrics_of(false);
  EXPECT_EQ(text.find("dam_forwarded"), std::string::npos);
  EXPECT_TRUE(has_line(text, "dam_policy_version 7"));
}

// Of routes whose servers are "web" and "back-office"; the dam reaches web alone.
std::string routes_said(const std::map<std::string, ServerSight>& servers) {
  LinkState link;
  link.connected = link.started = true;
  link.policy_version = 7;
  const auto policy = std::make_shared<Policy>(*load_policy(kSamplePolicy, "dam.yaml", ".").policy);
  return CountersCollector({[] { return sample_counters(); },
                            [=] { return link; },
                            [&] { return servers; },
                            {},
                            [&]() -> std::shared_ptr<const Policy> { return policy; }})
      .text();
}

TEST(Metrics, routes_say_how_many_of_their_servers_take_connections) {
  const std::string text = routes_said({});
  EXPECT_TRUE(has_line(
      text, "dam_route_servers_up{route=\"pages\",zone=\"light\",management=\"false\"} 1"));
  EXPECT_TRUE(has_line(
      text, "dam_route_servers_up{route=\"manage\",zone=\"admin\",management=\"true\"} 0"));
  ServerSight drained;
  drained.word.intake = Intake::drained;
  EXPECT_TRUE(
      has_line(routes_said({{"web", drained}}),
               "dam_route_servers_up{route=\"pages\",zone=\"light\",management=\"false\"} 0"));
  ServerSight sick;
  sick.health.emplace().verdict = Verdict::down;
  EXPECT_TRUE(
      has_line(routes_said({{"web", sick}}),
               "dam_route_servers_up{route=\"pages\",zone=\"light\",management=\"false\"} 0"));
}

TEST(Metrics, a_policy_has_converged_when_nothing_keeps_the_dataplane_from_it) {
  const auto said = [](const std::function<void(LinkState&)>& change) {
    LinkState link;
    link.connected = link.started = true;
    link.policy_version = 7;
    change(link);
    return CountersCollector({[] { return nullptr; }, [=] { return link; }}).text();
  };
  EXPECT_TRUE(has_line(said([](LinkState&) {}), "dam_policy_converged 1"));
  for (const std::function<void(LinkState&)>& change : std::vector<std::function<void(LinkState&)>>{
           [](LinkState& l) { l.connected = false; }, [](LinkState& l) { l.started = false; },
           [](LinkState& l) { l.policy_version = 0; }, [](LinkState& l) { l.trouble = "no"; },
           [](LinkState& l) { l.restart_needed = true; }}) {
    EXPECT_TRUE(has_line(said(change), "dam_policy_converged 0"));
  }
}

TEST(Metrics, promtool_has_nothing_to_say) {
  if (std::system("command -v promtool >/dev/null") != 0) {
    GTEST_SKIP() << "promtool is in Debian's package prometheus";
  }
  const TemporaryFolder folder;
  const std::string file = folder.write("metrics", metrics_of(true));
  FILE* tool = popen(("promtool check metrics < " + file + " 2>&1").c_str(), "r");
  std::string said;
  char buffer[4096];
  while (const size_t got = fread(buffer, 1, sizeof buffer, tool)) said.append(buffer, got);
  EXPECT_EQ(WEXITSTATUS(pclose(tool)), 0) << said;
  EXPECT_EQ(said, "");
}

TEST(Counters, a_file_that_is_short_or_of_another_version_is_not_read) {
  const TemporaryFolder folder;
  auto counters = sample_counters();
  write_counters(folder.file("good"), *counters);
  EXPECT_NE(read_counters(folder.file("good")), nullptr);
  std::filesystem::resize_file(folder.file("good"), 1000);
  EXPECT_EQ(read_counters(folder.file("good")), nullptr);
  counters->version = 99;
  write_counters(folder.file("other"), *counters);
  EXPECT_EQ(read_counters(folder.file("other")), nullptr);
  counters = sample_counters();
  counters->workers = DAM_MAX_WORKERS + 1;
  write_counters(folder.file("workers"), *counters);
  EXPECT_EQ(read_counters(folder.file("workers")), nullptr);
  EXPECT_EQ(read_counters(folder.file("missing")), nullptr);
}

TEST(Counters, names_without_a_closing_nul_end_with_their_field) {
  char field[DAM_NAME_BYTES];
  std::memset(field, 'x', sizeof field);
  EXPECT_EQ(field_text(field), std::string(DAM_NAME_BYTES, 'x'));
}

}  // namespace
}  // namespace dam::control
