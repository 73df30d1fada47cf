// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/metrics/lookalike_metrics.h"

namespace dam::control {

// Nothing where the policy wants none: a database that is away is then no trouble.
void add_lookalikes(const LookalikeCounts& counts, std::vector<prometheus::MetricFamily>& out) {
  if (!counts.wanted) return;
  const auto one = [&out](FamilyBuilder family, uint64_t value) {
    family.add(static_cast<double>(value));
    out.push_back(family.take());
  };
  one(gauge("dam_lookalikes_database_up", "The look-alikes' database answers."),
      counts.rows.connected ? 1 : 0);
  one(gauge("dam_lookalikes_sources", "Sources that are looked at in this window."),
      counts.sources);
  one(counter("dam_lookalikes_refused_total",
              "What sources did that found no room, since lookalikes.sources were looked at."),
      counts.refused);
  one(gauge("dam_lookalikes_queued_rows", "Vectors that wait for the database."),
      counts.rows.queued);
  one(counter("dam_lookalikes_written_rows_total", "Vectors that the database has taken."),
      counts.rows.written);
  one(counter("dam_lookalikes_dropped_rows_total",
              "Vectors that newer ones have pushed out of the queue."),
      counts.rows.dropped);
  one(counter("dam_lookalikes_deleted_rows_total",
              "Vectors that were deleted for their age or number."),
      counts.rows.deleted);
}

}  // namespace dam::control
