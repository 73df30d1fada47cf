// SPDX-License-Identifier: BSD-3-Clause
// Single routes and servers: written and removed, each as a version of the policy.
#include "controlplane/api/change_request.h"
#include "controlplane/api/endpoints.h"

namespace dam::control {

namespace {

// What people said of a server lasts, also over its removal: who adds one of the name must hear it.
void warn_of_word(const Servers& servers, const std::string& name, ChangeResult& result) {
  const auto known = servers.look();
  const auto found = known.find(name);
  if (found == known.end() || found->second.word.intake == Intake::enabled) return;
  result.problems.push_back({Severity::warning,
                             "",
                             {},
                             "server " + name + " is " + intake_text(found->second.word.intake) +
                                 " by an earlier word: it takes no new connections",
                             "damctl server set " + name + " state=enable"});
}

void answer_change(const RunningPolicy& policy, const ChangeResult& result,
                   httplib::Response& response) {
  Json body = body_of(result);
  body["config"] = policy.config().string();
  answer(response, status_of(result.outcome), body);
}

Endpoint entry_endpoint(const char* method, Section section, const std::string& summary) {
  const bool route = section == Section::routes;
  Endpoint endpoint;
  endpoint.method = method;
  endpoint.path = route ? "/v1/routes/{name}" : "/v1/servers/{name}";
  endpoint.role = Role::admin;
  endpoint.summary = summary;
  endpoint.path_parameters = {
      {"name", schema::matching("^[A-Za-z0-9._-]{1,63}$", route ? "a route's name: damctl routes"
                                                                : "a server's: damctl servers")}};
  endpoint.query = intent_parameters();
  endpoint.query.push_back(force_parameter());
  endpoint.answers =
      change_answers({{"config?", schema::string("dam.yaml, which stays as it is")}});
  return endpoint;
}

Endpoint put_endpoint(const ApiParts& parts, Section section, const std::string& summary) {
  Endpoint endpoint = entry_endpoint("PUT", section, summary);
  Json keys = schema::map_of(schema::any(), "its keys in dam.yaml, and their values");
  keys["minProperties"] = 1;
  endpoint.body = {Body::Kind::json, keys, "", "what it is to be"};
  endpoint.handle = [&policy = parts.policy, &servers = parts.servers, section](
                        const Call& call, httplib::Response& response) {
    const auto intent = read_intent(call, response);
    if (!intent) return;
    const std::string name = call.parameter("name", std::string());
    ChangeResult result = policy.put_entry(section, name, call.body, *intent);
    if (section == Section::servers && result.in_force()) warn_of_word(servers, name, result);
    answer_change(policy, result, response);
  };
  return endpoint;
}

Endpoint delete_endpoint(RunningPolicy& policy, Section section, const std::string& summary) {
  Endpoint endpoint = entry_endpoint("DELETE", section, summary);
  endpoint.handle = [&policy, section](const Call& call, httplib::Response& response) {
    const auto intent = read_intent(call, response);
    if (!intent) return;
    answer_change(policy,
                  policy.remove_entry(section, call.parameter("name", std::string()), *intent),
                  response);
  };
  return endpoint;
}

}  // namespace

Endpoints entry_endpoints(const ApiParts& parts) {
  return {put_endpoint(parts, Section::routes, "Add a route, or write it anew"),
          delete_endpoint(parts.policy, Section::routes,
                          "Remove a route; connections that it made go on"),
          put_endpoint(parts, Section::servers, "Add a server, or write it anew"),
          delete_endpoint(parts.policy, Section::servers,
                          "Remove a server that no route names; to let its connections end first: "
                          "PATCH it to drain")};
}

}  // namespace dam::control
