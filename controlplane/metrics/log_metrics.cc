// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/metrics/log_metrics.h"

namespace dam::control {

void add_logs(const LogCounts& sinks, std::vector<prometheus::MetricFamily>& out) {
  auto lines = counter("dam_log_lines_total", "Lines written, by sink and kind.");
  auto dropped = counter("dam_log_dropped_lines_total",
                         "Lines that no sink took: queue_full (too many at once), not_written (a "
                         "full disk, an endpoint that does not take them).");
  auto queued = gauge("dam_log_queued_lines", "Lines that wait for their sink.");
  auto most = gauge("dam_log_queued_lines_limit", "How many lines may wait.");
  for (const auto& [sink, counts] : sinks) {
    for (size_t kind = 0; kind < kLogKinds; ++kind) {
      lines.add(static_cast<double>(counts.lines[kind]),
                {{"sink", sink}, {"kind", log_kind_name(static_cast<LogKind>(kind))}});
    }
    dropped.add(static_cast<double>(counts.queue_full), {{"sink", sink}, {"reason", "queue_full"}});
    dropped.add(static_cast<double>(counts.not_written),
                {{"sink", sink}, {"reason", "not_written"}});
    queued.add(static_cast<double>(counts.queued), {{"sink", sink}});
    most.add(static_cast<double>(counts.queue_most), {{"sink", sink}});
  }
  for (auto* family : {&lines, &dropped, &queued, &most}) out.push_back(family->take());
}

}  // namespace dam::control
