// SPDX-License-Identifier: BSD-3-Clause
// For whoever watches over this process: does it live, and does the dam do what it should?
#include <time.h>

#include "controlplane/api/endpoints.h"

namespace dam::control {

namespace {

// The dataplane's control thread goes round every 100 ms; while it hangs for so long, the kernel
// part answers new connections still.
constexpr int64_t kFresh_ns = 3'000'000'000;

int64_t heartbeat_age_ns(const dam_counters& counters) {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec -
         static_cast<int64_t>(counters.heartbeat_ns);
}

Json not_ready(const Sight& sight) {
  Json troubles = Json::array();
  if (!sight.running) troubles.push_back("no policy is loaded");
  if (!sight.link.connected) {
    troubles.push_back("the dataplane is not connected");
  } else if (!sight.link.started) {
    troubles.push_back("the dataplane has not opened its ports");
  } else if (sight.link.policy_version == 0) {
    troubles.push_back("the dataplane has no policy");
  }
  // Strangers read this: what is in the policy is not for them.
  if (!sight.link.trouble.empty()) troubles.push_back("the dataplane cannot do all: damctl status");
  if (!sight.counters) {
    troubles.push_back("the dataplane's counters cannot be read");
  } else if (heartbeat_age_ns(*sight.counters) > kFresh_ns) {
    troubles.push_back("the dataplane's heartbeat is older than 3 seconds");
  }
  return troubles;
}

Endpoint open_to_all(const char* path, const char* summary) {
  Endpoint endpoint;
  endpoint.method = "GET";
  endpoint.path = path;
  endpoint.role = Role::anyone;
  endpoint.summary = summary;
  return endpoint;
}

}  // namespace

Endpoints ready_endpoints(const std::function<Sight()>& look) {
  Endpoint alive = open_to_all("/healthz", "Does the control plane live?");
  alive.answers = {{200, schema::object({{"alive", schema::boolean()}})}};
  alive.handle = [](const Call&, httplib::Response& response) {
    answer(response, 200, {{"alive", true}});
  };
  Endpoint ready = open_to_all("/readyz", "Is a policy in force, and does the dataplane work?");
  const Json schema =
      schema::object({{"ready", schema::boolean()}, {"trouble", schema::array(schema::string())}});
  ready.answers = {{200, schema}, {503, schema}};
  ready.handle = [look](const Call&, httplib::Response& response) {
    const Json trouble = not_ready(look());
    answer(response, trouble.empty() ? 200 : 503,
           {{"ready", trouble.empty()}, {"trouble", trouble}});
  };
  return {alive, ready};
}

}  // namespace dam::control
