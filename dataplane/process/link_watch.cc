// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/process/link_watch.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "dataplane/process/say.h"

namespace dam {
namespace {

constexpr uint32_t kTicksBetween = 10;

void write_name(char (&to)[DAM_NAME_BYTES], const std::string& name) {
  std::strncpy(to, name.c_str(), sizeof to - 1);
}

std::string text_of(const LinkState& link) {
  if (!link.up) return "down";
  return "up" + (link.mbit_s == 0 ? "" : " at " + std::to_string(link.mbit_s) + " Mbit/s");
}

}  // namespace

LinkWatch::LinkWatch(const StartConfig& config, dam_counters& counters) : counters_(counters) {
  for (const DeviceConfig& device : config.devices) {
    // What stands behind the comma are DPDK's arguments.
    ports_.push_back({device.device.substr(0, device.device.find(',')), {}, false});
  }
  for (const Interface& one : config.interfaces) {
    if (port_of_.size() == DAM_MAX_SHOWN_INTERFACES) break;
    dam_interface_state& state = counters_.interfaces[port_of_.size()];
    write_name(state.name, one.name);
    write_name(state.device, ports_[one.port].device);
    state.vlan = one.vlan == DAM_VLAN_NONE ? 0 : one.vlan;
    port_of_.push_back(one.port);
  }
}

void LinkWatch::tick(Plane& plane) {
  if (++ticks_ % kTicksBetween != 0) return;
  for (uint32_t port = 0; port < ports_.size(); ++port) look_at(port, plane);
}

void LinkWatch::look_at(uint32_t port, Plane& plane) {
  Port& known = ports_[port];
  const PortSight sight = plane.look_at(port);
  const bool first = !std::exchange(known.known, true);
  const bool changed = first || sight.link != known.link;
  const bool flipped = !first && sight.link.up != known.link.up;
  known.link = sight.link;
  publish(port, sight, flipped);
  if (!changed) return;
  say("Port " + std::to_string(port) + ": " + sight.device + " link " + text_of(sight.link) + ".");
  plane.link_changed(port, sight.link.up);
}

void LinkWatch::publish(uint32_t port, const PortSight& sight, bool flipped) {
  for (size_t i = 0; i < port_of_.size(); ++i) {
    if (port_of_[i] != port) continue;
    dam_interface_state& state = counters_.interfaces[i];
    const auto store = [](uint64_t& field, uint64_t value) {
      __atomic_store_n(&field, value, __ATOMIC_RELAXED);
    };
    store(state.link_up, sight.link.up ? 1 : 0);
    store(state.speed_mbit, sight.link.mbit_s);
    store(state.mtu, sight.mtu);
    store(state.queues, sight.queues);
    store(state.link_changes, state.link_changes + (flipped ? 1 : 0));
    state.steering = sight.steering;
  }
}

}  // namespace dam
