// SPDX-License-Identifier: BSD-3-Clause
// How long handshakes take, and what the clients' hellos are like.
#pragma once

#include <prometheus/metric_family.h>

#include <vector>

#include "dataplane/core/counters.h"

namespace dam::control {

void add_handshakes(const dam_counters& counters, std::vector<prometheus::MetricFamily>& out);

}  // namespace dam::control
