// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/api/views.h"

#include <ctime>

#include "controlplane/dataplane_link/counters_reader.h"
#include "controlplane/dataplane_link/interface_fields.h"

namespace dam::control {

namespace {

constexpr const char* kTableNames[] = {
#define X(name, text) #name,
    DAM_TABLES(X)
#undef X
};

int64_t now_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

Json tables_view(const dam_counters& counters) {
  Json tables = Json::object();
  for (int t = 0; t < DAM_TABLE_COUNT; ++t) {
    tables[kTableNames[t]] = {{"used", counters.table_used[t]},
                              {"capacity", counters.table_capacity[t]}};
  }
  return tables;
}

// The XDP driver's last block counts what the kernel forwards by itself; all others are the
// engine's.
std::string worker_name(const std::string& driver, uint32_t index, uint32_t count) {
  const bool kernel = driver.starts_with("xdp") && count > 1 && index + 1 == count;
  return kernel ? "kernel" : std::to_string(index);
}

Json worker_view(const dam_worker_counters& w) {
  const double cycles = static_cast<double>(w.busy_cycles) + static_cast<double>(w.idle_cycles);
  return {{"rx_packets", w.rx_packets},
          {"tx_packets", w.tx_packets},
          {"busy_cycles", w.busy_cycles},
          {"idle_cycles", w.idle_cycles},
          {"busy_share", cycles > 0 ? static_cast<double>(w.busy_cycles) / cycles : 0.0}};
}

Json workers_view(const dam_counters& counters, const std::string& driver) {
  Json workers = Json::array();
  for (uint32_t w = 0; w < counters.workers; ++w) {
    Json worker = worker_view(counters.worker[w]);
    worker["name"] = worker_name(driver, w, counters.workers);
    workers.push_back(worker);
  }
  return workers;
}

Json interfaces_view(const dam_counters& counters) {
  Json all = Json::array();
  for (const dam_interface_state& one : interfaces_of(counters)) {
    Json view = {{"name", field_text(one.name)},
                 {"device", field_text(one.device)},
                 {"vlan", one.vlan},
                 {"steering", steering_name(one)}};
    for (const InterfaceField& field : interface_fields()) {
      const uint64_t value = one.*field.member;
      view[field.name] = field.flag ? Json(value != 0) : Json(value);
    }
    all.push_back(std::move(view));
  }
  return all;
}

Json link_view(const LinkState& link) {
  return {{"connected", link.connected},
          {"started", link.started},
          {"driver", link.driver},
          {"driver_reason", link.driver_reason},
          {"policy_version", link.policy_version},
          {"restart_needed", link.restart_needed},
          {"trouble", link.trouble}};
}

}  // namespace

double sampled_at() { return static_cast<double>(now_ns(CLOCK_MONOTONIC)) / 1e9; }

Json addresses_of(const std::vector<Located<Address>>& list) {
  Json result = Json::array();
  for (const auto& entry : list) result.push_back(entry.value.text());
  return result;
}

Json changes_view(const std::vector<ZoneChange>& changes) {
  Json result = Json::array();
  for (const ZoneChange& change : changes) {
    result.push_back({{"zone", change.zone}, {"key", change.key}, {"value", change.value}});
  }
  return result;
}

Json status_view(const Sight& sight) {
  Json result = {{"dataplane", link_view(sight.link)}, {"sampled_at", sampled_at()}};
  result["policy"] = {{"config", sight.config}, {"loaded", sight.running != nullptr}};
  if (sight.running) {
    result["policy"]["version"] = sight.running->version.number;
    result["policy"]["author"] = sight.running->version.author;
    result["policy"]["applied_at"] = sight.running->version.at_unix;
    result["policy"]["changes"] = changes_view(sight.running->version.changes);
    if (sight.running->unconfirmed) {
      result["policy"]["confirm_until"] = sight.running->unconfirmed->deadline_unix;
    }
  }
  if (!sight.https.is_null()) result["https"] = sight.https;
  if (!sight.counters) return result;
  const auto age = now_ns(CLOCK_MONOTONIC) - static_cast<int64_t>(sight.counters->heartbeat_ns);
  result["dataplane"]["start_unix"] = sight.counters->start_unix_ns / 1'000'000'000;
  result["dataplane"]["heartbeat_age_ms"] = std::max<int64_t>(0, age / 1'000'000);
  result["interfaces"] = interfaces_view(*sight.counters);
  result["tables"] = tables_view(*sight.counters);
  result["workers"] = workers_view(*sight.counters, sight.link.driver);
  return result;
}

namespace {

std::string limit_text(uint64_t value) { return value == 0 ? "none" : std::to_string(value); }

Json buckets_view(const Buckets& b) {
  return {
      {"packets", event_rate_text(b.packets)},      {"bytes_up", byte_rate_text(b.bytes_up)},
      {"bytes_down", byte_rate_text(b.bytes_down)}, {"connections", event_rate_text(b.connections)},
      {"requests", event_rate_text(b.requests)},    {"concurrent", limit_text(b.concurrent)}};
}

std::string exceeded_text(const Exceeded& e) {
  if (e.action == Action::drop) return "drop";
  if (e.action == Action::reset) return "reset";
  return "ban after " + std::to_string(e.ban.after) + " within " + duration_text(e.ban.within_ns) +
         " for " + duration_text(e.ban.for_ns);
}

Json drops_of(const dam_zone_counters& sum) {
  Json drops = Json::object();
  for (int reason = DAM_DROP_none + 1; reason < DAM_DROP_COUNT; ++reason) {
    if (sum.drops[reason] > 0) drops[drop_name(reason)] = sum.drops[reason];
  }
  return drops;
}

// What the dam takes in for itself was not refused.
constexpr dam_drop_reason kTakenIn[] = {DAM_DROP_consumed, DAM_DROP_held_duplicate};

uint64_t refused(const dam_zone_counters& sum) {
  uint64_t total = 0;
  for (int reason = DAM_DROP_none + 1; reason < DAM_DROP_COUNT; ++reason)
    total += sum.drops[reason];
  for (const dam_drop_reason reason : kTakenIn) total -= sum.drops[reason];
  return total;
}

uint64_t shadow_exceeded(const dam_zone_counters& sum) {
  uint64_t total = 0;
  for (const auto& scope : sum.shadow_exceeded) {
    for (const uint64_t count : scope) total += count;
  }
  return total;
}

Json zone_counters_view(const dam_zone_counters& sum) {
  return {{"packets_up", sum.packets[0]},
          {"packets_down", sum.packets[1]},
          {"bytes_up", sum.bytes[0]},
          {"bytes_down", sum.bytes[1]},
          {"connections_opened", sum.connections_opened},
          {"connections_open", sum.connections_opened - sum.connections_closed},
          {"requests", sum.requests},
          {"bans", dam_bans_of(&sum)},
          {"shadow_exceeded", shadow_exceeded(sum)},
          {"dropped", refused(sum)},
          {"drops", drops_of(sum)}};
}

const char* zone_key_text(ZoneKey key) {
  constexpr const char* kTexts[] = {"source", "ja4", "source+ja4"};
  return kTexts[static_cast<int>(key)];
}

Json zone_view(const Sight& sight, const std::string& name, const Zone& zone) {
  Json view = {{"name", name},
               {"management", zone.management},
               {"mode", zone.mode == Mode::shadow ? "shadow" : "enforce"},
               {"exceeded", exceeded_text(zone.exceeded)},
               {"per_source", buckets_view(zone.per_source)},
               {"total", buckets_view(zone.total)},
               {"key", zone_key_text(zone.key)},
               {"source_prefix",
                {{"ipv4", zone.source_prefix.ipv4_bits}, {"ipv6", zone.source_prefix.ipv6_bits}}}};
  const int slot = sight.counters ? zone_slot(*sight.counters, name) : -1;
  if (slot >= 0) view["counters"] = zone_counters_view(zone_total(*sight.counters, slot));
  return view;
}

}  // namespace

Json zones_view(const Sight& sight) {
  Json zones = Json::array();
  if (sight.running) {
    const NamedList<Zone>& known = sight.running->policy->zones;
    // The dam counts under "front" whether the policy limits it or not.
    const auto* front = find_named(known, kFrontZone);
    zones.push_back(zone_view(sight, kFrontZone, front != nullptr ? front->value : Zone{}));
    for (const auto& zone : known) {
      if (zone.name != kFrontZone) zones.push_back(zone_view(sight, zone.name, zone.value));
    }
  }
  return {{"sampled_at", sampled_at()}, {"zones", zones}};
}

namespace {

template <class List>
Json values_of(const List& list) {
  Json result = Json::array();
  for (const auto& entry : list) result.push_back(entry.value);
  return result;
}

const char* protocol_text(Protocol protocol) {
  constexpr const char* kTexts[] = {"tls", "http", "tcp"};
  return kTexts[static_cast<int>(protocol)];
}

Json listener_view(const Policy& policy, const std::string& name) {
  for (const Listener& listener : policy.listeners) {
    if (listener.name.value != name) continue;
    return {{"name", name},
            {"protocol", protocol_text(listener.protocol)},
            {"port", listener.port},
            {"addresses", addresses_of(listener.addresses)}};
  }
  return nullptr;
}

Json route_view(const Policy& policy, const Route& route) {
  Json sources = Json::array();
  for (const Network& source : route.sources) sources.push_back(source.text());
  return {{"name", route.name.value},
          {"listener", listener_view(policy, route.listener.value)},
          {"server_names", values_of(route.server_names)},
          {"absent_server_name", route.absent_server_name},
          {"alpn", values_of(route.alpn)},
          {"ja4", values_of(route.ja4)},
          {"path", route.path.value},
          {"sources", sources},
          {"zone", route.zone.value},
          {"servers", values_of(route.servers)},
          {"fallback", route.fallback.value}};
}

}  // namespace

Json routes_view(const Sight& sight) {
  Json routes = Json::array();
  if (sight.running) {
    const Policy& policy = *sight.running->policy;
    for (const Route& route : policy.routes) routes.push_back(route_view(policy, route));
  }
  return {{"routes", routes}};
}

Json drops_view(const Sight& sight) {
  Json zones = Json::object();
  Json reasons = Json::object();
  for (int reason = DAM_DROP_none + 1; reason < DAM_DROP_COUNT; ++reason) {
    reasons[drop_name(reason)] = drop_text(reason);
  }
  for (int slot = 0; sight.counters && slot < DAM_MAX_ZONES; ++slot) {
    const std::string name = field_text(sight.counters->zone_names[slot]);
    if (!name.empty()) zones[name] = drops_of(zone_total(*sight.counters, slot));
  }
  Json taken_in = Json::array();
  for (const dam_drop_reason reason : kTakenIn) taken_in.push_back(drop_name(reason));
  return {
      {"sampled_at", sampled_at()}, {"drops", zones}, {"reasons", reasons}, {"taken_in", taken_in}};
}

Json policy_view(const Sight& sight) {
  if (!sight.running) return {{"loaded", false}};
  return {{"loaded", true},
          {"version", sight.running->version.number},
          {"author", sight.running->version.author},
          {"comment", sight.running->version.comment},
          {"applied_at", sight.running->version.at_unix},
          {"text", sight.running->version.text},
          {"changes", changes_view(sight.running->version.changes)},
          {"changes_yaml", sight.running->version.changes.empty()
                               ? ""
                               : yaml_of_changes(sight.running->version.changes)}};
}

}  // namespace dam::control
