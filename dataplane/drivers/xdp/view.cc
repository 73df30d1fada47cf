// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/xdp/view.h"

#include "dataplane/engine/handshake.h"
#include "dataplane/engine/standing_slots.h"

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

void enter_servers(dam_view& view, const Policy& policy) {
  for (size_t slot = 0; slot < policy.servers.size(); ++slot) {
    for (const dam_address& address : view.server[slot].address) {
      if (is_given(address)) enter(view.server_table, address, view.server[slot].port, slot);
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

void enter_listeners(dam_view& view) {
  for (size_t slot = 0; slot < view.listeners; ++slot) {
    dam_view_listener& listener = view.listener[slot];
    listener.may_ban = may_ban(view, listener.zone_mask);
    enter(view.listener_table, listener.address, listener.port, slot);
  }
}

}  // namespace

void fill_view(dam_view& view, const Policy& policy, const Engine& engine,
               std::span<const XdpInterface> interfaces, uint16_t window) {
  record_slots(view, policy);
  view.client_window = window;
  view.lists_digest = policy.lists_digest;
  fill_interfaces(view, engine, interfaces);
  fill_subnets(view, engine);
  fill_own(view, policy, engine);
  enter_servers(view, policy);
  enter_listeners(view);
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
