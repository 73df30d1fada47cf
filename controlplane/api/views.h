// SPDX-License-Identifier: BSD-3-Clause
// What GET answers: the policy and the counters side by side, as JSON.
#pragma once

#include <nlohmann/json.hpp>

#include "controlplane/dataplane_link/dataplane_link.h"
#include "controlplane/health/servers.h"
#include "controlplane/state/running_policy.h"
#include "dataplane/core/counters.h"

namespace dam::control {

using Json = nlohmann::ordered_json;

// `running` and `counters` may be null: no policy yet, no dataplane yet.
struct Sight {
  std::shared_ptr<const Running> running;
  LinkState link;
  std::unique_ptr<dam_counters> counters;
  std::string config;  // path of dam.yaml
  Json https = {};     // the listener for those who come from afar; null: there is none
  std::map<std::string, ServerSight> servers{};
};

Json status_view(const Sight& sight);
Json zones_view(const Sight& sight);
Json routes_view(const Sight& sight);
Json servers_view(const Sight& sight);
Json drops_view(const Sight& sight);
Json policy_view(const Sight& sight);

// When the counters were read, for those who make rates of them: s.
double sampled_at();
Json addresses_of(const std::vector<Located<Address>>& list);
Json changes_view(const std::vector<ZoneChange>& changes);

}  // namespace dam::control
