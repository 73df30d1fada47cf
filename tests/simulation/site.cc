// SPDX-License-Identifier: BSD-3-Clause
#include "tests/simulation/site.h"

namespace dam::simulation {

dam_address make_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
  return dam_address_v4(uint32_t{d} << 24 | uint32_t{c} << 16 | uint32_t{b} << 8 | a);
}

dam_address make_v6(uint16_t net, uint16_t host) {
  return {{__builtin_bswap32(0x20010db8), __builtin_bswap32(uint32_t{net} << 16), 0,
           __builtin_bswap32(host)}};
}

dam_address public_address(uint8_t family) {
  return family == 4 ? make_v4(198, 18, 0, 2) : make_v6(0, 2);
}

dam_address client_address(uint16_t host, uint8_t family) {
  const auto number = static_cast<uint8_t>(10 + host);
  return family == 4 ? make_v4(198, 51, 100, number)
                     : make_v6(static_cast<uint16_t>(0x100 + host), 1);
}

dam_address server_address(uint16_t slot, uint8_t family) {
  const bool management = slot == kAdminServer;
  const auto number = static_cast<uint8_t>(10 + slot);
  if (family == 4) return make_v4(198, 18, management ? 20 : 10, number);
  return make_v6(management ? 0x20 : 0x10, number);
}

MacAddress own_mac(uint8_t port) { return {2, 0, 0, 0, 0, port}; }

MacAddress neighbour_mac(uint8_t port) { return {2, 0, 0, 0, 1, port}; }

namespace {

Interface make_interface(const char* name, uint8_t port, const dam_address& v4,
                         const dam_address& v6) {
  Interface interface;
  interface.name = name;
  interface.port = port;
  interface.mac = own_mac(port);
  interface.subnets = {{v4, 120}, {v6, 64}};
  return interface;
}

Zone make_zone(const char* name, const ZonePlan& plan, bool management) {
  Zone zone;
  zone.name = name;
  zone.management = management;
  zone.exceeded = plan.exceeded;
  zone.mode = plan.mode;
  zone.per_source_concurrent = plan.per_source_concurrent;
  zone.total_concurrent = plan.total_concurrent;
  zone.ban_after = 20;
  zone.ban_within_ns = 5 * kSecond;
  zone.ban_for_ns = 10 * kSecond;
  for (size_t i = 0; i < DAM_DIM_COUNT; ++i) {
    const auto& one = plan.per_source[i];
    const auto& all = plan.total[i];
    zone.per_source[i] = dam_gcra_rate_of(one.per_second_milli, one.burst);
    zone.total[i] = dam_gcra_rate_of(all.per_second_milli, all.burst);
  }
  return zone;
}

Server make_server(const char* name, uint16_t slot, const Site& site) {
  Server server;
  server.name = name;
  server.address[0] = server_address(slot, 4);
  server.address[1] = server_address(slot, 6);
  server.port = dam_hton16(kTlsPort);
  server.proxy = site.proxy[slot];
  server.tlvs = site.tlvs;
  server.in_policy = true;
  return server;
}

void add_listeners(Policy& policy, const char* name, uint16_t port, Protocol protocol,
                   uint16_t group) {
  for (const uint8_t family : {uint8_t{4}, uint8_t{6}}) {
    Listener listener;
    listener.name = name;
    listener.address = public_address(family);
    listener.port = dam_hton16(port);
    listener.protocol = protocol;
    listener.group = group;
    listener.in_policy = true;
    policy.listeners.push_back(listener);
  }
}

std::vector<SourcePrefix> prefixes_of(const std::vector<uint16_t>& hosts) {
  std::vector<SourcePrefix> prefixes;
  for (const uint16_t host : hosts) {
    prefixes.push_back({client_address(host, 4), 128});
    prefixes.push_back({client_address(host, 6), 64});
  }
  return prefixes;
}

}  // namespace

std::vector<Interface> interfaces_of(const Site&) {
  std::vector<Interface> interfaces = {
      make_interface("front", kFrontPort, public_address(4), public_address(6)),
      make_interface("service", kServicePort, make_v4(198, 18, 10, 2), make_v6(0x10, 2)),
      make_interface("management", kManagementPort, make_v4(198, 18, 20, 2), make_v6(0x20, 2))};
  interfaces[0].gateways = {make_v4(198, 18, 0, 1), make_v6(0, 1)};
  interfaces[2].vlan = kManagementVlan;
  return interfaces;
}

Site draw_site(Random& random) {
  Site site;
  // The clocks that begin anew with 2^52 ns, or in the middle of nowhere.
  site.start_ns = random.chance(0.2) ? (1ull << 52) - random.below(20 * kSecond)
                                     : kSecond * random.between(1'000, 5'000'000);
  site.limits.flows = 512;
  site.limits.half_open = 128;
  site.limits.half_open_per_source = 128;
  site.limits.sources = 1024;
  site.limits.hold_bytes = 64 * (16384 + 2048);
  site.timeouts.idle_ns = 90 * kSecond;
  site.timeouts.half_closed_ns = 80 * kSecond;
  site.timeouts.probe_interval_ns = random.chance(0.5) ? 2 * kSecond : 0;
  site.source_ports = {20'000, 21'000};
  for (ProxyVersion& proxy : site.proxy) {
    proxy = static_cast<ProxyVersion>(random.chance(0.15) ? 0 : random.between(1, 2));
  }
  if (random.chance(0.5)) site.tlvs = static_cast<uint8_t>(random.below(16));
  site.fallback = random.chance(0.3);
  site.speak_first = random.chance(0.4);
  return site;
}

Policy policy_of(const Site& site) {
  Policy policy;
  policy.limits = site.limits;
  policy.timeouts = site.timeouts;
  policy.source_ports = site.source_ports;
  policy.log_connections_every = 1;
  add_listeners(policy, "https", kTlsPort, Protocol::tls, 0);
  add_listeners(policy, "raw", kRawPort, Protocol::tcp, 1);
  add_listeners(policy, "http", kHttpPort, Protocol::http, 2);
  policy.zones = {make_zone("front", site.zones[kFrontZone], false),
                  make_zone("light", site.zones[kLightZone], false),
                  make_zone("management", site.zones[kManagementZone], true),
                  make_zone("heavy", site.zones[kHeavyZone], false)};
  policy.servers = {make_server("web", kWebServer, site),
                    make_server("second", kSecondServer, site),
                    make_server("admin", kAdminServer, site)};
  const std::vector<uint16_t> pool =
      site.fallback ? std::vector<uint16_t>{kWebServer} : std::vector<uint16_t>{0, 1};
  const int32_t last = site.fallback ? int32_t{kSecondServer} : -1;
  policy.routes = {{"www", 0, kLightZone, pool, last},
                   {"api", 0, kHeavyZone, pool, last},
                   {"manage", 0, kManagementZone, {kAdminServer}, -1},
                   {"raw", 1, kLightZone, {kWebServer}, -1},
                   {"http", 2, kLightZone, pool, last},
                   {"http-api", 2, kHeavyZone, pool, last},
                   {"http-api-path", 2, kHeavyZone, pool, last}};
  std::vector<RouteRule> rules(policy.routes.size());
  for (size_t i = 0; i < rules.size(); ++i) {
    rules[i].route = static_cast<uint16_t>(i);
    rules[i].listener_group = policy.routes[i].listener_group;
  }
  rules[0].server_names = {"www.example.org"};
  rules[1].server_names = {"*.api.example.org"};
  rules[2].server_names = {"manage.example.org"};
  rules[4].server_names = {"www.example.org"};
  rules[5].server_names = {"*.api.example.org"};
  rules[6].server_names = {"www.example.org"};
  rules[6].path_prefix = "/api/";
  policy.router = Router(rules);
  policy.bans = PrefixSet(prefixes_of(site.banned));
  policy.deny = PrefixSet(prefixes_of(site.denied));
  policy.allow = PrefixSet(prefixes_of(site.admins));
  policy.bans_grown = site.bans_grown;
  return policy;
}

}  // namespace dam::simulation
