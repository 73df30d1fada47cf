// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/xdp/standing.h"

#include <bpf/bpf.h>
#include <net/if.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "dataplane/drivers/xdp/detach.h"
#include "dataplane/drivers/xdp/dispatcher.h"
#include "dataplane/drivers/xdp/pinned_tables.h"
#include "dataplane/engine/standing_control.h"
#include "dataplane/engine/standing_slots.h"

namespace dam {
namespace {

[[noreturn]] void refuse_version(const Pins& pins, uint32_t theirs) {
  throw std::runtime_error(
      "The connections that stand in " + pins.folder() +
      " were left by another version of the dam (tables of version " + std::to_string(theirs) +
      "; these are " + std::to_string(DAM_VIEW_VERSION) +
      "). They go on, and no new ones begin. Start that version again, or end them: damctl detach");
}

// Flows name interfaces and local addresses by their place.
bool same_places(const dam_view& view, const StartConfig& config) {
  if (view.interfaces != config.interfaces.size()) return false;
  std::vector<dam_address> locals;
  for (size_t i = 0; i < config.interfaces.size(); ++i) {
    const Interface& interface = config.interfaces[i];
    const std::string& device = config.devices[interface.port].device;
    if (view.interface[i].ifindex != if_nametoindex(device.c_str()) ||
        view.interface[i].vlan != interface.vlan) {
      return false;
    }
    for (const Subnet& subnet : interface.subnets) {
      if (locals.size() < kMostLocalAddresses) locals.push_back(subnet.address);
    }
  }
  if (view.locals != locals.size()) return false;
  for (size_t i = 0; i < locals.size(); ++i) {
    if (!dam_address_equal(&view.local[i], &locals[i])) return false;
  }
  return true;
}

// A device that went and came back has lost its link, whatever its number is now.
bool is_linked(const std::string& pin, uint32_t ifindex) {
  const int link = bpf_obj_get(pin.c_str());
  if (link < 0) return false;
  bpf_link_info info{};
  uint32_t bytes = sizeof info;
  const bool holds =
      bpf_obj_get_info_by_fd(link, &info, &bytes) == 0 && info.xdp.ifindex == ifindex;
  close(link);
  return holds;
}

bool is_attached(const Pins& pins, const StartConfig& config) {
  return std::all_of(config.devices.begin(), config.devices.end(), [&](const auto& device) {
    const uint32_t ifindex = if_nametoindex(device.device.c_str());
    return config.xdp_beside_others ? is_gate_on(pins.gate(ifindex), ifindex)
                                    : is_linked(pins.link(ifindex), ifindex);
  });
}

std::string what_differs(const Pins& pins, const dam_control& control, const dam_view& view,
                         const StartConfig& config) {
  if (!is_attached(pins, config)) return "a device, or how the dam is on it, is another";
  std::string size = other_size(control, table_sizes(config.limits, 1));
  if (!size.empty()) return size;
  if (!same_places(view, config)) return "the interfaces or their addresses are others";
  return {};
}

}  // namespace

std::string keep_or_clear(const Pins& pins, const StartConfig& config) {
  uint32_t bytes = 0;
  const SharedArray table = open_table(pins, "dam_control", bytes);
  const uint32_t version = version_of(table);
  if (version == 0) {
    undo(pins);
    return {};
  }
  if (!is_same_layout(table, bytes)) refuse_version(pins, version);
  const dam_control& control = table.as<dam_control>()[0];
  uint32_t view_bytes = 0;
  const SharedArray views = open_table(pins, "dam_views", view_bytes);
  if (control.active > 1 || view_bytes != sizeof(dam_view)) {  // it never had a policy
    undo(pins);
    return {};
  }
  const std::string differs =
      what_differs(pins, control, views.as<dam_view>()[control.active], config);
  if (differs.empty()) return {};
  undo(pins);
  return "The connections of the run before end, for " + differs + ".";
}

void undo_unless_standing(const std::string& pins_folder) {
  const Pins pins(pins_folder);
  uint32_t bytes = 0;
  const SharedArray table = open_table(pins, "dam_control", bytes);
  const bool described = version_of(table) != 0 && is_same_layout(table, bytes);
  const bool nothing = bytes == 0 || (described && table.as<dam_control>()[0].active > 1);
  if (!nothing) return;
  undo(pins);
  pins.remove();
}

Standing standing_of(const KernelTables& tables, uint64_t now_ns) {
  const dam_control& control = tables.control();
  return {slots_of(tables.view()), secrets_in_force(control), now_ns};
}

}  // namespace dam
