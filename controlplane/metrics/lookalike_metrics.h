// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <vector>

#include "controlplane/lookalikes/lookalikes.h"
#include "controlplane/metrics/family_builder.h"

namespace dam::control {

void add_lookalikes(const LookalikeCounts& counts, std::vector<prometheus::MetricFamily>& out);

}  // namespace dam::control
