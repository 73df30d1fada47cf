// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/api/handlers.h"

#include <algorithm>

#include "controlplane/api/change_request.h"
#include "controlplane/api/problem_json.h"

namespace dam::control {

namespace {

constexpr int kMostLevels = 3;  // {"exceeded": {"ban": {"after": 5}}}

using View = Json (*)(const Sight&);

void add_views(httplib::Server& server, const ApiParts& parts) {
  const std::pair<const char*, View> views[] = {
      {"/v1/status", status_view},   {"/v1/zones", zones_view}, {"/v1/routes", routes_view},
      {"/v1/servers", servers_view}, {"/v1/drops", drops_view}, {"/v1/policy", policy_view}};
  for (const auto& [path, view] : views) {
    server.Get(path, [view = view, look = parts.look](const httplib::Request&,
                                                      httplib::Response& response) {
      const Sight sight = look();
      // For If-Match: whose change would fall on another policy than the one seen here is refused.
      if (sight.running) response.set_header("ETag", etag_of(sight.running->version.number));
      answer(response, 200, view(sight));
    });
  }
}

void post_policy(RunningPolicy& policy, const httplib::Request& request,
                 httplib::Response& response) {
  const auto intent = read_intent(request, response);
  if (!intent) return;
  const std::string folder = request.get_param_value("folder");
  if (!folder.empty() && !folder.starts_with('/')) {
    return answer(response, 400,
                  error_body("folder is no absolute path", "write ?folder=/etc/dam"));
  }
  const ChangeResult result = policy.apply(request.body, folder, *intent);
  Json body = body_of(result);
  body["dry_run"] = intent->dry_run;
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
  const auto intent = changes ? read_intent(request, response) : std::nullopt;
  if (!intent) return;
  const ChangeResult result = policy.change_zone(zone, *changes, *intent);
  Json body = body_of(result);
  body["zone"] = zone;
  body["changes"] = changes_view(*changes);
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
                    "paths are /v1/{status,zones,routes,servers,drops,policy}, "
                    "/v1/policy/{versions,diff,rollback,confirm}, /metrics; this was " +
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
  add_history_handlers(server, parts.policy);
  add_metrics_handler(server, parts.metrics_text);
  server.set_error_handler(answer_error);
  server.set_exception_handler([](const httplib::Request&, httplib::Response& response,
                                  const std::exception_ptr&) {
    answer(response, 500, error_body("an error inside the control plane", "its log may say more"));
  });
}

}  // namespace dam::control
