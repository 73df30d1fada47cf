// SPDX-License-Identifier: BSD-3-Clause
#include "tests/simulation/standing_tables.h"

#include "dataplane/engine/flow_index.h"

namespace dam::simulation {

StandingTables::StandingTables(const Limits& limits)
    : flows(limits.flows + limits.half_open),
      index(FlowIndex::buckets_for(2 * (limits.flows + limits.half_open))),
      source_buckets(SourceTable::buckets_for(limits.sources)),
      sources(source_buckets.size() * DAM_SOURCE_SLOTS) {}

SharedTables StandingTables::shared() {
  return {.flows = flows.all(),
          .index = index.all(),
          .source_buckets = source_buckets.all(),
          .sources = sources.all(),
          .totals = totals.all(),
          .neighbours = neighbours.all(),
          .macs = macs.all(),
          .strays = strays.all()};
}

}  // namespace dam::simulation
