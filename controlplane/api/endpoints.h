// SPDX-License-Identifier: BSD-3-Clause
// Which endpoints there are; each group beside its handlers.
#pragma once

#include <functional>
#include <string>

#include "controlplane/api/endpoint.h"
#include "controlplane/api/views.h"
#include "controlplane/events/event_log.h"
#include "controlplane/state/running_policy.h"

namespace dam::control {

// Must outlive the server.
struct ApiParts {
  RunningPolicy& policy;
  std::function<Sight()> look;
  std::function<std::string()> metrics_text;
  const EventLog& events;
};

Endpoints view_endpoints(const ApiParts& parts);
Endpoints policy_endpoints(RunningPolicy& policy);
Endpoints history_endpoints(RunningPolicy& policy);
Endpoints event_endpoints(const EventLog& events);
Endpoints metrics_endpoints(const std::function<std::string()>& text);

// All of these, and the document that describes them.
Endpoints all_endpoints(const ApiParts& parts);

}  // namespace dam::control
