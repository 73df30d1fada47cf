// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <vector>

#include "controlplane/metrics/family_builder.h"
#include "dataplane/core/counters.h"

namespace dam::control {

void add_interfaces(const dam_counters& counters, std::vector<prometheus::MetricFamily>& out);

}  // namespace dam::control
