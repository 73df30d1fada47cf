// SPDX-License-Identifier: BSD-3-Clause
// Bans as Prometheus metrics: by where they come from, never by address.
#pragma once

#include <vector>

#include "controlplane/bans/ban_counts.h"
#include "controlplane/metrics/family_builder.h"

namespace dam::control {

void add_bans(const BanCounts& bans, std::vector<prometheus::MetricFamily>& out);

}  // namespace dam::control
