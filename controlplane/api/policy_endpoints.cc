// SPDX-License-Identifier: BSD-3-Clause
// Changes of the policy: as a whole, or of one zone.
#include "controlplane/api/change_request.h"
#include "controlplane/api/endpoints.h"

namespace dam::control {

namespace {

void post_policy(RunningPolicy& policy, const Call& call, httplib::Response& response) {
  const auto intent = read_intent(call, response);
  if (!intent) return;
  const std::string folder = call.parameter("folder", std::string());
  const ChangeResult result = policy.apply(call.request.body, folder, *intent);
  Json body = body_of(result);
  body["dry_run"] = intent->dry_run;
  body["config"] = policy.config().string();
  answer(response, status_of(result.outcome), body);
}

void patch_zone(RunningPolicy& policy, const Call& call, httplib::Response& response) {
  const auto intent = read_intent(call, response);
  if (!intent) return;
  const std::string zone = call.parameter("name", std::string());
  std::vector<ZoneChange> changes;
  for (const auto& [key, value] : call.body.items()) {
    // JSON is YAML too: other values than text are read as dam.yaml would read them.
    changes.push_back({zone, key, value.is_string() ? value.get<std::string>() : value.dump()});
  }
  const ChangeResult result = policy.change_zone(zone, changes, *intent);
  Json body = body_of(result);
  body["zone"] = zone;
  body["changes"] = changes_view(changes);
  body["config"] = policy.config().string();
  body["yaml"] = yaml_of_changes(changes);
  answer(response, status_of(result.outcome), body);
}

Endpoint apply_endpoint(RunningPolicy& policy) {
  Endpoint endpoint;
  endpoint.method = "POST";
  endpoint.path = "/v1/policy";
  endpoint.role = Role::admin;
  endpoint.summary = "Put a policy in force, whole or not at all";
  endpoint.query = intent_parameters();
  endpoint.query.push_back(
      {"folder",
       schema::matching("^/", "an absolute path, in which files that the policy names lie")});
  endpoint.query.push_back(force_parameter());
  endpoint.body = {Body::Kind::text, {}, "application/yaml", "dam.yaml"};
  endpoint.answers =
      change_answers({{"dry_run?", schema::boolean()}, {"config?", schema::string()}});
  endpoint.handle = [&policy](const Call& call, httplib::Response& response) {
    post_policy(policy, call, response);
  };
  return endpoint;
}

Endpoint zone_endpoint(RunningPolicy& policy) {
  Endpoint endpoint;
  endpoint.method = "PATCH";
  endpoint.path = "/v1/zones/{name}";
  endpoint.role = Role::operator_;
  endpoint.summary = "Change rates, bursts, actions and mode of one zone";
  endpoint.path_parameters = {
      {"name", schema::matching("^[A-Za-z0-9._-]{1,63}$", "a zone's name: damctl zones")}};
  endpoint.query = intent_parameters();
  Json changes = schema::map_of(schema::any(),
                                "keys of a zone in dam.yaml, and their new values, "
                                "e.g. {\"per_source.packets\": \"50r/s burst=100\"}");
  changes["minProperties"] = 1;
  endpoint.body = {Body::Kind::json, changes, "", "what is to change"};
  endpoint.answers = change_answers({{"zone?", schema::string()},
                                     {"changes?", schema::array(schema::any())},
                                     {"config?", schema::string()},
                                     {"yaml?", schema::string("what to put into dam.yaml")}});
  endpoint.handle = [&policy](const Call& call, httplib::Response& response) {
    patch_zone(policy, call, response);
  };
  return endpoint;
}

}  // namespace

Endpoints policy_endpoints(RunningPolicy& policy) {
  return {apply_endpoint(policy), zone_endpoint(policy)};
}

}  // namespace dam::control
