// SPDX-License-Identifier: BSD-3-Clause
// The record by which a dataplane knows what the one before it has left, with either driver.
#pragma once

#include <algorithm>
#include <string>

#include "dataplane/core/source_entry.h"
#include "dataplane/core/view.h"
#include "dataplane/engine/engine.h"

namespace dam {

// The magic last: what has none was never described whole.
inline void describe(dam_control& control, const TableSizes& sizes, const uint64_t hash_key[2]) {
  control.version = DAM_VIEW_VERSION;
  control.flow_bytes = sizeof(dam_flow);
  control.source_bytes = sizeof(dam_source_entry);
  control.view_bytes = sizeof(dam_view);
  control.counters_bytes = sizeof(dam_zone_counters);
  control.flows = sizes.flows;
  control.index_mask = sizes.index_buckets - 1;
  control.source_buckets = sizes.source_buckets;
  std::copy_n(hash_key, 2, control.hash_key);
  dam_table_key_make(&control.table_key, hash_key);
  control.active = DAM_NO_VIEW;
  __atomic_store_n(&control.magic, DAM_VIEW_MAGIC, __ATOMIC_RELEASE);
}

// Its tables' records are as this build has them.
inline bool has_this_layout(const dam_control& control) {
  return control.version == DAM_VIEW_VERSION && control.flow_bytes == sizeof(dam_flow) &&
         control.source_bytes == sizeof(dam_source_entry) &&
         control.view_bytes == sizeof(dam_view) &&
         control.counters_bytes == sizeof(dam_zone_counters);
}

// For "… end, for": what of the tables' sizes; empty: they are the same.
inline std::string other_size(const dam_control& control, const TableSizes& sizes) {
  if (control.flows != sizes.flows) return "limits.flows or half_open is another";
  if (control.source_buckets != sizes.source_buckets) return "limits.sources is another";
  return {};
}

inline void set_secrets(dam_control& control, const dam_cookie_secrets& secrets) {
  const uint32_t next = control.secret_generation + 1;
  control.secrets[next & 1] = secrets;
  __atomic_store_n(&control.secret_generation, next, __ATOMIC_RELEASE);
}

inline const dam_cookie_secrets& secrets_in_force(const dam_control& control) {
  return control.secrets[control.secret_generation & 1];
}

}  // namespace dam
