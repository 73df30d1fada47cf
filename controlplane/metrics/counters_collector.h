// SPDX-License-Identifier: BSD-3-Clause
// The dataplane's counters as Prometheus metrics. No label takes values that a stranger can
// multiply.
#pragma once

#include <prometheus/collectable.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "controlplane/bans/ban_counts.h"
#include "controlplane/dataplane_link/dataplane_link.h"
#include "controlplane/health/servers.h"
#include "controlplane/logs/logs.h"
#include "controlplane/lookalikes/lookalikes.h"
#include "controlplane/signals/signal_totals.h"
#include "dataplane/core/counters.h"

namespace dam::control {

class CountersCollector : public prometheus::Collectable {
 public:
  struct Sources {
    std::function<std::unique_ptr<dam_counters>()> counters;
    std::function<LinkState()> link;
    std::function<std::map<std::string, ServerSight>()> servers{};  // may be empty
    std::function<BanCounts()> bans{};                              // may be empty
    std::function<std::shared_ptr<const Policy>()> policy{};        // may be empty, and say nothing
    std::function<LogCounts()> logs{};                              // may be empty
    std::function<SignalTotals()> signals{};                        // may be empty
    std::function<LookalikeCounts()> lookalikes{};                  // may be empty
  };
  explicit CountersCollector(Sources sources) : sources_(std::move(sources)) {}

  std::vector<prometheus::MetricFamily> Collect() const override;
  // The text exposition format.
  std::string text() const;

 private:
  Sources sources_;
};

}  // namespace dam::control
