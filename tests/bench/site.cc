// SPDX-License-Identifier: BSD-3-Clause
#include "tests/bench/site.h"

#include <algorithm>
#include <iterator>
#include <random>
#include <string>
#include <utility>

#include "tests/bench/peer.h"

namespace dam::bench {
namespace {

constexpr uint8_t kFrontZone = 0, kSiteZone = 1;  // and those that follow
constexpr uint8_t kZonePrefixBits = 21;
constexpr uint8_t kClientsBits = 15;  // all of them
constexpr uint64_t kMillion = 1'000'000;

dam_address v4(uint32_t host_order) { return dam_address_v4(dam_hton32(host_order).raw); }

Interface interface(std::string name, uint8_t port, uint32_t own, uint32_t count) {
  Interface result;
  result.name = std::move(name);
  result.port = port;
  result.mac = kDamMac[port];
  for (uint32_t i = 0; i < count; ++i) result.subnets.push_back({v4(own + i), 96 + 24});
  return result;
}

// Every dimension is charged for each source and in total; the rates are far above what one core
// can send, so that nothing is refused unless the benchmark is about refusing.
Zone site_zone(const SiteOptions& options) {
  Zone zone;
  const auto limit = [](uint64_t millions_a_second) {
    return dam_gcra_rate_of(millions_a_second * kMillion * 1000, millions_a_second * kMillion);
  };
  zone.per_source[DAM_DIM_packets] = limit(100);
  zone.total[DAM_DIM_packets] = limit(100);
  for (dam_dimension bytes : {DAM_DIM_bytes_up, DAM_DIM_bytes_down}) {
    zone.per_source[bytes] = limit(100'000);
    zone.total[bytes] = limit(100'000);
  }
  zone.per_source[DAM_DIM_connections] = limit(100);
  zone.total[DAM_DIM_connections] = limit(100);
  if (options.requests) zone.per_source[DAM_DIM_requests] = limit(100);
  if (!options.totals) std::fill(std::begin(zone.total), std::end(zone.total), dam_gcra_rate{});
  if (options.one_source) zone.source_bits_v4 = kClientsBits;
  if (options.source_packets_milli != 0) {
    zone.per_source[DAM_DIM_packets] = dam_gcra_rate_of(options.source_packets_milli, 1);
  }
  return zone;
}

std::vector<Server> site_servers(uint32_t count) {
  std::vector<Server> servers(count);
  for (uint32_t i = 0; i < count; ++i) {
    servers[i].name = "server" + std::to_string(i);
    servers[i].address[0] = v4(kFirstServer + i);
    servers[i].port = dam_hton16(kServicePort);
    servers[i].in_policy = true;
  }
  return servers;
}

// A route for each zone; the first one takes every source, those behind it some each.
Router site_router(const Sizes& sizes) {
  std::vector<RouteRule> rules(sizes.zones);
  for (uint32_t zone = 0; zone < sizes.zones; ++zone) {
    rules[zone].route = static_cast<uint16_t>(zone);
    for (uint32_t i = 0; i < sizes.names; ++i) {
      rules[zone].server_names.push_back("page" + std::to_string(i) + ".service.example");
    }
    if (zone == 0) continue;
    const uint32_t first = (kFirstClient >> (32 - kZonePrefixBits)) + zone;
    rules[zone].sources = {{v4(first << (32 - kZonePrefixBits)), 96 + kZonePrefixBits}};
  }
  return Router(rules);
}

void add_zones(Policy& policy, uint32_t count, const SiteOptions& options) {
  policy.zones.resize(kSiteZone + count);
  policy.zones[kFrontZone].name = "front";
  for (uint32_t i = 0; i < count; ++i) {
    Zone& zone = policy.zones[kSiteZone + i];
    zone = site_zone(options);
    zone.name = "site" + std::to_string(i);
    Route route;
    route.name = zone.name;
    route.zone_slot = static_cast<uint8_t>(kSiteZone + i);
    for (size_t slot = 0; slot < policy.servers.size(); ++slot) {
      route.server_slots.push_back(static_cast<uint16_t>(slot));
    }
    policy.routes.push_back(route);
  }
}

}  // namespace

uint32_t servers_for(uint32_t flows) { return flows < 1'500'000 ? 2 : kMostServers; }

Limits site_limits(uint32_t live_flows) {
  Limits limits;
  limits.half_open = 1u << 16;
  limits.flows = (live_flows + limits.half_open) / 8 * 10;  // the management share stays free
  limits.half_open_per_source = 4096;
  limits.hold_bytes = 192u << 20;
  return limits;
}

std::vector<Interface> site_interfaces() {
  Interface front = interface("front", kFrontPort, kDamFront, 1);
  front.gateways = {v4(kFrontGateway)};
  return {front, interface("back", kBackPort, kDamBack, kDamBacks)};
}

std::shared_ptr<const Policy> site_policy(const Sizes& sizes, const SiteOptions& options) {
  auto policy = std::make_shared<Policy>();
  policy->version = options.version;
  policy->limits = site_limits(sizes.flows);
  policy->timeouts.hello_ns = 1'000'000'000;
  policy->timeouts.idle_ns =
      uint64_t{20 * 24 * 3600} * 1'000'000'000;  // outlives the simulated time
  policy->timeouts.closing_ns = 100'000'000;
  policy->timeouts.port_rest_ns = 1'000'000'000;
  Listener listener;
  listener.name = "web";
  listener.address = v4(kDamFront);
  listener.port = dam_hton16(kServicePort);
  listener.in_policy = true;
  policy->listeners = {listener};
  policy->servers = site_servers(servers_for(sizes.flows * sizes.workers));
  add_zones(*policy, sizes.zones, options);
  policy->router = site_router(sizes);
  policy->deny = PrefixSet(options.deny);
  policy->bans = PrefixSet(random_prefixes(sizes.bans));
  policy->derive();
  return policy;
}

std::vector<SourcePrefix> random_prefixes(uint32_t count) {
  std::mt19937_64 random(1);
  std::vector<SourcePrefix> prefixes;
  while (prefixes.size() < count) {
    const auto address = static_cast<uint32_t>(random());
    const bool unicast = address >> 24 != 0 && address >> 24 < 224;
    const bool client = address >> 17 == kFirstClient >> 17;
    if (!unicast || client || address >> 24 == kDamFront >> 24) continue;
    const auto bits = static_cast<uint8_t>(24 + random() % 9);
    prefixes.push_back({v4(address & ~0u << (32 - bits)), static_cast<uint8_t>(96 + bits)});
  }
  return prefixes;
}

}  // namespace dam::bench
