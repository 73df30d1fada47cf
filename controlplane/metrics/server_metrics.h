// SPDX-License-Identifier: BSD-3-Clause
// What people have said of servers, and what checks have found, as Prometheus metrics.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "controlplane/health/servers.h"
#include "controlplane/metrics/family_builder.h"

namespace dam::control {

void add_server_sights(const std::map<std::string, ServerSight>& servers,
                       std::vector<prometheus::MetricFamily>& out);

}  // namespace dam::control
