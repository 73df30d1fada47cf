// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "dataplane/engine/engine.h"

namespace dam::simulation {

// Tables that outlive an engine, as the kernel's do.
struct StandingTables {
  explicit StandingTables(const Limits& limits);
  SharedTables shared();
  BigArray<dam_flow> flows;
  BigArray<dam_index_bucket> index;
  BigArray<dam_source_bucket> source_buckets;
  BigArray<dam_source_entry> sources;
  BigArray<dam_zone_totals> totals{DAM_MAX_ZONES};
  BigArray<dam_neighbour> neighbours{DAM_MAX_NEIGHBOURS};
  BigArray<uint64_t> macs{DAM_MAX_NEIGHBOURS};
  BigArray<dam_stray> strays{DAM_STRAYS};
};

}  // namespace dam::simulation
