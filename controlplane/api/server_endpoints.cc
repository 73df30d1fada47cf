// SPDX-License-Identifier: BSD-3-Clause
// The servers, and whether they take new connections.
#include "controlplane/api/change_request.h"
#include "controlplane/api/endpoints.h"

namespace dam::control {

namespace {

using namespace schema;

std::vector<std::string> finding_names() {
  std::vector<std::string> names;
  for (size_t i = 0; i < kFindingKinds; ++i) {
    names.emplace_back(finding_name(static_cast<FindingKind>(i)));
  }
  return names;
}

Json health_schema() {
  const Json finding = object({{"kind", one_of(finding_names())},
                               {"fails", boolean("it keeps the server from being up")},
                               {"message", string("what is wrong")},
                               {"hint", string("what to do")}});
  const Json last = object({{"at", integer(0, INT64_MAX, "Unix time, s")},
                            {"well", boolean()},
                            {"words", string("what was found")},
                            {"seconds", number()}});
  return object({{"verdict", one_of({"unknown", "up", "down", "unchecked"},
                                    "of the checks; unchecked: this host cannot make them, and "
                                    "the dam's probes alone count")},
                 {"findings", array(finding)},
                 {"changed_at?", integer(0, INT64_MAX, "Unix time, s")},
                 {"last?", last},
                 {"certificate_ends_at?", integer(INT64_MIN, INT64_MAX, "Unix time, s")}},
                "of servers with a `check`");
}

Json servers_schema() {
  const Json said = object({{"author", string()}, {"at", integer(0, INT64_MAX, "Unix time, s")}});
  const Json server =
      object({{"name", string()},
              {"addresses", array(string())},
              {"port", integer(1, 65535)},
              {"proxy", one_of({"none", "v1", "v2"})},
              {"weight", count("in force")},
              {"policy_weight", count("of dam.yaml")},
              {"state", one_of({"enabled", "drained", "disabled"}, "what people have said")},
              {"said?", said},
              {"health?", health_schema()},
              {"up?", boolean("the dam's own probes reach it")},
              {"mss?", count("bytes")},
              {"tcp_options?", array(string())},
              {"connections_opened?", count()},
              {"connections_open?", count()},
              {"connect_failures?", count()}});
  return object({{"sampled_at", number()}, {"servers", array(server)}});
}

Intake intake_of(const std::string& word) {
  if (word == "drain") return Intake::drained;
  return word == "disable" ? Intake::disabled : Intake::enabled;
}

int status_of(ServerChangeResult::Outcome outcome) {
  switch (outcome) {
    case ServerChangeResult::Outcome::applied:
      return 200;
    case ServerChangeResult::Outcome::waiting:
      return 202;
    case ServerChangeResult::Outcome::unknown_server:
      return 404;
    default:
      return 507;
  }
}

Json body_of(const std::string& name, const ServerChangeResult& result) {
  using Outcome = ServerChangeResult::Outcome;
  if (result.outcome == Outcome::unknown_server) {
    return error_body("no server is named \"" + name + "\"", "which there are: damctl servers");
  }
  if (result.outcome == Outcome::not_saved) {
    return error_body("nothing has changed, for it cannot be saved: " + result.trouble,
                      "look for a full disk: df -h; then try again");
  }
  std::vector<Problem> warnings;
  for (const std::string& text : result.warnings) {
    warnings.push_back({Severity::warning, "", {}, text, ""});
  }
  Json body = problems_to_json(warnings);
  body["server"] = name;
  body["outcome"] = result.outcome == Outcome::applied ? "applied" : "waiting";
  return body;
}

void patch_server(Servers& servers, const Call& call, httplib::Response& response) {
  const std::string name = call.parameter("name", std::string());
  ServerChange change;
  if (call.body.contains("state")) change.intake = intake_of(call.body["state"]);
  if (call.body.contains("weight")) change.weight = call.body["weight"].get<uint32_t>();
  const ServerChangeResult result = servers.change(name, change, call.caller.name);
  answer(response, status_of(result.outcome), body_of(name, result));
}

Json changed_schema() {
  const Json problem = object({{"file?", string()},
                               {"line?", count()},
                               {"column?", count()},
                               {"message", string()},
                               {"hint?", string()}});
  return object({{"errors?", array(problem)},
                 {"warnings?", array(problem, "what it means for routes")},
                 {"server", string()},
                 {"outcome", one_of({"applied", "waiting"}, "waiting: for the dataplane")}});
}

Json unsaved_schema() {
  return object({{"errors", array(any())}, {"warnings?", array(any())}}, "it could not be saved");
}

Endpoint view_endpoint(const ApiParts& parts) {
  Endpoint endpoint;
  endpoint.method = "GET";
  endpoint.path = "/v1/servers";
  endpoint.role = Role::viewer;
  endpoint.summary = "The servers: state, health, connections";
  endpoint.answers = {{200, servers_schema()}};
  endpoint.handle = [look = parts.look](const Call&, httplib::Response& response) {
    const Sight sight = look();
    if (sight.running) response.set_header("ETag", etag_of(sight.running->version.number));
    answer(response, 200, servers_view(sight));
  };
  return endpoint;
}

Endpoint change_endpoint(Servers& servers) {
  Endpoint endpoint;
  endpoint.method = "PATCH";
  endpoint.path = "/v1/servers/{name}";
  endpoint.role = Role::operator_;
  endpoint.summary =
      "Drain, disable or enable a server, or change its weight, until said otherwise";
  endpoint.path_parameters = {
      {"name", matching("^[A-Za-z0-9._-]{1,63}$", "a server's name: damctl servers")}};
  Json change = object(
      {{"state?", one_of({"enable", "drain", "disable"},
                         "drain: old connections go on, new ones go elsewhere; disable: the same, "
                         "and nobody checks it")},
       {"weight?", integer(0, 1000, "its share of a pool; 0: what dam.yaml says")}});
  change["minProperties"] = 1;
  endpoint.body = {Body::Kind::json, change, "", "what is to change"};
  endpoint.answers = {{200, changed_schema()}, {202, changed_schema()}, {507, unsaved_schema()}};
  endpoint.handle = [&servers](const Call& call, httplib::Response& response) {
    patch_server(servers, call, response);
  };
  return endpoint;
}

}  // namespace

Endpoints server_endpoints(const ApiParts& parts) {
  return {view_endpoint(parts), change_endpoint(parts.servers)};
}

}  // namespace dam::control
