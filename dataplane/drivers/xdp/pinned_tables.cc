// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/xdp/pinned_tables.h"

#include <bpf/bpf.h>
#include <unistd.h>

#include "dataplane/core/view.h"
#include "dataplane/engine/standing_control.h"

namespace dam {

SharedArray open_table(const Pins& pins, const std::string& name, uint32_t& value_bytes) {
  const int map = bpf_obj_get(pins.table(name).c_str());
  if (map < 0) return {};
  bpf_map_info info{};
  uint32_t bytes = sizeof info;
  SharedArray table;
  if (bpf_obj_get_info_by_fd(map, &info, &bytes) == 0) {
    value_bytes = info.value_size;
    table = SharedArray(map, info.value_size, info.max_entries);
  }
  close(map);
  return table;
}

// Magic and version come first, in every version.
uint32_t version_of(const SharedArray& control) {
  const auto words = control.as<uint32_t>();
  return words.size() < 2 || words[0] != DAM_VIEW_MAGIC ? 0 : words[1];
}

bool is_same_layout(const SharedArray& table, uint32_t bytes) {
  return bytes == sizeof(dam_control) && has_this_layout(table.as<dam_control>()[0]);
}

}  // namespace dam
