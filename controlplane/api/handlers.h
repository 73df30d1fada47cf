// SPDX-License-Identifier: BSD-3-Clause
// The API below /v1: which request does what.
#pragma once

#include <httplib.h>

#include <functional>

#include "controlplane/api/views.h"
#include "controlplane/state/running_policy.h"

namespace dam::control {

struct ApiParts {
  RunningPolicy& policy;
  std::function<Sight()> look;
  std::function<std::string()> metrics_text;
};

void add_handlers(httplib::Server& server, const ApiParts& parts);
void add_history_handlers(httplib::Server& server, RunningPolicy& policy);
void add_metrics_handler(httplib::Server& server, const std::function<std::string()>& text);

}  // namespace dam::control
