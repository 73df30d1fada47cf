// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/xdp/detach.h"

#include <bpf/bpf.h>
#include <net/if.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>

#include "dataplane/core/plane.h"
#include "dataplane/core/view.h"
#include "dataplane/drivers/netdev/offloads.h"
#include "dataplane/drivers/netdev/reserved_ports.h"
#include "dataplane/drivers/xdp/pins.h"

namespace dam {
namespace {

// Of the version that pinned them; a record that reads otherwise is left alone.
std::vector<dam_device_changes> read_changes(const Pins& pins) {
  std::vector<dam_device_changes> all;
  const int map = bpf_obj_get(pins.table("dam_devices").c_str());
  bpf_map_info info{};
  uint32_t bytes = sizeof info;
  if (map >= 0 && bpf_obj_get_info_by_fd(map, &info, &bytes) == 0 &&
      info.value_size == sizeof(dam_device_changes)) {
    for (uint32_t i = 0; i < info.max_entries; ++i) {
      dam_device_changes one{};
      if (bpf_map_lookup_elem(map, &i, &one) == 0 && one.ifindex != 0) all.push_back(one);
    }
  }
  if (map >= 0) close(map);
  return all;
}

// Of the policy that was in force last; nothing where there was none, or another version wrote it.
std::optional<Ports> read_source_ports(const Pins& pins) {
  const int control_map = bpf_obj_get(pins.table("dam_control").c_str());
  const int views_map = bpf_obj_get(pins.table("dam_views").c_str());
  std::optional<Ports> ports;
  bpf_map_info info{};
  uint32_t bytes = sizeof info;
  const uint32_t first = 0;
  dam_control control{};
  const auto view = std::make_unique<dam_view>();
  if (control_map >= 0 && bpf_obj_get_info_by_fd(control_map, &info, &bytes) == 0 &&
      info.value_size == sizeof control &&
      bpf_map_lookup_elem(control_map, &first, &control) == 0 &&
      control.version == DAM_VIEW_VERSION && control.view_bytes == sizeof(dam_view) &&
      bpf_map_lookup_elem(views_map, &control.active, view.get()) == 0) {
    ports = Ports{view->first_source_port, view->last_source_port};
  }
  for (const int map : {control_map, views_map}) {
    if (map >= 0) close(map);
  }
  return ports;
}

void free_ports(Ports ports) {
  const auto reserved = reserved_ports();
  if (reserved) set_reserved_ports(without_ports(*reserved, ports));
}

}  // namespace

std::vector<std::string> detach(const std::string& pins_folder) {
  if (!std::filesystem::exists(pins_folder)) {
    return {"Nothing of the dam is attached: there is no " + pins_folder + "."};
  }
  const Pins pins(pins_folder);
  const std::vector<dam_device_changes> changes = read_changes(pins);
  const std::optional<Ports> ports = read_source_ports(pins);
  pins.clear();
  pins.remove();
  if (ports) free_ports(*ports);
  std::vector<std::string> done;
  for (const dam_device_changes& one : changes) {
    const std::string name(one.name, strnlen(one.name, sizeof one.name));
    if (if_nametoindex(name.c_str()) != one.ifindex) continue;  // gone, and all of it with it
    switch_offloads_on(name, one.offloads);
    done.push_back(
        name + " is free of the dam" +
        (one.offloads == 0 ? "." : "; on again: " + names_of_offloads(one.offloads) + "."));
  }
  done.push_back(pins_folder + " is gone, and all connections with it.");
  return done;
}

}  // namespace dam
