// SPDX-License-Identifier: BSD-3-Clause
// What a policy must hold beyond its shape: names that exist, addresses that fit, routes that can
// be reached. Each check is one function; all of them always run.
#pragma once

#include "controlplane/policy/model.h"
#include "controlplane/policy/problem.h"

namespace dam::control {

void check_policy(const Policy& policy, Problems& problems);

// The parts, in the order they run.
void check_interfaces(const Policy& policy, Problems& problems);  // check_network.cc
void check_listeners(const Policy& policy, Problems& problems);
void check_servers(const Policy& policy, Problems& problems);
void check_zones(const Policy& policy, Problems& problems);  // check.cc
void check_lists(const Policy& policy, Problems& problems);
void check_limits(const Policy& policy, Problems& problems);
void check_health_checks(const Policy& policy, Problems& problems);  // check_health.cc
void check_signals(const Policy& policy, Problems& problems);        // check_signals.cc
void check_routes(const Policy& policy, Problems& problems);         // check_routes.cc
void check_unused(const Policy& policy, Problems& problems);
void check_management(const Policy& policy, Problems& problems);

const Listener* find_listener(const Policy& policy, std::string_view name);

}  // namespace dam::control
