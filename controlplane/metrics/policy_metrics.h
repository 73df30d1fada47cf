// SPDX-License-Identifier: BSD-3-Clause
// What becomes of the wanted policy, as Prometheus metrics: whether it is in force, and which of
// its routes have a server.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "controlplane/dataplane_link/dataplane_link.h"
#include "controlplane/health/servers.h"
#include "controlplane/metrics/family_builder.h"
#include "controlplane/policy/model.h"
#include "dataplane/core/counters.h"

namespace dam::control {

void add_policy_state(const LinkState& link, std::vector<prometheus::MetricFamily>& out);

// `servers`: what people and checks say of them; of those that are missing there nothing is said.
void add_routes(const Policy& policy, const dam_counters& counters,
                const std::map<std::string, ServerSight>& servers,
                std::vector<prometheus::MetricFamily>& out);

}  // namespace dam::control
