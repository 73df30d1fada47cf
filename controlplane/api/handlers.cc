// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/api/handlers.h"

#include <algorithm>

#include "controlplane/api/problem_json.h"

namespace dam::control {

namespace {

constexpr int kMostLevels = 3;  // {"exceeded": {"ban": {"after": 5}}}

void answer(httplib::Response& response, int status, const Json& body) {
  response.status = status;
  // Bytes that are no UTF-8 may come back in a message that quotes them.
  response.set_content(body.dump(2, ' ', false, Json::error_handler_t::replace) + "\n",
                       "application/json");
}

using View = Json (*)(const Sight&);

void add_views(httplib::Server& server, const ApiParts& parts) {
  const std::pair<const char*, View> views[] = {
      {"/v1/status", status_view},   {"/v1/zones", zones_view}, {"/v1/routes", routes_view},
      {"/v1/servers", servers_view}, {"/v1/drops", drops_view}, {"/v1/policy", policy_view}};
  for (const auto& [path, view] : views) {
    server.Get(path, [view = view, look = parts.look](const httplib::Request&,
                                                      httplib::Response& response) {
      answer(response, 200, view(look()));
    });
  }
}

int status_of(ChangeResult::Outcome outcome) {
  switch (outcome) {
    case ChangeResult::Outcome::valid:
    case ChangeResult::Outcome::applied:
      return 200;
    case ChangeResult::Outcome::waiting:
      return 202;
    case ChangeResult::Outcome::unknown_zone:
      return 404;
    case ChangeResult::Outcome::refused:
      return 409;
    default:
      return 422;
  }
}

Json body_of(const ChangeResult& result) {
  Json body = {{"applied", result.outcome == ChangeResult::Outcome::applied},
               {"waiting_for_dataplane", result.outcome == ChangeResult::Outcome::waiting},
               {"policy_version", result.policy_version},
               {"restart_needed", result.restart_needed}};
  body.update(problems_to_json(result.problems));
  return body;
}

void post_policy(RunningPolicy& policy, const httplib::Request& request,
                 httplib::Response& response) {
  const std::string dry_run = request.get_param_value("dry_run");
  const bool dry = dry_run == "1" || dry_run == "true";
  if (!dry && !dry_run.empty() && dry_run != "0" && dry_run != "false") {
    return answer(response, 400, error_body("dry_run is neither 0 nor 1", "write ?dry_run=1"));
  }
  const std::string folder = request.get_param_value("folder");
  if (!folder.empty() && !folder.starts_with('/')) {
    return answer(response, 400,
                  error_body("folder is no absolute path", "write ?folder=/etc/dam"));
  }
  const ChangeResult result = policy.apply(request.body, folder, dry);
  Json body = body_of(result);
  body["dry_run"] = dry;
  body["config"] = policy.config().string();
  answer(response, status_of(result.outcome), body);
}

// Writing a value as text recurses: no deeper than a ban in a zone goes.
bool is_shallow(const Json& value, int levels) {
  if (!value.is_structured()) return true;
  return levels > 0 && std::all_of(value.begin(), value.end(), [levels](const Json& inner) {
           return is_shallow(inner, levels - 1);
         });
}

// {"per_source.packets": "50r/s burst=100", "total.concurrent": 20} or nothing after an answer.
std::optional<std::vector<ZoneChange>> read_changes(const std::string& zone,
                                                    const httplib::Request& request,
                                                    httplib::Response& response) {
  const Json body = Json::parse(request.body, nullptr, false);
  if (!body.is_object() || body.empty() || !is_shallow(body, kMostLevels)) {
    answer(response, 400,
           error_body("the body is not a JSON object with changes",
                      "send e.g. {\"per_source.packets\": \"50r/s burst=100\"}"));
    return std::nullopt;
  }
  std::vector<ZoneChange> changes;
  for (const auto& [key, value] : body.items()) {
    // JSON is YAML too: other values than text are read as dam.yaml would read them.
    changes.push_back({zone, key, value.is_string() ? value.get<std::string>() : value.dump()});
  }
  return changes;
}

void patch_zone(RunningPolicy& policy, const httplib::Request& request,
                httplib::Response& response) {
  const std::string zone = request.matches[1];
  const auto changes = read_changes(zone, request, response);
  if (!changes) return;
  const ChangeResult result = policy.change_zone(zone, *changes);
  Json body = body_of(result);
  body["zone"] = zone;
  body["changes"] = changes_view(*changes);
  body["saved"] = false;
  body["config"] = policy.config().string();
  body["yaml"] = yaml_of_changes(*changes);
  answer(response, status_of(result.outcome), body);
}

// Whatever goes wrong outside of our handlers is said in the same form.
void answer_error(const httplib::Request& request, httplib::Response& response) {
  if (!response.body.empty()) return;
  const char* what = "the request cannot be served";
  if (response.status == 404) what = "no such resource or method";
  if (response.status == 413) what = "the body is too large";
  answer(response, response.status,
         error_body(what,
                    "paths are /v1/{status,zones,routes,servers,drops,policy}, /metrics; this "
                    "was " +
                        request.method + " " + request.path.substr(0, 200)));
}

}  // namespace

void add_metrics_handler(httplib::Server& server, const std::function<std::string()>& text) {
  server.Get("/metrics", [text](const httplib::Request&, httplib::Response& response) {
    response.set_content(text(), "text/plain; version=0.0.4; charset=utf-8");
  });
}

void add_handlers(httplib::Server& server, const ApiParts& parts) {
  add_views(server, parts);
  RunningPolicy* policy = &parts.policy;
  server.Post("/v1/policy", [policy](const httplib::Request& request, httplib::Response& response) {
    post_policy(*policy, request, response);
  });
  server.Patch(R"(/v1/zones/([A-Za-z0-9._-]{1,63}))",
               [policy](const httplib::Request& request, httplib::Response& response) {
                 patch_zone(*policy, request, response);
               });
  add_metrics_handler(server, parts.metrics_text);
  server.set_error_handler(answer_error);
  server.set_exception_handler([](const httplib::Request&, httplib::Response& response,
                                  const std::exception_ptr&) {
    answer(response, 500, error_body("an error inside the control plane", "its log may say more"));
  });
}

}  // namespace dam::control
