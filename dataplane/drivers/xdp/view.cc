// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/xdp/view.h"

#include "dataplane/engine/handshake.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace dam {
namespace {

constexpr dam_be16 kNoPort{};

// Open addressing, as the kernel looks it up; no more than DAM_PROBES entries in a row.
void enter(std::span<uint16_t> table, const dam_address& address, dam_be16 port, size_t slot) {
  const uint32_t bucket = dam_address_bucket(&address, port);
  for (uint32_t i = 0; i < DAM_PROBES; ++i) {
    uint16_t& entry = table[(bucket + i) & (table.size() - 1)];
    if (entry != 0) continue;
    entry = static_cast<uint16_t>(slot + 1);
    return;
  }
  throw std::runtime_error("Too many listeners or servers on similar addresses.");
}

bool is_given(const dam_address& address) {
  return (address.word[0] | address.word[1] | address.word[2] | address.word[3]) != 0;
}

void fill_interfaces(dam_view& view, const Engine& engine, std::span<const XdpInterface> kernel) {
  const std::vector<Interface>& interfaces = engine.config().interfaces;
  view.interfaces = static_cast<uint32_t>(interfaces.size());
  for (size_t i = 0; i < interfaces.size(); ++i) {
    dam_view_interface& to = view.interface[i];
    to.ifindex = kernel[i].ifindex;
    to.device = kernel[i].device;
    to.answered_here = kernel[i].host_ifindex == 0 ? 1 : 0;
    to.vlan = interfaces[i].vlan;
    to.mtu = interfaces[i].mtu;
    std::copy(interfaces[i].mac.begin(), interfaces[i].mac.end(), to.mac);
  }
  view.gateway_interface[0] = engine.neighbours.link_towards(dam_address_v4(0));
  view.gateway_interface[1] = engine.neighbours.link_towards(dam_address{});
}

// Several of the dam's addresses may lie in one subnet: it counts once.
void fill_subnets(dam_view& view, const Engine& engine) {
  for (const auto& link : engine.neighbours.links_by_length()) {
    const dam_view_subnet subnet = {link.prefix, link.mask, link.interface, link.bits};
    const auto same = [&](const dam_view_subnet& other) {
      return std::memcmp(&other, &subnet, sizeof subnet) == 0;
    };
    if (std::any_of(view.subnet, view.subnet + view.subnets, same)) continue;
    if (view.subnets == DAM_MAX_SUBNETS) throw std::runtime_error("More than 64 subnets.");
    view.subnet[view.subnets++] = subnet;
  }
}

void fill_own(dam_view& view, const Policy& policy, const Engine& engine) {
  std::vector<dam_address> own = policy.listener_addresses;
  for (const LocalAddress& local : engine.local_addresses) own.push_back(local.address);
  const auto less = [](const dam_address& a, const dam_address& b) {
    return std::lexicographical_compare(a.word, a.word + 4, b.word, b.word + 4);
  };
  const auto equal = [](const dam_address& a, const dam_address& b) {
    return dam_address_equal(&a, &b) != 0;
  };
  std::sort(own.begin(), own.end(), less);
  own.erase(std::unique(own.begin(), own.end(), equal), own.end());
  for (size_t i = 0; i < own.size(); ++i) {
    view.own[i] = own[i];
    enter(view.own_table, own[i], kNoPort, i);
  }
  view.locals = static_cast<uint32_t>(engine.local_addresses.size());
  for (size_t i = 0; i < view.locals; ++i) view.local[i] = engine.local_addresses[i].address;
}

void fill_zone(dam_view_zone& to, const Zone& zone) {
  std::copy_n(zone.per_source, DAM_DIM_COUNT, to.per_source);
  std::copy_n(zone.total, DAM_DIM_COUNT, to.total);
  to.ban_within_ns = zone.ban_within_ns;
  to.ban_for_ns = zone.ban_for_ns;
  to.ban_after = zone.ban_after;
  to.exceeded = static_cast<uint8_t>(zone.exceeded);
  to.shadow = zone.mode == Mode::shadow ? 1 : 0;
  to.management = zone.management ? 1 : 0;
  to.source_bits_v4 = zone.source_bits_v4;
  to.source_bits_v6 = zone.source_bits_v6;
}
static_assert(static_cast<int>(Exceeded::reset) == DAM_EXCEEDED_RESET &&
              static_cast<int>(Exceeded::ban) == DAM_EXCEEDED_BAN);

void copy_name(char (&to)[DAM_NAME_BYTES], const std::string& name) {
  to[name.copy(to, sizeof to - 1)] = '\0';
}
std::string name_of(const char (&from)[DAM_NAME_BYTES]) {
  return {from, strnlen(from, sizeof from)};
}

void fill_servers(dam_view& view, const Policy& policy) {
  for (size_t slot = 0; slot < policy.servers.size(); ++slot) {
    const Server& server = policy.servers[slot];
    dam_view_server& to = view.server[slot];
    to.port = server.port;
    copy_name(view.server_name[slot], server.name);
    for (int family = 0; family < 2; ++family) {
      to.address[family] = server.address[family];
      if (is_given(server.address[family])) {
        enter(view.server_table, server.address[family], server.port, slot);
      }
    }
  }
}

// A zone that does not ban lets every source come to its listener.
uint8_t may_ban(const dam_view& view, uint64_t zones) {
  for (size_t slot = 0; slot < DAM_MAX_ZONES; ++slot) {
    const dam_view_zone& zone = view.zone[slot];
    const bool bans = zone.exceeded == DAM_EXCEEDED_BAN && zone.shadow == 0;
    if ((zones >> slot & 1) != 0 && !bans) return 0;
  }
  return zones == 0 ? 0 : 1;
}

void fill_listeners(dam_view& view, const Policy& policy) {
  view.listeners = static_cast<uint32_t>(policy.listeners.size());
  for (size_t slot = 0; slot < policy.listeners.size(); ++slot) {
    const Listener& listener = policy.listeners[slot];
    dam_view_listener& to = view.listener[slot];
    to.address = listener.address;
    to.port = listener.port;
    to.zone_mask = listener.zone_mask;
    to.in_policy = listener.in_policy ? 1 : 0;
    to.may_ban = may_ban(view, listener.zone_mask);
    enter(view.listener_table, listener.address, listener.port, slot);
  }
}

}  // namespace

void fill_view(dam_view& view, const Policy& policy, const Engine& engine,
               std::span<const XdpInterface> interfaces, uint16_t window) {
  view = {};
  view.policy_version = policy.version;
  view.first_source_port = policy.source_ports.first;
  view.last_source_port = policy.source_ports.last;
  view.client_window = window;
  view.lists_digest = policy.lists_digest;
  fill_interfaces(view, engine, interfaces);
  fill_subnets(view, engine);
  fill_own(view, policy, engine);
  for (size_t slot = 0; slot < policy.zones.size(); ++slot) {
    fill_zone(view.zone[slot], policy.zones[slot]);
    copy_name(view.zone_name[slot], policy.zones[slot].name);
  }
  fill_servers(view, policy);
  fill_listeners(view, policy);
}

namespace {

Zone zone_of(const dam_view_zone& from, const std::string& name) {
  Zone zone;
  zone.name = name;
  zone.management = from.management != 0;
  zone.mode = from.shadow != 0 ? Mode::shadow : Mode::enforce;
  zone.exceeded = static_cast<Exceeded>(from.exceeded);
  std::copy_n(from.per_source, DAM_DIM_COUNT, zone.per_source);
  std::copy_n(from.total, DAM_DIM_COUNT, zone.total);
  zone.ban_after = from.ban_after;
  zone.ban_within_ns = from.ban_within_ns;
  zone.ban_for_ns = from.ban_for_ns;
  zone.source_bits_v4 = from.source_bits_v4;
  zone.source_bits_v6 = from.source_bits_v6;
  return zone;
}

// Slots are filled from the first one on.
template <size_t kMost>
size_t used(const char (&names)[kMost][DAM_NAME_BYTES]) {
  size_t count = kMost;
  while (count > 0 && names[count - 1][0] == '\0') --count;
  return count;
}

}  // namespace

std::shared_ptr<const Policy> slots_of(const dam_view& view) {
  auto policy = std::make_shared<Policy>();
  policy->source_ports = {view.first_source_port, view.last_source_port};
  for (size_t slot = 0; slot < used(view.zone_name); ++slot) {
    policy->zones.push_back(zone_of(view.zone[slot], name_of(view.zone_name[slot])));
  }
  for (size_t slot = 0; slot < used(view.server_name); ++slot) {
    const dam_view_server& from = view.server[slot];
    Server server;
    server.name = name_of(view.server_name[slot]);
    std::copy_n(from.address, 2, server.address);
    server.port = from.port;
    server.in_policy = true;  // it has ports
    policy->servers.push_back(std::move(server));
  }
  for (size_t slot = 0; slot < std::min<size_t>(view.listeners, DAM_MAX_LISTENERS); ++slot) {
    Listener listener;
    listener.address = view.listener[slot].address;
    listener.port = view.listener[slot].port;
    policy->listeners.push_back(listener);
  }
  return policy;
}

void fill_promises(dam_view& view, std::span<const LearnedOptions> promises) {
  for (size_t slot = 0; slot < std::min<size_t>(promises.size(), view.listeners); ++slot) {
    const LearnedOptions& promise = promises[slot];
    dam_view_listener& to = view.listener[slot];
    to.mss = promise.mss;
    to.wscale = promise.wscale == kNoWscale ? uint8_t{DAM_WSCALE_NONE} : kPromisedWscale;
    to.promise = static_cast<uint8_t>((promise.sack ? DAM_PROMISE_SACK : 0) |
                                      (promise.timestamps ? DAM_PROMISE_TIMESTAMPS : 0) |
                                      (promise.ecn ? DAM_PROMISE_ECN : 0));
  }
}

}  // namespace dam
