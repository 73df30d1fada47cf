// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <vector>

#include "controlplane/metrics/family_builder.h"
#include "controlplane/signals/signal_totals.h"

namespace dam::control {

void add_signals(const SignalTotals& totals, std::vector<prometheus::MetricFamily>& out);

}  // namespace dam::control
