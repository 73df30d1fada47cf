// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <string>

#include "dataplane/ipc/bounds.h"
#include "dataplane/ipc/policy_builder.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/steered_dam.h"

namespace dam::fuzz {
namespace {

constexpr uint64_t kYearNs = 365ull * 86400 * 1'000'000'000;

bool is_name(const std::string& name) {
  return !name.empty() && name.size() < DAM_NAME_BYTES && is_printable(name);
}

void check_zone(const Zone& zone) {
  check(is_name(zone.name), "a zone has a name");
  check(zone.source_bits_v4 >= 1 && zone.source_bits_v4 <= 32, "a source has bits of IPv4");
  check(zone.source_bits_v6 >= 1 && zone.source_bits_v6 <= 128, "and of IPv6");
  check(zone.mode <= Mode::shadow && zone.exceeded <= Exceeded::ban, "it does what is known");
  for (const auto* rates : {zone.per_source, zone.total}) {
    for (int i = 0; i < DAM_DIM_COUNT; ++i) {
      check(rates[i].tolerance_ns <= DAM_GCRA_FOREVER_NS, "a burst has an end");
      check(rates[i].interval_q20 != 0 || rates[i].tolerance_ns == 0, "no burst without a rate");
    }
  }
  if (zone.exceeded != Exceeded::ban) return;
  check(zone.ban_after > 0 && zone.ban_within_ns > 0 && zone.ban_for_ns > 0, "a ban is whole");
  check(zone.ban_within_ns <= kYearNs && zone.ban_for_ns <= kYearNs, "and at most a year long");
}

void check_server(const Server& server) {
  const dam_address none{};
  check(is_name(server.name) && server.port.raw != 0 && server.weight > 0, "a server is one");
  check(server.proxy <= ProxyVersion::v2 && server.tlvs < 16, "its header is known");
  check(!dam_address_equal(&server.address[0], &none) ||
            !dam_address_equal(&server.address[1], &none),
        "it has an address");
}

void check_routes(const Policy& policy) {
  for (const Route& route : policy.routes) {
    check(is_name(route.name) && !route.server_slots.empty(), "a route leads somewhere");
    check(route.zone_slot < policy.zones.size() && policy.zones[route.zone_slot].in_policy,
          "by a zone of the policy");
    for (const uint16_t slot : route.server_slots) {
      check(slot < policy.servers.size() && policy.servers[slot].in_policy, "to servers of it");
    }
    const auto fallback = static_cast<size_t>(std::max(route.fallback_slot, 0));
    check(route.fallback_slot == -1 ||
              (fallback < policy.servers.size() && policy.servers[fallback].in_policy),
          "or to another");
  }
}

void check_listeners(const Policy& policy) {
  for (size_t slot = 0; slot < policy.listeners.size(); ++slot) {
    const Listener& listener = policy.listeners[slot];
    check(listener.port.raw != 0 && listener.protocol <= Protocol::tcp, "a listener is one");
    check(listener.in_policy == (listener.group != kRetiredGroup), "retired ones have no routes");
    check(policy.listener_slot(listener.address, listener.port) == slot, "it is found");
  }
}

}  // namespace

void check_policy(const Policy& policy) {
  check(policy.version != 0 && policy.lists_digest != 0, "what stands for none is no policy's");
  check(!policy.zones.empty() && policy.zones.size() <= DAM_MAX_ZONES, "zones are bounded");
  check(policy.zones[0].name == "front" && policy.zones[0].in_policy, "the first is front");
  check(policy.servers.size() <= DAM_MAX_SERVERS, "servers are bounded");
  check(policy.listeners.size() <= kMaxListeners, "listeners are");
  check(policy.routes.size() <= kMaxRoutes, "routes are");
  check(policy.limits.half_open_per_source >= 1 && policy.limits.half_open_per_source <= 1u << 20,
        "half-open connections of a source are");
  check(policy.limits.management_share_percent >= 1 && policy.limits.management_share_percent <= 90,
        "management's share is");
  const uint32_t ports = policy.source_ports.last - policy.source_ports.first + 1u;
  check(policy.source_ports.first >= 1 && ports >= kLeastSourcePorts && ports <= 65535, "ports");
  const Timeouts& t = policy.timeouts;
  for (const uint64_t ns : {t.hello_ns, t.connect_ns, t.idle_ns, t.half_closed_ns, t.closing_ns,
                            t.port_rest_ns, t.probe_interval_ns}) {
    check(ns > 0 && ns <= kYearNs, "time-outs are above 0, and at most a year");
  }
  for (const Zone& zone : policy.zones) check_zone(zone);
  for (const Server& server : policy.servers) check_server(server);
  check_routes(policy);
  check_listeners(policy);
}

}  // namespace dam::fuzz
