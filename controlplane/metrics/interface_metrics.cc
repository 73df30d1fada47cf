// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/metrics/interface_metrics.h"

#include <string>

#include "controlplane/dataplane_link/counters_reader.h"
#include "controlplane/dataplane_link/interface_fields.h"

namespace dam::control {

void add_interfaces(const dam_counters& counters, std::vector<prometheus::MetricFamily>& out) {
  const std::vector<dam_interface_state> interfaces = interfaces_of(counters);
  auto info = gauge("dam_interface_info",
                    "The dam's interfaces, and how frames come to the worker of their flow (" +
                        steering_texts() + "); always 1.");
  for (const dam_interface_state& one : interfaces) {
    info.add(1, {{"interface", field_text(one.name)},
                 {"device", field_text(one.device)},
                 {"vlan", one.vlan == 0 ? "" : std::to_string(one.vlan)},
                 {"steering", steering_name(one)}});
  }
  out.push_back(info.take());
  for (const InterfaceField& field : interface_fields()) {
    const bool counts = std::string(field.metric).ends_with("_total");
    auto family = counts ? counter(field.metric, field.text) : gauge(field.metric, field.text);
    for (const dam_interface_state& one : interfaces) {
      family.add(field.factor * static_cast<double>(one.*field.member),
                 {{"interface", field_text(one.name)}});
    }
    out.push_back(family.take());
  }
}

}  // namespace dam::control
