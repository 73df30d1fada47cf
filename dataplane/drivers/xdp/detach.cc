// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/xdp/detach.h"

#include <bpf/bpf.h>
#include <net/if.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "dataplane/core/plane.h"
#include "dataplane/drivers/netdev/offloads.h"
#include "dataplane/drivers/netdev/reserved_ports.h"
#include "dataplane/drivers/xdp/pinned_tables.h"
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

void free_ports(const Pins& pins) {
  const int map = bpf_obj_get(pins.table("dam_ports").c_str());
  dam_own_ports own{};
  bpf_map_info info{};
  uint32_t bytes = sizeof info;
  const uint32_t first = 0;
  const bool known = map >= 0 && bpf_obj_get_info_by_fd(map, &info, &bytes) == 0 &&
                     info.value_size == sizeof own && bpf_map_lookup_elem(map, &first, &own) == 0;
  if (map >= 0) close(map);
  const PortSet ports = known ? ports_in(own.word) : PortSet{};
  const auto reserved = reserved_ports();
  if (reserved && ports.any()) set_reserved_ports(without_ports(*reserved, ports));
}

}  // namespace

std::vector<std::string> undo(const Pins& pins) {
  const std::vector<dam_device_changes> changes = read_changes(pins);
  free_ports(pins);
  pins.clear();
  std::vector<std::string> done;
  for (const dam_device_changes& one : changes) {
    const std::string name(one.name, strnlen(one.name, sizeof one.name));
    if (if_nametoindex(name.c_str()) != one.ifindex) continue;  // gone, and all of it with it
    switch_offloads_on(name, one.offloads);
    done.push_back(
        name + " is free of the dam" +
        (one.offloads == 0 ? "." : "; on again: " + names_of_offloads(one.offloads) + "."));
  }
  return done;
}

std::vector<std::string> detach(const std::string& pins_folder) {
  if (!std::filesystem::exists(pins_folder)) {
    return {"Nothing of the dam is attached: there is no " + pins_folder + "."};
  }
  const Pins pins(pins_folder);
  std::vector<std::string> done = undo(pins);
  pins.remove();
  done.push_back(pins_folder + " is gone, and all connections with it.");
  return done;
}

bool left_by_another_version(const std::string& pins_folder) {
  const Pins pins(pins_folder);
  uint32_t bytes = 0;
  const SharedArray table = open_table(pins, "dam_control", bytes);
  return version_of(table) != 0 && !is_same_layout(table, bytes);
}

}  // namespace dam
