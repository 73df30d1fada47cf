// SPDX-License-Identifier: BSD-3-Clause
// What the host's kernel does for an engine with the XDP driver.
#pragma once

#include <functional>

#include "dataplane/engine/engine.h"

namespace dam::test {

// Tables that outlive an engine, as the kernel's do.
struct OwnTables {
  explicit OwnTables(const TableSizes& sizes);
  SharedTables shared();
  BigArray<dam_flow> flows;
  BigArray<dam_requests> requests;
  BigArray<dam_fingerprint> fingerprints;
  BigArray<dam_index_bucket> index;
  BigArray<dam_source_bucket> source_buckets;
  BigArray<dam_source_entry> sources;
  BigArray<uint64_t> request_tats_ns;
  BigArray<dam_zone_totals> totals{DAM_MAX_ZONES};
  BigArray<dam_neighbour> neighbours{DAM_MAX_NEIGHBOURS};
  BigArray<uint64_t> macs{DAM_MAX_NEIGHBOURS};
  BigArray<dam_stray> strays;
};

// Resolves every next hop: `mac_behind` gives the link address of all that a port leads to.
void set_next_hops(Neighbours& neighbours, const std::function<MacAddress(uint8_t)>& mac_behind);

}  // namespace dam::test
