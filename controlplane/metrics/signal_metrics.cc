// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/metrics/signal_metrics.h"

namespace dam::control {

void add_signals(const SignalTotals& totals, std::vector<prometheus::MetricFamily>& out) {
  auto accepted = counter("dam_signals_accepted_total", "Signals of servers that were heard.");
  accepted.add(static_cast<double>(totals.accepted));
  auto refused = counter("dam_signals_refused_total",
                         "Signals that were not heard, by reason: " + signal_refusals_text() + ".");
  for (size_t i = 0; i < kSignalRefusals; ++i) {
    refused.add(static_cast<double>(totals.refused[i]),
                {{"reason", signal_refusal_name(static_cast<SignalRefusal>(i))}});
  }
  auto ends = counter("dam_signal_rule_exceeded_total",
                      "Sources over a rule of the signals, by rule and what came of it: " +
                          signal_ends_text() + ".");
  for (const auto& [rule, counts] : totals.ends) {
    for (size_t i = 0; i < kSignalEnds; ++i) {
      ends.add(static_cast<double>(counts[i]),
               {{"rule", rule}, {"outcome", signal_end_name(static_cast<SignalEnd>(i))}});
    }
  }
  auto throttled = gauge("dam_signal_throttled_sources",
                         "Sources that servers' signals have slowed for a while.");
  throttled.add(static_cast<double>(totals.throttled));
  for (auto* family : {&accepted, &refused, &ends, &throttled}) out.push_back(family->take());
}

}  // namespace dam::control
