// SPDX-License-Identifier: BSD-3-Clause
// Which endpoints there are; each group beside its handlers.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "controlplane/api/endpoint.h"
#include "controlplane/api/views.h"
#include "controlplane/bans/ban_book.h"
#include "controlplane/capture/captures.h"
#include "controlplane/dataplane_link/ask.h"
#include "controlplane/events/event_log.h"
#include "controlplane/lookalikes/lookalikes.h"
#include "controlplane/signals/signals.h"
#include "controlplane/state/running_policy.h"
#include "controlplane/trust/trust.h"

namespace dam::control {

// Must outlive the server.
using LiftThrottles = std::function<size_t(const Network&)>;  // of a source: how many

struct ApiParts {
  RunningPolicy& policy;
  std::function<Sight()> look;
  std::function<std::string()> metrics_text;
  const EventLog& events;
  Trust& trust;
  Servers& servers;
  BanBook& bans;
  Ask ask_dataplane;
  Captures& captures;
  Signals& signals;
  Lookalikes& lookalikes;
  std::filesystem::path web = {};  // the page's files; absent: there is no page
  // Whom signals have slowed; until_ns is from now on.
  std::function<std::optional<SourceThrottle>(const Address&)> throttle_of = {};
  LiftThrottles lift_throttles = {};
};

Endpoints view_endpoints(const ApiParts& parts);
Endpoints policy_endpoints(RunningPolicy& policy);
Endpoints entry_endpoints(const ApiParts& parts);
Endpoints history_endpoints(RunningPolicy& policy);
Endpoints event_endpoints(const EventLog& events);
Endpoints server_endpoints(const ApiParts& parts);
Endpoints ban_endpoints(BanBook& book, const Ask& ask, const LiftThrottles& lift_throttles = {});
Endpoints flow_endpoints(const Ask& ask);
Endpoints capture_endpoints(Captures& captures);
Endpoints explain_endpoints(const ApiParts& parts);
Endpoints top_endpoints(const Ask& ask);
Endpoints metrics_endpoints(const std::function<std::string()>& text);
Endpoints ready_endpoints(const std::function<Sight()>& look);
Endpoints trust_endpoints(Trust& trust);
Endpoints session_endpoints(Trust& trust);
Endpoints signal_endpoints(Signals& signals);
Endpoints similar_endpoints(Lookalikes& lookalikes);
Endpoints similar_ban_endpoints(const ApiParts& parts);
Endpoints web_endpoints(const std::filesystem::path& folder);
// On the address of /metrics: that, and whether all is well.
Endpoints scraped_endpoints(const ApiParts& parts);

// All of these, and the document that describes them. Changes are in the audit log.
Endpoints all_endpoints(const ApiParts& parts);

}  // namespace dam::control
