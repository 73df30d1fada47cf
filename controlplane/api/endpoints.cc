// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/api/endpoints.h"

#include <iterator>
#include <memory>

#include "controlplane/api/audited.h"

namespace dam::control {

namespace {

void append(Endpoints& all, Endpoints more) {
  std::move(more.begin(), more.end(), std::back_inserter(all));
}

Endpoint document_endpoint(const Json& document) {
  Endpoint endpoint;
  endpoint.method = "GET";
  endpoint.path = "/v1/openapi.json";
  endpoint.role = Role::anyone;
  endpoint.summary = "This document";
  endpoint.answers = {{200, schema::any("OpenAPI 3.1")}};
  endpoint.handle = [text = document](const Call&, httplib::Response& response) {
    answer(response, 200, text);
  };
  return endpoint;
}

}  // namespace

Endpoints metrics_endpoints(const std::function<std::string()>& text) {
  Endpoint endpoint;
  endpoint.method = "GET";
  endpoint.path = "/metrics";
  endpoint.role = Role::viewer;
  endpoint.summary = "The counters for Prometheus";
  endpoint.answers = {{200, schema::text_answer("text/plain", "Prometheus' text format, 0.0.4")}};
  endpoint.handle = [text](const Call&, httplib::Response& response) {
    response.set_content(text(), "text/plain; version=0.0.4; charset=utf-8");
  };
  return {endpoint};
}

Endpoints scraped_endpoints(const ApiParts& parts) {
  Endpoints endpoints = ready_endpoints(parts.look);
  append(endpoints, metrics_endpoints(parts.metrics_text));
  return endpoints;
}

Endpoints all_endpoints(const ApiParts& parts) {
  Endpoints all = view_endpoints(parts);
  append(all, policy_endpoints(parts.policy));
  append(all, entry_endpoints(parts));
  append(all, history_endpoints(parts.policy));
  append(all, event_endpoints(parts.events));
  append(all, server_endpoints(parts));
  append(all, similar_ban_endpoints(parts));  // before /v1/bans/{source}
  append(all, ban_endpoints(parts.bans, parts.ask_dataplane, parts.lift_throttles));
  append(all, similar_endpoints(parts.lookalikes));
  append(all, explain_endpoints(parts));
  append(all, flow_endpoints(parts.ask_dataplane));
  append(all, top_endpoints(parts.ask_dataplane));
  append(all, capture_endpoints(parts.captures));
  append(all, metrics_endpoints(parts.metrics_text));
  append(all, ready_endpoints(parts.look));
  append(all, trust_endpoints(parts.trust));
  all = audited(std::move(all), parts.trust.audit);
  // Signals change nothing by themselves; the bans that they cause are listed with who told.
  append(all, signal_endpoints(parts.signals));
  // A session opens no more than its token did: whoever looks may begin one on a full disk too.
  append(all, session_endpoints(parts.trust));
  append(all, web_endpoints(parts.web));
  all.push_back(document_endpoint(Json()));  // so that it describes itself too
  const Json document = openapi_document(all);
  all.back() = document_endpoint(document);
  return all;
}

}  // namespace dam::control
