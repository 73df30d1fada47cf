// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <vector>

#include "controlplane/logs/logs.h"
#include "controlplane/metrics/family_builder.h"

namespace dam::control {

void add_logs(const LogCounts& sinks, std::vector<prometheus::MetricFamily>& out);

}  // namespace dam::control
